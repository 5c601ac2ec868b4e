// CheckLeases: whether leases lived as long as they were promised, and not after their end.
//
// Rules: L-1 (ids, TTL), L-2 (never early: what is attached is gone only when the TTL has passed
// since the last renewal was asked for), L-3 (late only within a bound, where the harness claims
// one), L-5 (no renewal after the end), L-6 (no put with a lease that is gone; the keys that a
// lease names). L-4 is CheckLinearizable's. Where a deletion without an answer may have been taken
// for an end both are considered (lease_ends.h). All clients and the judge share one monotonic
// clock. Thread: any; pure. Source: knowledge/reliability.md 3.3.
#pragma once

#include <cstddef>
#include <vector>

#include "check/history.h"
#include "check/linearizable.h"

namespace quorate::check {

struct LeaseOptions {
  // Forgiven to a server whose clock and the clients' are not quite one.
  Instant early_slack = 0;
  // From `settled` on (faults over, a stable leader) a lease is gone `late_max` after its end;
  // kNever: nothing is claimed.
  Instant settled = kNever;
  Instant late_max = kNever;
  std::size_t findings_max = 20;
};

struct LeaseVerdict {
  std::vector<Finding> findings;
  std::size_t leases = 0, renewals = 0, expired = 0, revoked = 0;
  std::size_t doubtful = 0;  // ends that a deletion without an answer may have been instead

  bool ok() const { return findings.empty(); }
};

LeaseVerdict CheckLeases(const History& history, const KvVerdict& kv,
                         const LeaseOptions& options = {});

}  // namespace quorate::check
