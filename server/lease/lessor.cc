#include "lease/lessor.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"
#include "proto/lease.pb.h"

namespace quorate::lease {
namespace {

using storage::Family;

// A new leader ends at most this many leases a second; what would end later in the same second is
// spread.
constexpr std::size_t kExpirySpreadPerSecond = 1000;

Error NotFound() {
  return Error{Code::kNotFound, "etcdserver: requested lease not found"};
}

std::string RowKey(LeaseId id) {
  std::string key;
  AppendBigEndian64(key, static_cast<std::uint64_t>(id.value));
  return key;
}

void StoreRow(LeaseId id, std::int64_t ttl, std::int64_t remaining_ttl, storage::Batch& batch) {
  leasepb::Lease row;
  row.set_id(id.value);
  row.set_ttl(ttl);
  row.set_remainingttl(remaining_ttl);
  batch.Put(Family::kLease, RowKey(id), row.SerializeAsString());
}

}  // namespace

Lessor::Lessor(const Options& options, const io::Clock& clock) : options_(options), clock_(clock) {}

Status Lessor::Load(const storage::Reader& store) {
  leases_.clear();
  queue_.clear();
  primary_ = false;
  const auto cursor = store.Scan(Family::kLease, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    leasepb::Lease row;
    const std::string_view value = cursor->value();
    if (!row.ParseFromArray(value.data(), static_cast<int>(value.size())) || row.id() == 0) {
      return Error{Code::kDataLoss, "lease row " + ToHex(cursor->key()) + " is damaged"};
    }
    Lease& lease = leases_[LeaseId{row.id()}];
    lease.ttl = std::max(row.ttl(), options_.ttl_min);
    lease.remaining_ttl = row.remainingttl();
  }
  return cursor->status();
}

Result<std::int64_t> Lessor::Grant(LeaseId id, std::int64_t ttl, storage::Batch& batch) {
  if (id.value == 0) return NotFound();
  if (ttl > kTtlMax) return Error{Code::kOutOfRange, "etcdserver: too large lease TTL"};
  if (leases_.contains(id)) {
    return Error{Code::kFailedPrecondition, "etcdserver: lease already exists"};
  }
  Lease& lease = leases_[id];
  lease.ttl = std::max(ttl, options_.ttl_min);
  if (primary_) Schedule(id, lease, clock_.Now() + std::chrono::seconds(lease.ttl));
  StoreRow(id, lease.ttl, 0, batch);
  return lease.ttl;
}

Result<std::vector<std::string>> Lessor::Revoke(LeaseId id, storage::Batch& batch) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return NotFound();
  Schedule(id, found->second, kNever);
  std::vector<std::string> keys(found->second.keys.begin(), found->second.keys.end());
  leases_.erase(found);
  if (QUORATE_PLANTED("lease.revoked_row_stays")) return keys;
  batch.Delete(Family::kLease, RowKey(id));
  return keys;
}

void Lessor::Checkpoint(LeaseId id, std::int64_t remaining_ttl, storage::Batch& batch) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  Lease& lease = found->second;
  lease.remaining_ttl = remaining_ttl;
  if (primary_ && remaining_ttl > 0) {
    Schedule(id, lease, clock_.Now() + std::chrono::seconds(remaining_ttl));
  }
  StoreRow(id, lease.ttl, remaining_ttl, batch);
}

bool Lessor::Exists(LeaseId lease) const {
  return leases_.contains(lease);
}

void Lessor::Attach(LeaseId lease, std::string_view key) {
  const auto found = leases_.find(lease);
  CHECK(found != leases_.end());
  found->second.keys.emplace(key);
}

void Lessor::Detach(LeaseId lease, std::string_view key) {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return;
  const auto entry = found->second.keys.find(key);
  if (entry != found->second.keys.end()) found->second.keys.erase(entry);
}

