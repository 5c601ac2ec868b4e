// Rule 1: the cluster was deleted. Pods go first, then volumes by policy, then the slots, then the
// finalizer. Members do not leave politely one by one: there is no cluster left to protect, and a
// member that cannot be removed must not hang the deletion.
#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr Speaker kSpeaker{"1 finalize", api::Operation::kDelete};

const PodFacts* AnyPod(const View& view) {
  for (const MemberView& member : view.members()) {
    if (member.pod()) return member.pod();
  }
  return view.observed().stray_pods.empty() ? nullptr : &view.observed().stray_pods.front();
}

const PodFacts* AnyRunningPod(const View& view) {
  for (const MemberView& member : view.members()) {
    if (member.pod() && !member.pod()->terminating) return member.pod();
  }
  for (const PodFacts& pod : view.observed().stray_pods) {
    if (!pod.terminating) return &pod;
  }
  return nullptr;
}

Verdict DisposeOfVolumes(const View& view) {
  const bool keep = view.spec().storage.reclaim.on_delete == api::Reclaim::kRetain;
  for (const MemberView& member : view.members()) {
    const VolumeFacts* volume = member.volume();
    if (volume == nullptr || volume->terminating || volume->retained) continue;
    if (keep) {
      return kSpeaker.Act(RetainVolume{volume->name, volume->uid}, member.name,
                          "the cluster is deleted; storage.reclaim.onDelete keeps its volumes");
    }
    return kSpeaker.Act(DeleteVolume{volume->name, volume->uid}, member.name,
                        "the cluster is deleted, and storage.reclaim.onDelete says Delete");
  }
  return std::nullopt;
}

}  // namespace

Verdict Finalize(const View& view) {
  if (!view.desired().deleted()) return std::nullopt;
  if (!view.observed().has_finalizer) {
    return kSpeaker.Wait("", "the cluster is deleted and everything is cleaned up",
                         "the API server to remove the object");
  }
  if (const PodFacts* pod = AnyRunningPod(view)) {
    return kSpeaker.Act(DeletePod{pod->name, pod->uid}, pod->name,
                        "the cluster is deleted: its pods stop first");
  }
  if (const PodFacts* pod = AnyPod(view)) {
    return kSpeaker.Wait(pod->name, "the cluster is deleted: its pods stop first",
                         "pod " + pod->name + " to be gone");
  }
  if (Verdict volumes = DisposeOfVolumes(view)) return volumes;
  for (const MemberView& member : view.members()) {
    if (member.slot == nullptr) continue;
    return kSpeaker.Act(DeleteSlot{member.name}, member.name,
                        "the cluster is deleted: nothing of this member is left to look after");
  }
  return kSpeaker.Act(RemoveFinalizer{}, "", "the cluster is deleted and everything is cleaned up");
}

}  // namespace quorate::plan
