// Defaults that are worked out from several fields. Nothing here is written back into a spec.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/etcd_cluster.h"

namespace quorate::api {

// The server image: spec.image where it speaks, else <default_repository>:<spec.version>.
std::string ImageOf(const ClusterSpec& spec, std::string_view default_repository);

// --quota-backend-bytes: spec.config.quotaBackend, or 80 % of storage.size and at most 8 GiB.
std::int64_t QuotaBytesOf(const ClusterSpec& spec);

}  // namespace quorate::api
