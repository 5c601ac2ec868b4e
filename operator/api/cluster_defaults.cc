#include "api/cluster_defaults.h"

#include <algorithm>

namespace quorate::api {
namespace {

constexpr std::int64_t kQuotaBytesMax = std::int64_t{8} << 30;

}  // namespace

std::string ImageOf(const ClusterSpec& spec, std::string_view default_repository) {
  std::string image =
      spec.image.repository.empty() ? std::string(default_repository) : spec.image.repository;
  if (!spec.image.digest.empty()) return image + "@" + spec.image.digest;
  return image + ":" + (spec.image.tag.empty() ? spec.version : spec.image.tag);
}

std::int64_t QuotaBytesOf(const ClusterSpec& spec) {
  if (const auto given = spec.config.quota_backend.Units()) return *given;
  return std::min(spec.storage.size.Units().value_or(0) / 10 * 8, kQuotaBytesMax);
}

}  // namespace quorate::api
