// TimeZone: local time and back, from the bytes of a TZif file (the system's tzdata).
//
// The room reads no files: whoever has a Disk hands the bytes over. A time that a clock change
// skips has no instant, one that it repeats has two; nobody here guesses which is meant.
//
// Thread: values.
// Source: RFC 8536 (TZif), POSIX TZ strings in its footer.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "api/values.h"
#include "base/result.h"

namespace quorate::backup {

using api::Time;
using LocalTime = std::chrono::local_seconds;

class TimeZone {
 public:
  static TimeZone Utc();
  // kInvalidArgument when the bytes are no TZif file of version 2 or later.
  static Result<TimeZone> Parse(std::string_view tzif);
  // Letters, digits, "_+-/" and no "..": safe to look up below /usr/share/zoneinfo.
  static bool IsName(std::string_view name);

  LocalTime ToLocal(Time time) const;
  // None, one or two instants, in order.
  std::vector<Time> ToInstants(LocalTime local) const;
  // The clock change that skips this local time. REQUIRES: ToInstants(local) is empty.
  Time EndOfGap(LocalTime local) const;

 private:
  struct Change {
    Time at;
    std::chrono::seconds offset;  // from here on
  };

  std::chrono::seconds OffsetAt(Time time) const;
  Status AddRule(std::string_view posix);

  std::chrono::seconds first_offset_{0};
  std::vector<Change> changes_;  // in order
};

}  // namespace quorate::backup
