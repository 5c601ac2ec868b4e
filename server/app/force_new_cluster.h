// ForceNewCluster: makes a one-member cluster of what one member's disk holds
// (--force-new-cluster).
//
// For when the other members are gone for good: everything in the log counts as committed, and the
// log goes on with committed removals of everybody else. The member keeps its id, the cluster its
// id.
//
// etcd cuts off what this member does not know to be committed. But it may have been: the leader
// answers a client before it tells its followers. A write whose outcome nobody knows may come back;
// one that was acknowledged must not be lost.
//
// Source: knowledge/etcd.md 3.10.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "raft/types.h"

namespace quorate::app {

struct ForcedLog {
  std::vector<raft::Entry> appended;  // behind the last entry
  raft::HardState hard_state;         // commits all of it
};

// conf_state: as of `applied`; entries: of the log, which may begin before `applied`.
Result<ForcedLog> ForceNewCluster(MemberId self, const raft::ConfState& conf_state,
                                  LogIndex applied, const raft::HardState& hard_state,
                                  const std::vector<raft::Entry>& entries, Term applied_term);

}  // namespace quorate::app
