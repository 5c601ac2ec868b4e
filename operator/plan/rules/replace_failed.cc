// Rule 10: a member that will not come back by itself is replaced: first removed, then a fresh
// member with a fresh name and an empty volume takes its place (rules 4 and 17). Never the other
// way round with a voter: an added voter beside a dead one makes quorum harder, not easier.
//
// It takes evidence (View::FailureEvidence). A member that merely does not answer is waited for:
// from here a lost network and a lost member look the same.
#include <algorithm>
#include <chrono>

#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr Speaker kSpeaker{"10 replace a failed member", api::Operation::kReplace};

int ReplacementsInLastHour(const View& view) {
  return static_cast<int>(
      std::count_if(view.members().begin(), view.members().end(), [&](const MemberView& member) {
        if (!member.leaving) return false;
        const api::LeaveSpec& leave = *member.slot->object.spec.leave;
        return leave.reason == api::SlotReason::kReplace && leave.time &&
               view.now() - *leave.time < std::chrono::hours(1);
      }));
}

Verdict Judge(const View& view, const MemberView& member) {
  const std::string evidence = view.FailureEvidence(member);
  if (evidence.empty()) {
    Plan wait = kSpeaker.Wait(member.name, member.name + " is not healthy: " + view.Symptom(member),
                              "it to recover, or evidence that it cannot");
    wait.look_again = view.EvidenceDue(member);
    return wait;
  }
  const std::string reason = member.name + " failed: " + evidence;
  if (view.spec().repair.policy == api::RepairPolicy::kOff) {
    return kSpeaker.Wait(member.name, reason,
                         "a person to repair it, because repair.policy is Off");
  }
  if (ReplacementsInLastHour(view) >= view.spec().repair.max_replacements_per_hour) {
    return kSpeaker.Wait(member.name, reason,
                         "an hour to pass: repair.maxReplacementsPerHour is used up");
  }
  if (!view.MayRemove(member)) {
    return kSpeaker.Wait(member.name, reason,
                         "enough healthy members to replace it without losing quorum");
  }
  return kSpeaker.Act(
      MarkLeaving{member.name, api::SlotReason::kReplace, evidence, member.listed->id}, member.name,
      reason, {"MemberRemove " + member.name, "CreateSlot for a fresh member"});
}

}  // namespace

Verdict ReplaceFailed(const View& view) {
  if (!view.formed() || !view.HasQuorum()) return std::nullopt;
  Verdict wait;
  for (const MemberView& member : view.members()) {
    if (!member.voter() || member.healthy || member.leaving || member.slot == nullptr) continue;
    Verdict verdict = Judge(view, member);
    if (verdict->next) return verdict;
    if (!wait) wait = std::move(verdict);
  }
  return wait;
}

}  // namespace quorate::plan
