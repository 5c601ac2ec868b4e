// Rule 13: a learner that caught up is promoted; one that never does is dropped, so that a fresh
// one may try.
#include <chrono>

#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr std::uint64_t kLagEntriesMax = 1000;
constexpr auto kPatience = std::chrono::minutes(30);  // from the slot's making to the promotion

Verdict Promote(const View& view, const MemberView& learner, const Speaker& speaker) {
  const MemberView* leader = view.Leader();
  const std::uint64_t target = leader ? leader->server()->applied.value : 0;
  const std::uint64_t own = learner.server()->applied.value;
  // etcd itself refuses a learner that has less than nine tenths of the leader's log.
  const bool caught_up = leader && own + kLagEntriesMax >= target && own * 10 >= target * 9;
  if (!caught_up) {
    return speaker.WaitBriefly(view, learner.name, learner.name + " is a learner and catches up",
                               "it to be at most " + std::to_string(kLagEntriesMax) +
                                   " entries and a tenth of the log behind the leader");
  }
  // It will count as a voter at once: the others and it must have quorum then.
  if (!view.HasQuorum() || view.healthy_voters() + 1 < View::Quorum(view.voters() + 1)) {
    return speaker.WaitBriefly(view, learner.name, learner.name + " caught up",
                               "enough healthy members to promote it");
  }
  return speaker.Act(MemberPromote{learner.name, learner.listed->id}, learner.name,
                     learner.name + " caught up with the leader: it becomes a voter");
}

}  // namespace

Verdict Learner(const View& view) {
  if (!view.formed() || !view.list_known()) return std::nullopt;
  for (const MemberView& member : view.members()) {
    if (!member.learner() || member.leaving || member.slot == nullptr) continue;
    if (view.active() > view.spec().replicas) return std::nullopt;  // rule 16 takes it back
    const bool replacing = member.slot->object.spec.reason == api::SlotReason::kReplace;
    const Speaker speaker{"13 promote or drop a learner",
                          replacing ? api::Operation::kReplace : api::Operation::kScaleUp};
    if (member.healthy) return Promote(view, member, speaker);
    std::string why = view.FailureEvidence(member);
    const auto& created = member.slot->object.meta.created;
    if (why.empty() && created && view.now() - *created > kPatience) {
      why = "it did not catch up within " + api::FormatDuration(kPatience);
    }
    if (!why.empty() && view.MayRemove(member)) {
      return speaker.Act(MarkLeaving{member.name, api::SlotReason::kStuck, why, member.listed->id},
                         member.name, member.name + " is dropped: " + why,
                         {"MemberRemove " + member.name, "CreateSlot for a fresh member"});
    }
    return speaker.WaitBriefly(view, member.name, member.name + " is a learner and does not answer",
                               "it to serve: " + view.Symptom(member));
  }
  return std::nullopt;
}

}  // namespace quorate::plan
