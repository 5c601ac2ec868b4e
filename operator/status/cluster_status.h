// MakeStatus: what an EtcdCluster and its EtcdMembers say about themselves after one pass.
//
// Derived, not remembered: wiping it loses nothing that safety needs. From the status before only
// three things are taken over: when a condition last flipped, since when the plan stands, and ids
// that were latched. The same world gives the same status to the byte, so that a quiet cluster is
// never written.
//
// Conditions: Ready (what kubectl wait and kstatus look for), Available (a quorum answers),
// Progressing, Degraded, QuorumLost, BackupHealthy (only where backups are asked for), and the
// abnormal-true pair Reconciling and Stalled.
//
// Thread: pure.
#pragma once

#include <optional>
#include <string>

#include "api/etcd_cluster.h"
#include "api/etcd_member.h"
#include "base/result.h"
#include "plan/desired.h"
#include "plan/observed.h"
#include "plan/plan.h"

namespace quorate::status {

// How the step of this pass went.
struct Outcome {
  std::optional<Error> error;  // nullopt: it went well, or there was none
};

// What the backups of this cluster say, worked out by their controller.
struct BackupSummary {
  bool wanted = false;  // a schedule or a backup names this cluster
  std::string problem;  // the last failure, sentence; "": none since the last good one
  api::LastBackupStatus last;
};

api::ClusterStatus MakeStatus(const plan::Desired& desired, const plan::Observed& observed,
                              const plan::Plan& plan, const Outcome& outcome,
                              const BackupSummary& backups, api::Time now);

// The status of one slot; `name` must be one of observed.slots.
api::MemberStatus MakeMemberStatus(const plan::Desired& desired, const plan::Observed& observed,
                                   const std::string& name, api::Time now);

// The spec was refused: everything known stays, and the conditions say why nothing moves.
api::ClusterStatus MakeInvalidStatus(const api::EtcdCluster& cluster, const Error& error,
                                     api::Time now);

// The world could not be read: what was known stays, marked as unknown.
api::ClusterStatus MakeUnknownStatus(const api::EtcdCluster& cluster, const Error& error,
                                     api::Time now);

}  // namespace quorate::status
