#include "membership/version.h"

#include <charconv>

namespace quorate::membership {

std::string Version::ToString() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::optional<Version> ParseVersion(std::string_view text) {
  text = text.substr(0, text.find_first_of("-+"));
  Version version;
  int* const parts[] = {&version.major, &version.minor, &version.patch};
  for (int i = 0; i < 3; ++i) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *parts[i]);
    if (parsed.ec != std::errc{} || *parts[i] < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (i == 2) break;
    if (text.empty() || text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return version;
}

}  // namespace quorate::membership
