// Between 3 and 4: what a cluster stands in. Finalizer, Services, the record of the cluster id, the
// disruption budget, the names on volumes and pods. None of these disturbs a member.
#include "api/names.h"
#include "base/bytes.h"
#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr Speaker kSpeaker{"surroundings", api::Operation::kNone};

// While a learner waits for its promotion the budget already counts it: it is raised before voters
// grow, and lowered after they became fewer.
std::int32_t BudgetWanted(const View& view) {
  if (!view.spec().disruption.pdb) return 0;
  return View::Quorum(view.voters() + (view.learners() > 0 ? 1 : 0));
}

Verdict NameVolume(const View& view) {
  for (const MemberView& member : view.members()) {
    const VolumeFacts* volume = member.volume();
    if (volume == nullptr || member.leaving || !volume->member_id.empty()) continue;
    if (!member.healthy || !view.FailureEvidence(member).empty()) continue;
    return kSpeaker.Act(BindVolume{member.name, volume->uid, view.cluster_id(), member.listed->id},
                        member.name,
                        "its volume now holds the data of member " +
                            ToHex(member.listed->id.value) + " and must never serve another one");
  }
  return std::nullopt;
}

Verdict NamePod(const View& view) {
  for (const MemberView& member : view.members()) {
    const PodFacts* pod = member.pod();
    if (pod == nullptr || pod->terminating || member.listed == nullptr) continue;
    const bool serves = member.voter() && !pod->starts_new && !member.leaving;
    const char* role = serves ? "voter" : "learner";
    if (pod->role == role) continue;
    return kSpeaker.Act(LabelPod{pod->name, pod->uid, role}, member.name,
                        "only voters that stay serve clients and count in the disruption budget");
  }
  return std::nullopt;
}

Verdict Find(const View& view) {
  const Observed& observed = view.observed();
  if (!observed.has_finalizer) {
    return kSpeaker.Act(AddFinalizer{}, "", "the cluster must not vanish before its pods do");
  }
  if (!observed.service_problem.empty()) {
    return kSpeaker.Stop(observed.service_problem,
                         "that object to be removed, or the cluster to be named differently");
  }
  if (!observed.peer_service || !observed.client_service) {
    return kSpeaker.Act(EnsureServices{}, "",
                        "members and clients find each other through Services");
  }
  if (!view.formed()) return std::nullopt;
  if (ParseHex(observed.annotated_cluster_id).value_or(0) != view.cluster_id().value) {
    return kSpeaker.Act(LatchClusterId{view.cluster_id()}, "",
                        "the cluster was formed: it must never be formed a second time");
  }
  if (view.list_known() && view.voters() > 0) {
    const std::int32_t wanted = BudgetWanted(view);
    if (observed.budget.value_or(0) != wanted) {
      return kSpeaker.Act(
          SetDisruptionBudget{wanted}, "",
          wanted == 0 ? "disruption.pdb is false"
                      : "evictions must leave a quorum of " + Count(view.voters(), "voter"));
    }
  }
  if (Verdict volume = NameVolume(view)) return volume;
  return NamePod(view);
}

}  // namespace

Verdict Surroundings(const View& view) {
  Verdict verdict = Find(view);
  // Rule 6 remembers by this what its seed is made again for: not even an older status may lack it.
  if (verdict && view.ToBeSealed()) verdict->operation = api::Operation::kBootstrap;
  return verdict;
}

}  // namespace quorate::plan
