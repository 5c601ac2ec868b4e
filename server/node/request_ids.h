// RequestIds: ids that no other request of the cluster has.
//
// 16 bits of the member's id, 40 of the start's unix milliseconds, 8 of a counter; each id is one
// more than the last in the low 48 bits, so a member that restarts continues above what it can have
// used, unless it made 256 ids each millisecond.
//
// Thread: Next from any.
// Source: etcd pkg/idutil (scheme), knowledge/etcd.md 4.2.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/ids.h"

namespace quorate::node {

class RequestIds {
 public:
  RequestIds(MemberId member, std::chrono::system_clock::time_point start)
      : prefix_((member.value & 0xffffU) << 48U),
        last_((Milliseconds(start) & ((1ULL << 40U) - 1)) << 8U) {}

  std::uint64_t Next() {
    return prefix_ | ((last_.fetch_add(1, std::memory_order_relaxed) + 1) & ((1ULL << 48U) - 1));
  }

 private:
  static std::uint64_t Milliseconds(std::chrono::system_clock::time_point at) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count());
  }

  const std::uint64_t prefix_;
  std::atomic<std::uint64_t> last_;
};

}  // namespace quorate::node
