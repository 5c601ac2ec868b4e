// Zones for tests: TZif files made here, so that the tests do not depend on the machine's tzdata.
#pragma once

#include <string>

#include "backup/time_zone.h"

namespace quorate::backup {

// A TZif file without a table, whose footer says everything.
inline std::string TzifOf(const std::string& posix, std::int32_t offset_seconds) {
  const auto header = [](unsigned types) {
    std::string text = "TZif2" + std::string(15, '\0');
    for (const unsigned count : {0u, 0u, 0u, 0u, types, types * 4}) {
      for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(count >> shift & 0xff);
    }
    return text;
  };
  std::string type;
  for (int shift = 24; shift >= 0; shift -= 8) {
    type += static_cast<char>(static_cast<std::uint32_t>(offset_seconds) >> shift & 0xff);
  }
  type += std::string("\0\0LMT\0", 6);
  return header(1) + type + header(1) + type + "\n" + posix + "\n";
}

inline TimeZone Berlin() {
  auto zone = TimeZone::Parse(TzifOf("CET-1CEST,M3.5.0,M10.5.0/3", 3600));
  return zone.ok() ? *zone : TimeZone::Utc();
}

inline TimeZone NewYork() {
  auto zone = TimeZone::Parse(TzifOf("EST5EDT,M3.2.0,M11.1.0", -18000));
  return zone.ok() ? *zone : TimeZone::Utc();
}

inline api::Time At(const std::string& text) {
  return *api::ParseTime(text);
}

}  // namespace quorate::backup
