#include "apply/quota.h"

#include <algorithm>

namespace quorate::apply {
namespace {

constexpr std::uint64_t kPutOverhead = 256;

std::int64_t EffectiveLimit(std::int64_t limit) {
  if (limit < 0) return 0;
  return limit == 0 ? kQuotaDefault : limit;
}

std::uint64_t BranchCost(
    const google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>& operations) {
  std::uint64_t cost = 0;
  for (const etcdserverpb::RequestOp& operation : operations) {
    if (operation.has_request_put()) {
      cost += PutCost(operation.request_put().key().size(), operation.request_put().value().size());
    } else if (operation.has_request_txn()) {
      cost += TxnCost(operation.request_txn());
    }
  }
  return cost;
}

}  // namespace

std::uint64_t PutCost(std::size_t key_bytes, std::size_t value_bytes) {
  return kPutOverhead + key_bytes + value_bytes;
}

std::uint64_t TxnCost(const etcdserverpb::TxnRequest& txn) {
  return std::max(BranchCost(txn.success()), BranchCost(txn.failure()));
}

Quota::Quota(const storage::Backend& store, std::int64_t limit)
    : store_(store), limit_(EffectiveLimit(limit)) {}

bool Quota::Admits(std::uint64_t cost) const {
  if (cost == 0) return true;
  if (disk_scarce_.load(std::memory_order_relaxed)) return false;
  if (limit_ == 0) return true;
  return store_.sizes().bytes_total + cost < static_cast<std::uint64_t>(limit_);
}

}  // namespace quorate::apply
