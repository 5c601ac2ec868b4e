// Fields: reads the protobuf of walpb as strictly as it is written.
//
// The log's checksum covers a record's data and nothing else, so whatever stands around it is
// believed only in the one spelling that a writer produces.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fields.h"

namespace quorate::wal {

// Takes a field with this tag byte and the number behind it off the front of bytes.
inline std::optional<std::uint64_t> TakeField(std::string_view& bytes, char tag) {
  if (bytes.empty() || bytes[0] != tag) return std::nullopt;
  bytes.remove_prefix(1);
  const std::size_t before = bytes.size();
  const auto number = fields::TakeVarint(bytes);
  if (!number || before - bytes.size() != fields::VarintSize(*number)) return std::nullopt;
  return number;
}

}  // namespace quorate::wal
