// RevisionId: the place of one change in the history: a main revision and its order within it.
//
// Every change of one transaction has the same main revision and sub 0, 1, 2, ... in order. The
// row of a change is named by 17 bytes, "main(8, big-endian) _ sub(8, big-endian)", with a 't'
// behind them when the change is a deletion; byte order is history order.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.h"

namespace quorate::mvcc {

struct RevisionId {
  Revision main;  // 0: none
  std::int64_t sub = 0;

  constexpr auto operator<=>(const RevisionId&) const = default;
};

// The row name of a change, in place.
class RowName {
 public:
  RowName(RevisionId id, bool tombstone);
  std::string_view text() const { return {bytes_, size_}; }

 private:
  char bytes_[18];
  std::size_t size_;
};

struct DecodedRow {
  RevisionId id;
  bool tombstone = false;
};
// nullopt: not a row name.
std::optional<DecodedRow> DecodeRowName(std::string_view text);

}  // namespace quorate::mvcc
