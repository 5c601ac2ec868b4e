// How one member stands, for its own status and for its line in the cluster's.
//
// Thread: pure.
#pragma once

#include "api/enums.h"
#include "api/etcd_cluster.h"
#include "plan/view.h"

namespace quorate::status {

api::MemberPhase PhaseOf(const plan::View& view, const plan::MemberView& member);
api::MemberRole RoleOf(const plan::MemberView& member);
// A voter that answers, stays, and serves clients.
bool IsReady(const plan::MemberView& member);
api::MemberSummary SummaryOf(const plan::View& view, const plan::MemberView& member);

}  // namespace quorate::status
