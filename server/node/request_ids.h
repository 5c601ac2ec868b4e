// RequestIds: ids that no other request of the cluster has.
//
// 16 bits of the member's id and a 48-bit counter that starts anywhere. Not at the time of day, as
// etcd's does: a clock that was set back, or that stands still, would give a restarted member the
// ids of entries of its former life, and their results would be answered to others.
//
// Thread: Next from any.
// Source: etcd pkg/idutil (prefix and width), knowledge/etcd.md 4.2.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/ids.h"

namespace quorate::node {

class RequestIds {
 public:
  // start: random.
  RequestIds(MemberId member, std::uint64_t start)
      : prefix_((member.value & 0xffffU) << 48U), last_(start) {}

  std::uint64_t Next() {
    return prefix_ | ((last_.fetch_add(1, std::memory_order_relaxed) + 1) & ((1ULL << 48U) - 1));
  }

 private:
  const std::uint64_t prefix_;
  std::atomic<std::uint64_t> last_;
};

}  // namespace quorate::node
