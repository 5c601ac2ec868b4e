// Quantity, Time, durations: the small values Kubernetes writes as text.
//
// A Quantity keeps the text it was given ("8Gi", "250m"), because an object must come back as the
// user wrote it; its number is worked out when asked for. Times are whole seconds, as metav1.Time;
// durations are Go's ("1h30m", "100ms").
//
// Errors: parsers answer nullopt; the caller knows the field's name and says it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::api {

using Time = std::chrono::sys_seconds;
using Duration = std::chrono::milliseconds;

struct Quantity {
  std::string text;  // "": absent

  bool empty() const { return text.empty(); }
  // The whole number of units (bytes, cores) this names, rounded up; nullopt when the text is no
  // quantity or too large.
  std::optional<std::int64_t> Units() const;
  bool operator==(const Quantity&) const = default;
};

// 2026-11-21T07:30:00Z. Reading also takes fractions (cut off) and offsets.
std::string FormatTime(Time time);
std::optional<Time> ParseTime(std::string_view text);

// Go's form: h, m, s, ms in falling order, "0s" for none. Reading takes any of Go's units from ns
// up; below 1 ms is cut.
std::string FormatDuration(Duration duration);
std::optional<Duration> ParseDuration(std::string_view text);

}  // namespace quorate::api
