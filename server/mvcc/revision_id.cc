#include "mvcc/revision_id.h"

#include <limits>

#include "base/bytes.h"

namespace quorate::mvcc {
namespace {

constexpr std::size_t kNameBytes = 17;
// The index keeps a bit of it for itself; no transaction has as many changes.
constexpr std::int64_t kSubMax = std::numeric_limits<std::int64_t>::max() >> 1;

void BigEndianTo(std::uint64_t number, char* out) {
  for (int i = 7; i >= 0; --i) {
    out[i] = static_cast<char>(number & 0xffU);
    number >>= 8;
  }
}

}  // namespace

RowName::RowName(RevisionId id, bool tombstone) : size_(kNameBytes + (tombstone ? 1 : 0)) {
  BigEndianTo(static_cast<std::uint64_t>(id.main.value), bytes_);
  bytes_[8] = '_';
  BigEndianTo(static_cast<std::uint64_t>(id.sub), bytes_ + 9);
  bytes_[kNameBytes] = 't';
}

std::optional<DecodedRow> DecodeRowName(std::string_view text) {
  if (text.size() < kNameBytes || text.size() > kNameBytes + 1 || text[8] != '_') {
    return std::nullopt;
  }
  if (text.size() > kNameBytes && text[kNameBytes] != 't') return std::nullopt;
  DecodedRow row;
  row.id.main = Revision{static_cast<std::int64_t>(ReadBigEndian64(text))};
  row.id.sub = static_cast<std::int64_t>(ReadBigEndian64(text.substr(9)));
  // Below zero, the order of the rows would not be that of the numbers.
  if (row.id.main < Revision{0} || row.id.sub < 0 || row.id.sub > kSubMax) return std::nullopt;
  row.tombstone = text.size() > kNameBytes;
  return row;
}

}  // namespace quorate::mvcc