void Lessor::Promote(std::chrono::nanoseconds extend) {
  primary_ = true;
  if (QUORATE_PLANTED("lease.lives_on_under_the_next_leader")) return;
  const Instant now = clock_.Now();
  std::vector<std::pair<Instant, LeaseId>> ends;
  ends.reserve(leases_.size());
  for (const auto& [id, lease] : leases_) {
    std::int64_t left = lease.remaining_ttl > 0 ? lease.remaining_ttl : lease.ttl;
    if (QUORATE_PLANTED("lease.checkpoint_forgotten")) left = lease.ttl;
    ends.emplace_back(now + std::chrono::seconds(left) + extend, id);
  }
  std::sort(ends.begin(), ends.end());
  Instant window = now;
  std::size_t in_window = 0;
  for (auto& [expiry, id] : ends) {
    if (expiry >= window + std::chrono::seconds(1)) {
      window = expiry;
      in_window = 0;
    }
    if (++in_window > kExpirySpreadPerSecond) {
      window += std::chrono::seconds(1);
      in_window = 1;
    }
    Schedule(id, leases_.at(id), std::max(expiry, window));
  }
}

void Lessor::Demote() {
  if (QUORATE_PLANTED("lease.old_leader_revokes")) return;
  primary_ = false;
  queue_.clear();
  for (auto& [id, lease] : leases_) lease.expiry = lease.queued = kNever;
}

Result<std::int64_t> Lessor::Renew(LeaseId id) {
  if (!primary_) return Error{Code::kUnknown, "not a primary lessor"};
  const auto found = leases_.find(id);
  if (QUORATE_PLANTED("lease.renew_after_revoke"))
    return found == leases_.end() ? 60 : found->second.ttl;
  if (found == leases_.end()) return NotFound();
  Lease& lease = found->second;
  if (QUORATE_PLANTED("lease.renew_after_expiry")) lease.expiry = kNever;
  if (lease.expiry <= clock_.Now()) return NotFound();  // its revocation is on the way
  lease.remaining_ttl = 0;
  Schedule(id, lease, clock_.Now() + std::chrono::seconds(lease.ttl));
  return lease.ttl;
}

std::optional<Lessor::View> Lessor::Find(LeaseId id, bool with_keys) const {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return std::nullopt;
  const Lease& lease = found->second;
  View view{lease.ttl, lease.ttl, {}};
  if (lease.expiry != kNever) {
    const auto left = std::chrono::floor<std::chrono::seconds>(lease.expiry - clock_.Now());
    // Not below 0: -1 says that there is no such lease, and until its end is applied there is one.
    view.remaining_ttl = std::max<std::int64_t>(left.count(), 0);
  }
  if (with_keys) view.keys.assign(lease.keys.begin(), lease.keys.end());
  return view;
}

std::vector<LeaseId> Lessor::List() const {
  std::vector<std::pair<Instant, LeaseId>> ends;
  ends.reserve(leases_.size());
  for (const auto& [id, lease] : leases_) ends.emplace_back(lease.expiry, id);
  std::sort(ends.begin(), ends.end());
  std::vector<LeaseId> ids;
  ids.reserve(ends.size());
  for (const auto& [expiry, id] : ends) ids.push_back(id);
  return ids;
}

std::vector<LeaseId> Lessor::TakeExpired(std::size_t count, std::chrono::nanoseconds retry) {
  std::vector<LeaseId> expired;
  if (QUORATE_SITE("lease.expires_later")) return expired;
  if (QUORATE_PLANTED("lease.ends_asked_for_once")) retry = std::chrono::hours(24);
  const Instant now = clock_.Now();
  while (expired.size() < count && !queue_.empty() && queue_.begin()->first <= now) {
    const LeaseId id = queue_.begin()->second;
    expired.push_back(id);
    Queue(id, leases_.at(id), now + retry);
  }
  return expired;
}

void Lessor::Schedule(LeaseId id, Lease& lease, Instant expiry) {
  lease.expiry = expiry;
  Queue(id, lease, expiry);
}

void Lessor::Queue(LeaseId id, Lease& lease, Instant at) {
  if (lease.queued != kNever) queue_.erase({lease.queued, id});
  lease.queued = at;
  if (at != kNever) queue_.emplace(at, id);
}

}  // namespace quorate::lease
