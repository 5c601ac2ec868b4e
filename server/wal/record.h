// Record: one framed, checksummed unit of the write-ahead log, as bytes and back.
//
// FORMAT.md has the grammar. A FrameCursor walks the frames of one segment and stops at the first
// thing that is not an intact record; it says what that is, so that the reader never has to guess
// between the end of the log, a torn write and damage.
//
// Thread: values.
// Source: etcd server/storage/wal and walpb (bytes); docs/reliability of torn writes: FORMAT.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::wal {

enum class RecordType : std::uint8_t {
  kMetadata = 1,
  kEntry = 2,
  kState = 3,
  kCrc = 4,  // no data; carries the running checksum into a segment
  kSnapshot = 5,
};

struct Record {
  RecordType type = RecordType::kMetadata;
  std::uint32_t crc = 0;  // running checksum after data
  std::string_view data;
};

// Appends one frame to out. crc is the running checksum before it, and after it on return.
void AppendRecord(std::string& out, RecordType type, std::string_view data, std::uint32_t& crc);

class FrameCursor {
 public:
  enum class Outcome : std::uint8_t {
    kRecord,   // record() is intact and its checksum continues the chain
    kEnd,      // nothing but zeros from offset() on
    kTorn,     // a write that a crash left unfinished starts at offset()
    kDamaged,  // neither: bytes that were once good have changed
  };

  // REQUIRES: segment outlives the cursor. crc: the running checksum before the segment, which its
  // first record must repeat; any is accepted when chained is false.
  FrameCursor(std::string_view segment, std::uint32_t crc, bool chained)
      : segment_(segment), crc_(crc), chained_(chained) {}

  Outcome Next();

  const Record& record() const { return record_; }
  std::uint64_t offset() const { return offset_; }  // of the next frame, or of what stopped us
  std::uint32_t crc() const { return crc_; }
  std::string_view reason() const { return reason_; }  // for kTorn and kDamaged

 private:
  Outcome Stop(Outcome outcome, std::string_view reason);
  Outcome Torn(std::string_view reason);
  Outcome JudgeZeroLength();
  Outcome JudgeBadRecord(std::uint64_t frame_end, std::string_view reason);

  std::string_view segment_;
  std::uint64_t offset_ = 0;
  std::uint32_t crc_;
  bool chained_;
  Record record_;
  std::string_view reason_;
};

}  // namespace quorate::wal
