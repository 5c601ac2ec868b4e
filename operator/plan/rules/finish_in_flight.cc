// Rule 4: what was begun is finished. A leaving member goes all the way; a joining one comes up to
// the point where it catches up (rule 13 promotes it). Every stage is read off the world, so a
// crash anywhere resumes here.
//
// Joining: slot -> volume -> pod -> placed (scheduled, volume bound) -> in the member list ->
// started. The pod is made before MemberAdd so that membership never waits on the scheduler; a
// server that is quicker than MemberAdd refuses to join and is started again.
#include <algorithm>
#include <chrono>

#include "base/bytes.h"
#include "plan/rules/verdicts.h"

namespace quorate::plan {
namespace {

constexpr auto kReplacementMemory = std::chrono::hours(1);

Speaker LeavingSpeaker(const MemberView& member) {
  const bool scaling = member.slot->object.spec.leave->reason == api::SlotReason::kScaleDown;
  return {"4 finish the step in flight",
          scaling ? api::Operation::kScaleDown : api::Operation::kReplace};
}

Speaker JoiningSpeaker(const MemberView& member) {
  const bool replacing = member.slot->object.spec.reason == api::SlotReason::kReplace;
  return {"4 finish the step in flight",
          replacing ? api::Operation::kReplace : api::Operation::kScaleUp};
}

Verdict TakeOutOfList(const View& view, const MemberView& member) {
  const Speaker speaker = LeavingSpeaker(member);
  const std::string why = member.name + " leaves: " + member.slot->object.spec.leave->message;
  const std::string& decided = member.slot->object.spec.leave->member_id;
  if (!decided.empty() && decided != ToHex(member.listed->id.value)) {
    return speaker.Stop(member.name + " was to be removed as member " + decided +
                            ", but the member list has " + ToHex(member.listed->id.value) +
                            " at its address",
                        "a person to say which member is meant");
  }
  if (!view.MayRemove(member)) {
    return speaker.WaitBriefly(view, member.name, why,
                               "enough healthy members to remove it without losing quorum");
  }
  if (member.leader) {
    const MemberView* heir = view.BestVoterBut(member);
    if (heir == nullptr) return speaker.Wait(member.name, why, "another healthy member to lead");
    return speaker.Act(MoveLeader{member.name, heir->name, heir->listed->id}, member.name,
                       why + "; it leads, so leadership moves first",
                       {"MemberRemove " + member.name});
  }
  return speaker.Act(MemberRemove{member.name, member.listed->id, view.PeerUrl(member.name)},
                     member.name, why, {"DeletePod " + member.name});
}

// Its data may go: a quorum of the others holds everything, and the policy says so.
bool MayDeleteVolume(const View& view, const MemberView& member) {
  const api::ReclaimSpec& reclaim = view.spec().storage.reclaim;
  const api::EtcdMember& object = member.slot->object;
  const auto report = object.status.server_report;
  if (report && report->exit_code == static_cast<std::int32_t>(ExitCode::kWrongIdentity)) {
    return false;  // somebody else's data
  }
  switch (object.spec.leave->reason) {
    case api::SlotReason::kScaleDown:
    case api::SlotReason::kStuck:
      return reclaim.on_scale_down == api::Reclaim::kDelete && view.HasQuorum();
    case api::SlotReason::kReplace:
      return reclaim.on_replace == api::Reclaim::kDelete && view.HasQuorum();
    default:
      return false;
  }
}

Verdict CleanUp(const View& view, const MemberView& member) {
  const Speaker speaker = LeavingSpeaker(member);
  const std::string gone = member.name + " is out of the member list";
  if (const PodFacts* pod = member.pod()) {
    if (!pod->terminating) {
      return speaker.Act(DeletePod{pod->name, pod->uid}, member.name, gone + ": its pod stops");
    }
    return speaker.Wait(member.name, gone + ": its pod stops", "pod " + pod->name + " to be gone");
  }
  const VolumeFacts* volume = member.volume();
  if (volume && !volume->terminating && !volume->retained) {
    if (MayDeleteVolume(view, member)) {
      return speaker.Act(
          DeleteVolume{volume->name, volume->uid}, member.name,
          gone + ", the others have all its data, and the reclaim policy says Delete");
    }
    return speaker.Act(RetainVolume{volume->name, volume->uid}, member.name,
                       gone + "; its volume is kept");
  }
  if (volume && !volume->retained) {
    return speaker.Wait(member.name, gone, "volume claim " + volume->name + " to be gone");
  }
  const api::LeaveSpec& leave = *member.slot->object.spec.leave;
  const bool remembered = leave.reason == api::SlotReason::kReplace && leave.time &&
                          view.now() - *leave.time < kReplacementMemory;
  if (remembered) return std::nullopt;  // counts against repair.maxReplacementsPerHour
  return speaker.Act(DeleteSlot{member.name}, member.name, gone + " and nothing of it is left");
}

Verdict FinishLeaving(const View& view) {
  Verdict wait;
  // The dead go before the living: removing them costs no quorum.
  for (const bool healthy : {false, true}) {
    for (const MemberView& member : view.members()) {
      if (!member.leaving || member.healthy != healthy || !view.list_known()) continue;
      Verdict verdict = member.listed ? TakeOutOfList(view, member) : CleanUp(view, member);
      if (verdict && (verdict->next || verdict->stopped)) return verdict;
      if (verdict && !wait) wait = std::move(verdict);
    }
  }
  return wait;
}

// A member that was in the list once and is not any more: somebody removed it.
Verdict NoteRemovedByHand(const View& view) {
  if (!view.list_known() || !view.formed()) return std::nullopt;
  for (const MemberView& member : view.members()) {
    if (member.slot == nullptr || member.leaving || member.listed) continue;
    const std::string recorded = member.volume() && !member.volume()->member_id.empty()
                                     ? member.volume()->member_id
                                     : member.slot->object.status.member_id;
    if (recorded.empty()) continue;
    const Speaker speaker{"4 finish the step in flight", api::Operation::kReplace};
    return speaker.Act(MarkLeaving{member.name,
                                   api::SlotReason::kRemovedByHand,
                                   "member " + recorded + " is no longer in the member list",
                                   {}},
                       member.name,
                       "member " + recorded + " was removed from the cluster by somebody else",
                       {"CreateSlot for a fresh member"});
  }
  return std::nullopt;
}

// The listed member without a slot whose volume this is; the volume may not have been named yet.
bool IsVolumeOfListed(const View& view, const VolumeFacts& volume) {
  return std::any_of(view.members().begin(), view.members().end(), [&](const MemberView& m) {
    if (m.slot != nullptr) return false;
    const auto& urls = m.listed->peer_urls;
    const bool at_its_address =
        std::find(urls.begin(), urls.end(), view.PeerUrl(volume.member)) != urls.end();
    return at_its_address &&
           (volume.member_id.empty() || volume.member_id == ToHex(m.listed->id.value));
  });
}

// A slot object that somebody deleted while its member lives on is recorded again; a pod that is
// nobody's is stopped.
Verdict RecordLostSlot(const View& view) {
  if (!view.formed()) return std::nullopt;
  const Speaker speaker{"4 finish the step in flight", api::Operation::kRecreate};
  for (const VolumeFacts& volume : view.observed().stray_volumes) {
    if (volume.retained || volume.terminating) continue;
    if (view.list_known() && !IsVolumeOfListed(view, volume)) continue;
    return speaker.Act(
        CreateSlot{volume.member, api::JoinMode::kLearner, api::SlotReason::kScaleUp, ""},
        volume.member, volume.member + " lost its record; its volume names it");
  }
  for (const PodFacts& pod : view.observed().stray_pods) {
    const bool listed =
        std::any_of(view.members().begin(), view.members().end(),
                    [&](const MemberView& m) { return m.slot == nullptr && m.name == pod.name; });
    if (!view.list_known() || listed || pod.terminating) continue;
    return speaker.Act(DeletePod{pod.name, pod.uid}, pod.name,
                       "pod " + pod.name + " is no member and nothing records it");
  }
  return std::nullopt;
}

CreatePod JoiningPod(const View& view, const MemberView& member) {
  return {member.name, Start::kExisting, view.InitialCluster(member.name), view.cluster_id(),
          "learner"};
}

Verdict AddToList(const View& view, const MemberView& member, const Speaker& speaker) {
  const std::string why = member.name + " is placed: it joins as a learner";
  const bool others_well = view.HasQuorum() && view.healthy_voters() == view.voters();
  if (!others_well) {
    return speaker.WaitBriefly(view, member.name, why, "every present member to be healthy");
  }
  if (view.learners() > 0)
    return speaker.Wait(member.name, why, "the other learner to be promoted");
  return speaker.Act(MemberAdd{member.name, view.PeerUrl(member.name)}, member.name, why,
                     {"MemberPromote " + member.name + " once it caught up"});
}

Verdict FinishJoining(const View& view) {
  const MemberView* member = view.Joining();
  if (member == nullptr || !view.formed() || !view.list_known()) return std::nullopt;
  if (view.active() > view.spec().replicas) return std::nullopt;  // rule 16 takes it back
  if (member->joined) return std::nullopt;                        // rules 7 and 13
  const Speaker speaker = JoiningSpeaker(*member);
  const std::vector<std::string> then = {"MemberAdd " + member->name,
                                         "MemberPromote " + member->name + " once it caught up"};
  const VolumeFacts* volume = member->volume();
  if (volume == nullptr) {
    return speaker.Act(CreateVolume{member->name}, member->name, member->name + " needs a volume",
                       then);
  }
  if (volume->terminating) {
    return speaker.Wait(member->name, member->name + " needs a volume",
                        "volume claim " + volume->name + " to be gone");
  }
  const PodFacts* pod = member->pod();
  if (pod == nullptr) {
    return speaker.Act(JoiningPod(view, *member), member->name,
                       member->name + " needs a pod on its volume", then);
  }
  if (pod->terminating || pod->phase == PodPhase::kFailed || pod->phase == PodPhase::kSucceeded) {
    return std::nullopt;  // rule 7
  }
  if (pod->initial_cluster != view.InitialCluster(member->name) && member->server() == nullptr) {
    return speaker.Act(
        DeletePod{pod->name, pod->uid}, member->name,
        "the members changed since its pod was made: it must be told the present ones",
        {"CreatePod " + member->name});
  }
  if (pod->node.empty() || !volume->bound) {
    return speaker.Wait(member->name, member->name + " is being placed",
                        "it to run: " + view.Symptom(*member));
  }
  if (member->listed == nullptr) return AddToList(view, *member, speaker);
  return speaker.WaitBriefly(view, member->name, member->name + " is in the member list and starts",
                             "it to serve: " + view.Symptom(*member));
}

}  // namespace

Verdict FinishInFlight(const View& view) {
  if (Verdict lost = RecordLostSlot(view)) return lost;
  if (Verdict removed = NoteRemovedByHand(view)) return removed;
  Verdict leaving = FinishLeaving(view);
  if (leaving && (leaving->next || leaving->stopped)) return leaving;
  Verdict joining = FinishJoining(view);
  if (joining && joining->next) return joining;
  return leaving ? std::move(leaving) : std::move(joining);
}

}  // namespace quorate::plan
