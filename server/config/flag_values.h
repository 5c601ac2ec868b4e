// FlagValues: from a flag's text to a typed value, as Go's flag package reads it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace quorate::config {

Result<bool> ParseBool(std::string_view text);  // 1 t T true TRUE True, 0 f F false FALSE False
Result<std::uint64_t> ParseUnsigned(std::string_view text);
Result<std::int64_t> ParseSigned(std::string_view text);
// Go's durations: 300ms, 1m30s, 2h, 1.5s; a bare 0. Refuses negative ones.
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);
std::vector<std::string> SplitCommas(std::string_view text);

}  // namespace quorate::config
