#include <array>

#include "plan/plan.h"
#include "plan/rules/rules.h"

namespace quorate::plan {
namespace {

// A plan that no later rule may add to.
bool IsFinal(const Plan& plan) {
  return plan.next || plan.stopped || plan.operation == api::Operation::kHibernate ||
         plan.operation == api::Operation::kDelete;
}

// Quorum lost stands before every other wait.
bool IsMoreUrgent(const Plan& plan, const Plan& other) {
  return plan.operation == api::Operation::kBlocked && other.operation != plan.operation;
}

Plan FirstThatSpeaks(const View& view) {
  std::optional<Plan> wait;
  for (const Rule rule : RulesInOrder()) {
    Verdict verdict = rule(view);
    if (!verdict) continue;
    if (IsFinal(*verdict)) return *std::move(verdict);
    if (!wait || IsMoreUrgent(*verdict, *wait)) wait = std::move(verdict);
  }
  return wait ? *std::move(wait) : Plan();
}

Time SinceWhen(const Plan& plan, const api::PlanStatus& before, Time now) {
  const std::string step = plan.next ? NameOf(*plan.next) : "";
  const bool same =
      before.operation == plan.operation && before.step == step && before.member == plan.member;
  return same && before.since ? *before.since : now;
}

}  // namespace

std::span<const Rule> RulesInOrder() {
  static constexpr std::array<Rule, 15> kRules = {
      Finalize,       Paused,    IdentityConflict, Surroundings,  Hibernate,
      FinishInFlight, Bootstrap, RecreatePod,      ReplaceFailed, QuorumLost,
      Learner,        Roll,      ScaleDown,        ScaleUp,       Nothing};
  return kRules;
}

Plan MakePlan(const Desired& desired, const Observed& observed, Time now) {
  const View view(desired, observed, now);
  Plan plan = FirstThatSpeaks(view);
  plan.since = SinceWhen(plan, desired.cluster.status.plan, now);
  return plan;
}

}  // namespace quorate::plan
