// Rule 6: the cluster is formed, once. One seed, alone, with --initial-cluster-state=new; as soon
// as it answers, its cluster id is written down; then its pod is made again so that it can never
// form a cluster a second time, not even on an emptied volume; only then clients may come and the
// cluster grows.
//
// The seed's name follows from the cluster's UID: two operators that act at once make the same
// seed, not two.
#include "base/bytes.h"
#include "base/digest.h"
#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr Speaker kSpeaker{"6 bootstrap", api::Operation::kBootstrap};

std::string SeedName(const View& view) {
  return view.desired().name() + "-" + ToHex(Sha256::Of(view.desired().uid())).substr(0, 5);
}

bool Restores(const View& view) {
  return view.spec().bootstrap && view.spec().bootstrap->restore;
}

Verdict MakeSeed(const View& view) {
  const auto mode = Restores(view) ? api::JoinMode::kRestore : api::JoinMode::kSeed;
  const std::string name = SeedName(view);
  return kSpeaker.Act(
      CreateSlot{name, mode, api::SlotReason::kBootstrap, ""}, name,
      Restores(view) ? "the cluster begins with one member, restored from a backup"
                     : "the cluster begins with one member",
      {"CreateVolume " + name, "CreatePod " + name, "LatchClusterId once it answers"});
}

// A formed cluster whose only member's pod could still form one: the pod is made again.
Verdict Seal(const View& view) {
  if (view.active() != 1) return std::nullopt;  // rule 15
  for (const MemberView& member : view.members()) {
    const PodFacts* pod = member.pod();
    if (pod == nullptr || !pod->starts_new || pod->terminating) continue;
    return kSpeaker.Act(DeletePod{pod->name, pod->uid}, member.name,
                        "the cluster is formed: its first pod is made again, without the right to "
                        "form one",
                        {"CreatePod " + member.name});
  }
  return std::nullopt;
}

// Until it answers again this is still the forming of the cluster, and no loss of quorum: nobody
// was ever served.
Verdict ComeBackSealed(const View& view) {
  const MemberView* seed = view.Sealing();
  if (seed == nullptr || seed->volume() == nullptr) return std::nullopt;
  const std::string& name = seed->name;
  const PodFacts* pod = seed->pod();
  const std::string why = "the cluster is formed: its first pod is made again";
  if (pod && pod->terminating) {
    return kSpeaker.Wait(name, why, "pod " + pod->name + " to be gone");
  }
  if (pod && (pod->phase == PodPhase::kPending || pod->phase == PodPhase::kRunning)) {
    return kSpeaker.WaitBriefly(view, name, why, "it to serve: " + view.Symptom(*seed));
  }
  if (pod || seed->volume()->terminating) return std::nullopt;  // rule 7
  return kSpeaker.Act(
      CreatePod{name, Start::kExisting, view.InitialCluster(name), view.cluster_id(), "voter"},
      name, why);
}

Verdict StartSeed(const View& view, const MemberView& seed) {
  const std::string& name = seed.name;
  const VolumeFacts* volume = seed.volume();
  if (volume == nullptr) {
    return kSpeaker.Act(CreateVolume{name}, name, name + " needs a volume", {"CreatePod " + name});
  }
  const PodFacts* pod = seed.pod();
  if (pod == nullptr) {
    if (volume->terminating) {
      return kSpeaker.Wait(name, name + " needs a volume",
                           "volume claim " + volume->name + " to be gone");
    }
    const bool restore = seed.slot->object.spec.join_mode == api::JoinMode::kRestore;
    return kSpeaker.Act(CreatePod{name, restore ? Start::kRestore : Start::kNew,
                                  name + "=" + view.PeerUrl(name), ClusterId{}, "learner"},
                        name, name + " forms the cluster", {"LatchClusterId once it answers"});
  }
  if (pod->phase == PodPhase::kFailed && !pod->terminating) {
    return kSpeaker.Act(DeletePod{pod->name, pod->uid}, name, "its pod failed: " + pod->problem,
                        {"CreatePod " + name});
  }
  if (pod->terminating || seed.server() == nullptr || seed.server()->cluster_id.value == 0) {
    return kSpeaker.WaitBriefly(view, name, name + " forms the cluster",
                                "it to serve: " + view.Symptom(seed));
  }
  return kSpeaker.Act(LatchClusterId{seed.server()->cluster_id}, name,
                      "the cluster was formed: it must never be formed a second time",
                      {"DeletePod " + name, "CreatePod " + name});
}

}  // namespace

Verdict Bootstrap(const View& view) {
  if (view.formed()) {
    Verdict seal = Seal(view);
    return seal ? std::move(seal) : ComeBackSealed(view);
  }
  if (Restores(view) && !view.observed().restore.problem.empty()) {
    return kSpeaker.Wait("", view.observed().restore.problem, "a backup that can be restored");
  }
  const MemberView* seed = nullptr;
  for (const MemberView& member : view.members()) {
    if (member.slot == nullptr || member.leaving) continue;
    if (seed != nullptr || member.slot->object.spec.join_mode == api::JoinMode::kLearner) {
      return kSpeaker.Stop("more than one member is recorded although the cluster was never formed",
                           "a person to remove the member that does not belong here");
    }
    seed = &member;
  }
  return seed ? StartSeed(view, *seed) : MakeSeed(view);
}

}  // namespace quorate::plan
