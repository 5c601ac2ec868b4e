// ForceNewCluster: makes a one-member cluster of what one member's disk holds (--force-new-cluster).
//
// For when the other members are gone for good: entries that were never committed are cut off, and the log goes on with
// committed removals of everybody else. The member keeps its id, the cluster its id, and all committed data stays.
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
  std::vector<raft::Entry> appended;  // behind the last committed entry
  raft::HardState hard_state;
  LogIndex cut_after;  // entries above this were never committed and are dropped
};

// conf_state: as of `applied`; entries: of the log, which may begin before `applied`.
Result<ForcedLog> ForceNewCluster(MemberId self, const raft::ConfState& conf_state,
                                  LogIndex applied, const raft::HardState& hard_state,
                                  const std::vector<raft::Entry>& entries, Term applied_term);

}  // namespace quorate::app
