// Rule 16: too many members. One leaves at a time: first who is not a voter yet, then who is
// unhealthy, then the newest follower, the leader last.
#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr Speaker kSpeaker{"16 scale down", api::Operation::kScaleDown};

// Who is easier to spare goes first; greater is easier.
int Ease(const MemberView& member) {
  if (member.listed == nullptr) return 4;
  if (member.learner()) return 3;
  if (!member.healthy) return 2;
  return member.leader ? 0 : 1;
}

bool IsEasier(const MemberView& a, const MemberView& b) {
  if (Ease(a) != Ease(b)) return Ease(a) > Ease(b);
  const auto created = [](const MemberView& m) { return m.slot->object.meta.created; };
  if (created(a) != created(b)) return created(a) > created(b);
  return a.name > b.name;
}

}  // namespace

Verdict ScaleDown(const View& view) {
  if (!view.formed() || view.active() <= view.spec().replicas) return std::nullopt;
  if (!view.list_known()) return std::nullopt;  // rule 11
  const std::string why = "spec.replicas is " + std::to_string(view.spec().replicas) + ", there " +
                          (view.active() == 1 ? "is " : "are ") + Count(view.active(), "member");
  const MemberView* victim = nullptr;
  bool leaving = false;
  for (const MemberView& member : view.members()) {
    leaving = leaving || (member.leaving && member.listed != nullptr);
    if (member.slot == nullptr || member.leaving) continue;
    if (victim == nullptr || IsEasier(member, *victim)) victim = &member;
  }
  if (victim == nullptr) return std::nullopt;
  const bool others_well =
      view.healthy_voters() + (victim->voter() && !victim->healthy ? 1 : 0) == view.voters();
  if (leaving || (victim->listed && (!others_well || !view.MayRemove(*victim)))) {
    return kSpeaker.WaitBriefly(view, victim->name, why,
                                leaving ? "the member before to be gone"
                                        : "every other member to be healthy, so that quorum holds");
  }
  return kSpeaker.Act(MarkLeaving{victim->name, api::SlotReason::kScaleDown, why,
                                  victim->listed ? victim->listed->id : MemberId{}},
                      victim->name, why,
                      {"MemberRemove " + victim->name, "DeletePod " + victim->name});
}

}  // namespace quorate::plan
