// Rule 15: pods that were made from an older spec are made again, one at a time, each healthy and
// settled before the next, the leader last and only after leadership moved. A pod that is down
// anyway goes at once: the new spec may be its cure.
#include <chrono>

#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr Speaker kSpeaker{"15 roll", api::Operation::kRoll};
constexpr auto kSettle = std::chrono::seconds(10);

bool IsOutdated(const View& view, const PodFacts& pod) {
  return !pod.terminating && (pod.revision != view.desired().revision || pod.starts_new);
}

// The youngest pod has been ready for a while. Also: when the wait is over.
std::optional<Time> SettledAt(const View& view) {
  std::optional<Time> latest;
  for (const MemberView& member : view.members()) {
    const PodFacts* pod = member.pod();
    if (pod && pod->ready && pod->ready_changed && (!latest || *pod->ready_changed > *latest)) {
      latest = pod->ready_changed;
    }
  }
  if (latest) *latest += kSettle;
  return latest;
}

Verdict CureByNewSpec(const View& view) {
  for (const MemberView& member : view.members()) {
    const PodFacts* pod = member.pod();
    if (pod == nullptr || member.leaving || member.healthy || member.server() != nullptr) continue;
    if (pod->ready || pod->terminating || pod->revision == view.desired().revision) continue;
    return kSpeaker.Act(DeletePod{pod->name, pod->uid}, member.name,
                        member.name + " does not run (" + view.Symptom(member) +
                            ") and its pod is from an older spec",
                        {"CreatePod " + member.name});
  }
  return std::nullopt;
}

Verdict Restart(const View& view, const MemberView& member, int left) {
  const std::string why = Count(left, "member") + " still to be brought to the present spec";
  if (!view.AllQuiet()) {
    return kSpeaker.Wait(member.name, why, "every member to be healthy and no other change to run");
  }
  const auto settled = SettledAt(view);
  if (settled && *settled > view.now()) {
    Plan wait = kSpeaker.Wait(member.name, why, "the member before to have settled");
    wait.look_again = settled;
    return wait;
  }
  if (!view.MaySpare(member)) {
    return kSpeaker.Wait(member.name, why, "enough healthy members to restart one");
  }
  if (member.leader) {
    if (const MemberView* heir = view.BestVoterBut(member)) {
      return kSpeaker.Act(MoveLeader{member.name, heir->name, heir->listed->id}, member.name,
                          why + "; it leads, so leadership moves first",
                          {"DeletePod " + member.name, "CreatePod " + member.name});
    }
  }
  return kSpeaker.Act(DeletePod{member.pod()->name, member.pod()->uid}, member.name, why,
                      {"CreatePod " + member.name});
}

}  // namespace

Verdict Roll(const View& view) {
  if (Verdict cure = CureByNewSpec(view)) return cure;
  if (!view.formed() || !view.list_known()) return std::nullopt;
  const MemberView* next = nullptr;
  int left = 0;
  for (const MemberView& member : view.members()) {
    if (!member.voter() || member.leaving || member.pod() == nullptr) continue;
    if (!IsOutdated(view, *member.pod())) continue;
    ++left;
    if (next == nullptr || next->leader) next = &member;
  }
  return next ? Restart(view, *next, left) : std::nullopt;
}

}  // namespace quorate::plan
