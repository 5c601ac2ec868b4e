#include "wal/record.h"

#include <algorithm>
#include <optional>

#include "base/crc32c.h"
#include "base/site.h"
#include "wal/fields.h"

namespace quorate::wal {
namespace {

constexpr std::uint64_t kSectorBytes = 512;  // what a disk writes whole or not at all
constexpr std::uint64_t kHeaderBytes = 8;
constexpr std::uint64_t kPayloadBytesMin = 4;  // type and crc, one byte of value each
constexpr std::uint64_t kLengthMask = (1ULL << 56U) - 1;

std::uint64_t PadOf(std::uint64_t payload) {
  return (8 - payload % 8) % 8;
}

std::uint64_t ReadLittleEndian64(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;) number = number << 8U | static_cast<unsigned char>(bytes[i]);
  return number;
}

// {1: type, 2: crc, 3: data (may be absent)}, exactly as it is written and nothing more: the
// checksum covers data alone, so everything around it has to be checked by its form.
std::optional<Record> ParsePayload(std::string_view payload) {
  const auto type = TakeField(payload, '\x08');
  const auto crc = TakeField(payload, '\x10');
  if (!type || !crc || *type < 1 || *type > 5 || *crc > 0xFFFFFFFFU) return std::nullopt;
  Record record{static_cast<RecordType>(*type), static_cast<std::uint32_t>(*crc), {}};
  if (payload.empty()) return record;
  const auto size = TakeField(payload, '\x1a');
  if (!size || *size != payload.size()) return std::nullopt;
  record.data = payload;
  return record;
}

struct Frame {
  Record record;
  std::uint64_t end = 0;
};

// The frame at offset if its form is right; its checksum is not looked at.
std::optional<Frame> ParseFrame(std::string_view segment, std::uint64_t offset) {
  if (segment.size() - offset < kHeaderBytes) return std::nullopt;
  const std::uint64_t header = ReadLittleEndian64(segment.substr(offset));
  const std::uint64_t length = header & kLengthMask;
  const std::uint64_t pad = PadOf(length);
  if (length < kPayloadBytesMin || header >> 56U != (pad == 0 ? 0 : 0x80U | pad)) {
    return std::nullopt;
  }
  if (length + pad > segment.size() - offset - kHeaderBytes) return std::nullopt;
  const std::string_view padding = segment.substr(offset + kHeaderBytes + length, pad);
  if (padding.find_first_not_of('\0') != std::string_view::npos) return std::nullopt;
  const auto record = ParsePayload(segment.substr(offset + kHeaderBytes, length));
  if (!record) return std::nullopt;
  return Frame{*record, offset + kHeaderBytes + length + pad};
}

// True when two neighbours in [begin, end) are intact: the second's checksum continues the first's.
// Chance makes that in one of four billion places, so the log goes on behind `begin`.
bool HoldsIntactPair(std::string_view segment, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t at = begin; at + kHeaderBytes < end; at += 8) {
    const auto first = ParseFrame(segment, at);
    if (!first || first->end >= end) continue;
    const auto second = ParseFrame(segment, first->end);
    if (!second || second->end > end || second->record.data.empty()) continue;
    if (Crc32c(first->record.crc, AsBytes(second->record.data)) == second->record.crc) return true;
  }
  return false;
}

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// True when some bit of `data`, flipped, changes its checksum by `difference`. A checksum is
// linear: what a bit adds to it depends on its distance from the end alone.
bool OneDataBitMakes(std::uint32_t difference, std::size_t data_bytes) {
  constexpr std::uint32_t kCastagnoli = 0x82F63B78;
  std::uint32_t bit = kCastagnoli;  // what the last bit adds
  for (std::size_t left = data_bytes * 8; left > 0; --left) {
    if (bit == difference) return true;
    bit = bit >> 1U ^ (kCastagnoli & (0U - (bit & 1U)));
  }
  return false;
}

bool Continues(const Frame& frame, std::uint32_t crc) {
  return frame.record.type != RecordType::kCrc &&
         Crc32c(crc, AsBytes(frame.record.data)) == frame.record.crc;
}

// True when the record at offset is intact but for one bit; crc: the checksum before it. A decayed
// bit always looks like that, a torn write once in 2^32 / (its bits) times.
bool OneBitExplains(std::string_view segment, std::uint64_t offset, std::uint32_t crc) {
  constexpr std::size_t kFormBytes = 32;  // header, type, crc and size, which stand before data
  std::string bytes(segment.substr(offset));
  const auto explains = [&](std::size_t bit) {
    const auto mask = static_cast<char>(1U << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    const auto frame = ParseFrame(bytes, 0);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    return frame && Continues(*frame, crc);
  };
  for (std::size_t bit = 0; bit < std::min(bytes.size(), kFormBytes) * 8; ++bit) {
    if (explains(bit)) return true;
  }
  if (const auto frame = ParseFrame(bytes, 0)) {
    const std::string_view data = frame->record.data;
    return OneDataBitMakes(Crc32c(crc, AsBytes(data)) ^ frame->record.crc, data.size());
  }
  // Padding is zero.
  const std::uint64_t length = ReadLittleEndian64(bytes) & kLengthMask;
  if (length + PadOf(length) > bytes.size() - kHeaderBytes) return false;
  const std::size_t end = kHeaderBytes + length + PadOf(length);
  for (std::size_t bit = (kHeaderBytes + length) * 8; bit < end * 8; ++bit) {
    if (explains(bit)) return true;
  }
  return false;
}

}  // namespace

