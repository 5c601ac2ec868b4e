// Numbers: as people type them for etcdctl, read as Go reads them, refused in its words.
//
// Errors: kInvalidArgument with the text of Go's strconv.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace quorate::commands {

Result<std::int64_t> ParseInt(const std::string& text, int base);
Result<std::uint64_t> ParseUint(const std::string& text, int base);

}  // namespace quorate::commands
