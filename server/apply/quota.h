// Quota: what a request adds to the store, by etcd's accounting, against --quota-backend-bytes.
//
// Costs are estimates: a put is its bytes plus 256, a lease 64, a transaction the dearer of its
// branches; reads and deletions are free, so that a full store can be emptied.
//
// Thread: any.
// Source: knowledge/etcd.md 7.6.
#pragma once

#include <atomic>
#include <cstdint>

#include "proto/rpc.pb.h"
#include "storage/backend.h"

namespace quorate::apply {

inline constexpr std::int64_t kQuotaDefault = std::int64_t{2} << 30U;
inline constexpr std::uint64_t kLeaseCost = 64;

std::uint64_t PutCost(std::size_t key_bytes, std::size_t value_bytes);
std::uint64_t TxnCost(const etcdserverpb::TxnRequest& txn);

class Quota {
 public:
  // limit: --quota-backend-bytes; 0: the default; negative: none.
  Quota(const storage::Backend& store, std::int64_t limit);

  // The disk itself is nearly full: nothing that costs is admitted until it is not.
  void SetDiskScarce(bool scarce) { disk_scarce_.store(scarce, std::memory_order_relaxed); }
  // Whether a request of this cost still fits.
  bool Admits(std::uint64_t cost) const;
  // In bytes; 0: none.
  std::int64_t limit() const { return limit_; }

 private:
  const storage::Backend& store_;
  const std::int64_t limit_;
  std::atomic<bool> disk_scarce_{false};
};

}  // namespace quorate::apply
