// spec.replicas 0: the pods stop, members and volumes stay as they are. With replicas back above 0
// the pods return on their volumes (rule 7), all of them, before any scaling.
#include "plan/rules/verdicts.h"

namespace quorate::plan {

Verdict Hibernate(const View& view) {
  if (view.spec().replicas != 0) return std::nullopt;
  constexpr Speaker kSpeaker{"hibernate", api::Operation::kHibernate};
  const std::string reason = "spec.replicas is 0: pods are stopped, members and data are kept";
  const PodFacts* stopping = nullptr;
  for (const MemberView& member : view.members()) {
    const PodFacts* pod = member.pod();
    if (pod == nullptr) continue;
    if (!pod->terminating) return kSpeaker.Act(DeletePod{pod->name, pod->uid}, member.name, reason);
    stopping = pod;
  }
  if (stopping)
    return kSpeaker.Wait(stopping->name, reason, "pod " + stopping->name + " to be gone");
  return kSpeaker.Wait("", reason, "spec.replicas to rise");
}

}  // namespace quorate::plan
