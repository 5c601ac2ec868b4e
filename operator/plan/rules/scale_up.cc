// Rule 17: too few members. A slot is recorded for one more; rule 4 brings it up. One at a time,
// and only while every present member is healthy.
#include <algorithm>

#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

// A replaced member whose place nobody has taken yet; "": none.
std::string VacantPlace(const View& view) {
  for (const MemberView& gone : view.members()) {
    if (!gone.leaving) continue;
    const api::SlotReason reason = gone.slot->object.spec.leave->reason;
    if (reason != api::SlotReason::kReplace && reason != api::SlotReason::kRemovedByHand) continue;
    const bool taken =
        std::any_of(view.members().begin(), view.members().end(), [&](const MemberView& member) {
          return member.slot && member.slot->object.spec.replaces == gone.name;
        });
    if (!taken) return gone.name;
  }
  return "";
}

}  // namespace

Verdict ScaleUp(const View& view) {
  if (!view.formed() || view.active() >= view.spec().replicas) return std::nullopt;
  const std::string vacant = VacantPlace(view);
  const Speaker speaker{"17 scale up",
                        vacant.empty() ? api::Operation::kScaleUp : api::Operation::kReplace};
  const std::string why =
      vacant.empty() ? "spec.replicas is " + std::to_string(view.spec().replicas) + ", there " +
                           (view.active() == 1 ? "is " : "are ") + Count(view.active(), "member")
                     : vacant + " is gone: a fresh member takes its place";
  const bool sealed = std::none_of(
      view.members().begin(), view.members().end(),
      [](const MemberView& member) { return member.pod() && member.pod()->starts_new; });
  if (!view.AllQuiet() || !sealed) {
    return speaker.WaitBriefly(view, "", why,
                               "every present member to be healthy and no other change to run");
  }
  const std::string& name = view.observed().fresh_name;
  const auto reason = vacant.empty() ? api::SlotReason::kScaleUp : api::SlotReason::kReplace;
  return speaker.Act(CreateSlot{name, api::JoinMode::kLearner, reason, vacant}, name, why,
                     {"CreateVolume " + name, "CreatePod " + name, "MemberAdd " + name,
                      "MemberPromote " + name + " once it caught up"});
}

}  // namespace quorate::plan
