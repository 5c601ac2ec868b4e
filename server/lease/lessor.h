// Lessor: leases, the keys that live by them, and when they run out.
//
// Granting and revoking are replicated and stored; renewing is not: only the leader's lessor is
// primary, it alone knows when leases end, and it ends them by proposing a revocation. A new leader
// gives every lease its whole time again plus an election timeout, so a lease may live longer than
// granted, never shorter.
//
// Invariants: a key belongs to one lease at most; a lease that is not primary never expires.
// Ownership: borrows the clock.
// Thread: the raft+apply loop.
// Source: etcd server/lease (behaviour).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/clock.h"
#include "mvcc/lease_book.h"
#include "storage/backend.h"
#include "storage/batch.h"

namespace quorate::lease {

inline constexpr std::int64_t kTtlMax = 9'000'000'000;  // seconds

struct Options {
  std::int64_t ttl_min =
      2;  // seconds; shorter grants are raised to it (3/2 of the election timeout, rounded up)
};

class Lessor final : public mvcc::LeaseBook {
 public:
  using Instant = io::Clock::Instant;

  Lessor(const Options& options, const io::Clock& clock);

  // Replaces the content by a store's rows. Keys attach themselves afterwards, when the mvcc store
  // loads.
  Status Load(const storage::Reader& store);

  // Grants and stores; the TTL in force, in seconds. Errors: exists already, TTL too large, id 0.
  Result<std::int64_t> Grant(LeaseId id, std::int64_t ttl, storage::Batch& batch);
  // Forgets the lease; its keys, sorted, must be deleted by the caller in the same batch. Error:
  // not found.
  Result<std::vector<std::string>> Revoke(LeaseId id, storage::Batch& batch);
  // Takes over the remaining seconds a leader recorded. Unknown ids are ignored.
  void Checkpoint(LeaseId id, std::int64_t remaining_ttl, storage::Batch& batch);

  // mvcc::LeaseBook
  bool Exists(LeaseId lease) const override;
  void Attach(LeaseId lease, std::string_view key) override;
  void Detach(LeaseId lease, std::string_view key) override;

  // This member leads now: every lease gets its remaining time plus `extend`.
  void Promote(std::chrono::nanoseconds extend);
  // It no longer leads: leases stop running.
  void Demote();
  bool primary() const { return primary_; }

  // Starts the lease's time anew; its TTL in seconds. Errors: not found, "not a primary lessor".
  Result<std::int64_t> Renew(LeaseId id);

  struct View {
    std::int64_t granted_ttl;       // seconds
    std::int64_t remaining_ttl;     // seconds, rounded down; the granted one when not primary
    std::vector<std::string> keys;  // sorted; only when asked for
  };
  std::optional<View> Find(LeaseId id, bool with_keys) const;

  // Ids by the time they end, soonest first.
  std::vector<LeaseId> List() const;

  // Up to `count` leases whose time is over, soonest first; each is named again only after `retry`
  // has passed, in case its revocation got lost.
  std::vector<LeaseId> TakeExpired(std::size_t count, std::chrono::nanoseconds retry);

  std::size_t size() const { return leases_.size(); }

 private:
  struct Lease {
    std::int64_t ttl = 0;            // seconds, as granted
    std::int64_t remaining_ttl = 0;  // seconds, as checkpointed; 0: none
    Instant expiry = kNever;         // when its time is over
    Instant queued = kNever;         // its place in queue_: expiry, or later when asked for again
    std::set<std::string, std::less<>> keys;
  };
  static constexpr Instant kNever = Instant::max();

  void Schedule(LeaseId id, Lease& lease, Instant expiry);
  void Queue(LeaseId id, Lease& lease, Instant at);

  const Options options_;
  const io::Clock& clock_;
  bool primary_ = false;
  std::map<LeaseId, Lease> leases_;
  std::set<std::pair<Instant, LeaseId>> queue_;  // of the leases that run, while primary
};

}  // namespace quorate::lease
