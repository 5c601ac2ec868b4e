#include "status/member_status.h"

#include "api/names.h"
#include "base/bytes.h"
#include "status/cluster_status.h"

namespace quorate::status {

using api::MemberPhase;
using api::MemberRole;
using plan::MemberView;
using plan::View;

namespace {

MemberPhase PhaseOfJoining(const MemberView& member) {
  if (member.volume() == nullptr && member.pod() == nullptr) return MemberPhase::kPlanned;
  const bool placed =
      member.pod() && !member.pod()->node.empty() && member.volume() && member.volume()->bound;
  const bool seed = member.slot->object.spec.join_mode != api::JoinMode::kLearner;
  return placed && !seed ? MemberPhase::kAdding : MemberPhase::kProvisioning;
}

}  // namespace

MemberPhase PhaseOf(const View& view, const MemberView& member) {
  if (member.leaving) {
    const bool gone = view.list_known() && !member.listed && !member.pod();
    return gone ? MemberPhase::kGone : MemberPhase::kLeaving;
  }
  if (member.learner()) return MemberPhase::kSyncing;
  if (member.healthy) return MemberPhase::kReady;
  if (!member.joined && !member.voter()) return PhaseOfJoining(member);
  const bool no_pod = member.pod() == nullptr || member.pod()->terminating;
  return no_pod ? MemberPhase::kRecreating : MemberPhase::kUnhealthy;
}

MemberRole RoleOf(const MemberView& member) {
  if (member.listed == nullptr)
    return member.joined ? MemberRole::kUnknown : MemberRole::kUnstarted;
  if (member.learner()) {
    return member.listed->name.empty() ? MemberRole::kUnstarted : MemberRole::kLearner;
  }
  if (!member.healthy) return MemberRole::kUnknown;
  return member.leader ? MemberRole::kLeader : MemberRole::kFollower;
}

bool IsReady(const MemberView& member) {
  return member.voter() && member.healthy && !member.leaving && member.pod() &&
         member.pod()->ready && !member.pod()->starts_new;
}

api::MemberSummary SummaryOf(const View& view, const MemberView& member) {
  api::MemberSummary summary;
  summary.name = member.name;
  if (member.listed) summary.id = ToHex(member.listed->id.value);
  summary.role = RoleOf(member);
  summary.ready = IsReady(member);
  if (member.slot == nullptr) {
    summary.phase = MemberPhase::kReady;
    summary.reason = "nobody recorded this member; it is left alone";
    return summary;
  }
  summary.phase = PhaseOf(view, member);
  if (member.server()) {
    summary.version = member.server()->version;
    summary.alarms = member.server()->alarms;
  }
  if (member.pod()) summary.node = member.pod()->node;
  if (member.volume()) summary.pvc_name = member.volume()->name;
  const std::string evidence = view.FailureEvidence(member);
  if (summary.phase != MemberPhase::kGone) {
    summary.reason = evidence.empty() ? view.Symptom(member) : evidence;
  }
  return summary;
}

api::MemberStatus MakeMemberStatus(const plan::Desired& desired, const plan::Observed& observed,
                                   const std::string& name, api::Time now) {
  const View view(desired, observed, now);
  for (const MemberView& member : view.members()) {
    if (member.slot == nullptr || member.name != name) continue;
    const api::MemberStatus& before = member.slot->object.status;
    const api::MemberSummary summary = SummaryOf(view, member);
    api::MemberStatus status;
    status.observed_generation = member.slot->object.meta.generation;
    status.phase = summary.phase;
    status.member_id = summary.id.empty() ? before.member_id : summary.id;
    status.cluster_id = view.formed() ? ToHex(view.cluster_id().value) : before.cluster_id;
    status.pod_uid = member.pod() ? member.pod()->uid : "";
    status.pvc_uid = before.pvc_uid;
    const bool named = member.volume() && !member.volume()->member_id.empty();
    if (status.pvc_uid.empty() && named) status.pvc_uid = member.volume()->uid;
    status.node_name = summary.node;
    status.ready = summary.ready;
    if (!member.leaving) status.unhealthy_since = member.unhealthy_since;
    status.server_report = before.server_report;
    if (member.pod() && member.pod()->last_exit) {
      status.server_report = {member.pod()->last_exit->code, member.pod()->last_exit->message};
    }
    if (member.healthy) status.server_report.reset();
    status.message = summary.reason;
    return status;
  }
  return {};
}

}  // namespace quorate::status
