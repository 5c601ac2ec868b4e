// Rules: each looks at the View and says what it would do, in the order of DESIGN 5.2.
//
// A rule answers nothing (it does not apply), a plan with a step, a plan that waits, or a plan that
// stops everything. One file a rule. Numbers 5, 8, 9, 12, 14 and 18 have no rule yet: recovery from
// quorum loss, volume expansion, corruption, the no-space cycle, certificates, maintenance.
//
// Thread: pure.
#pragma once

#include <optional>
#include <span>

#include "plan/plan.h"
#include "plan/view.h"

namespace quorate::plan {

using Verdict = std::optional<Plan>;
using Rule = Verdict (*)(const View&);

Verdict Finalize(const View& view);          // 1
Verdict Paused(const View& view);            // 2
Verdict IdentityConflict(const View& view);  // 3
Verdict Surroundings(
    const View& view);  // finalizer, services, budget, labels: what nothing depends on being last
Verdict Hibernate(const View& view);       // replicas 0: pods stopped, members and volumes kept
Verdict FinishInFlight(const View& view);  // 4
Verdict Bootstrap(const View& view);       // 6
Verdict RecreatePod(const View& view);     // 7
Verdict ReplaceFailed(const View& view);   // 10
Verdict QuorumLost(const View& view);      // 11
Verdict Learner(const View& view);         // 13
Verdict Roll(const View& view);            // 15
Verdict ScaleDown(const View& view);       // 16
Verdict ScaleUp(const View& view);         // 17
Verdict Nothing(const View& view);         // 19

std::span<const Rule> RulesInOrder();

}  // namespace quorate::plan
