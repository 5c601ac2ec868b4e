// Version: major.minor.patch as it stands in /version, headers and the cluster's own record.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::membership {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;

  auto operator<=>(const Version&) const = default;
  std::string ToString() const;
  // "3.6.0" of 3.6.14: what a cluster agrees on.
  Version Minor() const { return {major, minor, 0}; }
};

// "3.6.14" or "3.6.14-quorate.1" (the suffix is dropped); nullopt for anything else.
std::optional<Version> ParseVersion(std::string_view text);

// The etcd release whose behaviour this server has; what /version and --version answer.
inline constexpr Version kEtcdVersion{3, 6, 14};
inline constexpr Version kMinClusterVersion{3, 0, 0};
// The storage schema of the files that this server writes for others.
inline constexpr std::string_view kStorageVersion = "3.6.0";

}  // namespace quorate::membership