void AppendRecord(std::string& out, RecordType type, std::string_view data, std::uint32_t& crc) {
  crc = Crc32c(crc, AsBytes(data));
  const std::size_t start = out.size();
  out.append(kHeaderBytes, '\0');
  fields::AppendNumber(out, 1, static_cast<std::uint64_t>(type));
  fields::AppendNumber(out, 2, crc);
  if (type != RecordType::kCrc) fields::AppendText(out, 3, data);
  const std::uint64_t length = out.size() - start - kHeaderBytes;
  const std::uint64_t pad = PadOf(length);
  const std::uint64_t header = pad == 0 ? length : length | (0x80U | pad) << 56U;
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    out[start + i] = static_cast<char>(header >> (8 * i));
  }
  out.append(pad, '\0');
}

FrameCursor::Outcome FrameCursor::Next() {
  const std::uint64_t left = segment_.size() - offset_;
  if (left < kHeaderBytes) {
    return AllZero(segment_.substr(offset_)) ? Stop(Outcome::kEnd, "")
                                             : Stop(Outcome::kTorn, "the file ends in a header");
  }
  const std::uint64_t header = ReadLittleEndian64(segment_.substr(offset_));
  if (header == 0) return JudgeZeroLength();

  const std::uint64_t length = header & kLengthMask;
  const std::uint64_t pad = PadOf(length);
  if (length < kPayloadBytesMin || header >> 56U != (pad == 0 ? 0 : 0x80U | pad)) {
    return Stop(Outcome::kDamaged, "malformed frame header");
  }
  if (length + pad > left - kHeaderBytes) {
    if (HoldsIntactPair(segment_, offset_ + kHeaderBytes, segment_.size())) {
      return Stop(Outcome::kDamaged, "frame length beyond the file, intact records behind it");
    }
    return Torn("frame length beyond the file");
  }
  const std::uint64_t end = offset_ + kHeaderBytes + length + pad;
  const auto frame = ParseFrame(segment_, offset_);
  if (!frame) return JudgeBadRecord(end, "malformed record");
  const Record& record = frame->record;
  if (record.type == RecordType::kCrc) {
    if (offset_ != 0) return JudgeBadRecord(end, "checksum record inside a segment");
    if (chained_ && record.crc != crc_) {
      return Stop(Outcome::kDamaged, "checksum does not continue the segment before");
    }
  } else if (Crc32c(crc_, AsBytes(record.data)) != record.crc) {
    if (!QUORATE_PLANTED("wal.crc_not_checked")) return JudgeBadRecord(end, "crc mismatch");
  }
  crc_ = record.crc;
  offset_ = end;
  record_ = record;
  return Outcome::kRecord;
}

FrameCursor::Outcome FrameCursor::Stop(Outcome outcome, std::string_view reason) {
  reason_ = reason;
  return outcome;
}

// What looks like a torn write, unless a single changed bit explains it better: then a record that
// may have been promised has decayed, whatever zeros it holds by nature.
FrameCursor::Outcome FrameCursor::Torn(std::string_view reason) {
  if (OneBitExplains(segment_, offset_, crc_)) {
    return Stop(Outcome::kDamaged, "one bit of a record has changed");
  }
  return Stop(Outcome::kTorn, reason);
}

// Zeros are the end. Something behind them is a later sector of an unsynced write whose first
// sector was lost, and then this sector is zero up to its edge.
FrameCursor::Outcome FrameCursor::JudgeZeroLength() {
  const std::string_view rest = segment_.substr(offset_);
  const std::size_t data = rest.find_first_not_of('\0');
  if (data == std::string_view::npos) return Stop(Outcome::kEnd, "");
  const std::uint64_t edge = (offset_ / kSectorBytes + 1) * kSectorBytes;
  if (offset_ + data < edge) return Stop(Outcome::kDamaged, "record under a zero length");
  return Torn("a write lost its first sector");
}

// A record that a crash tore has lost whole sectors, which read as zeros. Without one, or with
// intact records in front of it, good bytes have changed.
FrameCursor::Outcome FrameCursor::JudgeBadRecord(std::uint64_t frame_end, std::string_view reason) {
  if (QUORATE_PLANTED("wal.damage_taken_for_torn")) return Stop(Outcome::kTorn, reason);
  std::uint64_t sector = (offset_ / kSectorBytes + 1) * kSectorBytes;
  for (; sector < frame_end; sector += kSectorBytes) {
    if (AllZero(segment_.substr(sector, kSectorBytes))) break;
  }
  if (sector >= frame_end) return Stop(Outcome::kDamaged, reason);
  if (HoldsIntactPair(segment_, offset_ + kHeaderBytes, sector)) {
    return Stop(Outcome::kDamaged, reason);
  }
  return Torn("a write lost a sector");
}

}  // namespace quorate::wal
