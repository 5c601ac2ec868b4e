// Ids: member and cluster ids, computed as etcd computes them.
//
// Two clusters with the same peer URLs and token get the same ids; that is what the token is for. A
// member's name is no part of its id.
//
// Source: etcd server/etcdserver/api/membership (behaviour); the test vectors are in
// tests/server/membership.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"

namespace quorate::membership {

// First 8 bytes, big-endian, of SHA-1(sorted URLs, concatenated + token + decimal unix seconds).
//   token         the cluster token at bootstrap; empty for a member added at run time
//   unix_seconds  the time of a run-time MemberAdd; absent at bootstrap
MemberId MakeMemberId(std::vector<std::string> peer_urls, const std::string& token,
                      std::optional<std::int64_t> unix_seconds = std::nullopt);

// First 8 bytes, big-endian, of SHA-1(member ids sorted ascending, 8 bytes big-endian each).
ClusterId MakeClusterId(std::vector<MemberId> members);

}  // namespace quorate::membership
