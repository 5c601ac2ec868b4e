// Rule 7: a member without a pod gets one again, on its own volume and under its own identity. That
// is all it takes after an eviction, a drain, a deleted pod, or all pods deleted at once;
// membership does not change, and quorum is not asked, because this is how quorum comes back.
#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr Speaker kSpeaker{"7 recreate a missing pod", api::Operation::kRecreate};

Verdict ForMember(const View& view, const MemberView& member) {
  const PodFacts* pod = member.pod();
  const std::string& name = member.name;
  if (pod && !pod->terminating &&
      (pod->phase == PodPhase::kFailed || pod->phase == PodPhase::kSucceeded)) {
    return kSpeaker.Act(
        DeletePod{pod->name, pod->uid}, name,
        "its pod ended for good" + (pod->problem.empty() ? std::string() : ": " + pod->problem),
        {"CreatePod " + name});
  }
  // A voter is always on record: its volume gets its name before the promotion. Only where all
  // records are gone, whoever has a volume may be a member: its server finds out, and can do no
  // harm.
  const bool no_records = !view.list_known() && view.voters() == 0;
  const bool may_be_member = member.joined || (no_records && member.volume() != nullptr);
  if (!may_be_member || !view.FailureEvidence(member).empty()) return std::nullopt;
  if (pod && pod->terminating) {
    return kSpeaker.Wait(name, name + " has no running pod", "pod " + pod->name + " to be gone");
  }
  if (pod) return std::nullopt;
  if (member.volume()->terminating) {
    return kSpeaker.Wait(name, name + " has no pod and its volume claim is being deleted",
                         "volume claim " + member.volume()->name + " to be gone");
  }
  const bool learner = member.learner();
  return kSpeaker.Act(CreatePod{name, Start::kExisting, view.InitialCluster(name),
                                view.cluster_id(), learner ? "learner" : "voter"},
                      name, name + " has no pod: it gets one again on its own volume");
}

}  // namespace

Verdict RecreatePod(const View& view) {
  if (!view.formed()) return std::nullopt;
  Verdict wait;
  for (const MemberView& member : view.members()) {
    // A leaving member whose vote is still needed to let it go comes back once more.
    const bool needed = !view.HasQuorum() && (member.listed || !view.list_known());
    if (member.slot == nullptr || (member.leaving && !needed)) continue;
    if (member.leaving && (!member.volume() || member.volume()->retained)) continue;
    Verdict verdict = ForMember(view, member);
    if (verdict && verdict->next) return verdict;
    if (verdict && !wait) wait = std::move(verdict);
  }
  return wait;
}

}  // namespace quorate::plan
