#include "status/cluster_status.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/names.h"
#include "base/bytes.h"
#include "status/conditions.h"
#include "status/member_status.h"

namespace quorate::status {

using api::Operation;
using plan::MemberView;
using plan::View;

namespace {

// "3.6.10" after "3.6.9".
bool IsOlder(const std::string& a, const std::string& b) {
  const auto parts = [](const std::string& text) {
    std::array<int, 3> numbers{};
    const char* at = text.data();
    const char* end = at + text.size();
    for (int& number : numbers) {
      at = std::from_chars(at, end, number).ptr;
      if (at != end) ++at;
    }
    return numbers;
  };
  return parts(a) < parts(b);
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", then ") + word;
  return text;
}

api::PlanStatus PlanStatusOf(const plan::Plan& plan, const Outcome& outcome) {
  api::PlanStatus status;
  status.operation = plan.operation;
  status.step = plan.next ? plan::NameOf(*plan.next) : "";
  status.member = plan.member;
  status.reason = plan.reason;
  status.waiting_for = plan.waiting_for;
  if (outcome.error) status.waiting_for = "this step to succeed: " + outcome.error->message;
  status.next = Joined(plan.then);
  status.since = plan.since;
  return status;
}

// Work is under way: not idle, not merely blocked.
bool IsProgressing(const plan::Plan& plan) {
  switch (plan.operation) {
    case Operation::kNone:
      return plan.next.has_value();
    case Operation::kBlocked:
      return false;
    case Operation::kHibernate:
      return plan.next.has_value() || !plan.member.empty();
    default:
      return true;
  }
}

std::string PhaseWord(const View& view, const plan::Plan& plan, bool ready) {
  if (plan.stopped) return view.spec().paused ? "Paused" : "Stopped";
  switch (plan.operation) {
    case Operation::kBootstrap:
      return "Forming";
    case Operation::kScaleUp:
      return "ScalingUp";
    case Operation::kScaleDown:
      return "ScalingDown";
    case Operation::kReplace:
      return "Repairing";
    case Operation::kRecreate:
      return "Recovering";
    case Operation::kRoll:
      return "Rolling";
    case Operation::kHibernate:
      return "Hibernated";
    case Operation::kDelete:
      return "Deleting";
    case Operation::kBlocked:
      return "QuorumLost";
    case Operation::kNone:
      break;
  }
  return ready ? "Ready" : "Degraded";
}

std::string SentenceOf(const api::PlanStatus& plan) {
  if (plan.waiting_for.empty()) return plan.reason;
  return plan.reason + (plan.reason.empty() ? "waiting for " : "; waiting for ") + plan.waiting_for;
}

// What is wrong with the members, as a sentence; "": nothing.
std::string Complaint(const View& view) {
  std::string text;
  const auto add = [&](const std::string& complaint) {
    text += (text.empty() ? "" : "; ") + complaint;
  };
  for (const MemberView& member : view.members()) {
    if (member.voter() && !member.healthy && member.slot) {
      const std::string evidence = view.FailureEvidence(member);
      add(member.name + ": " + (evidence.empty() ? view.Symptom(member) : evidence));
    }
    if (member.slot == nullptr) add(member.name + ": nobody recorded this member");
    if (member.server() == nullptr) continue;
    for (const std::string& alarm : member.server()->alarms) {
      add(member.name + " raised the alarm " + alarm);
    }
  }
  return text;
}

// Fills what is counted and listed.
void FillMembers(const View& view, api::ClusterStatus& status) {
  std::string oldest;
  for (const MemberView& member : view.members()) {
    status.members.push_back(SummaryOf(view, member));
    if (IsReady(member)) ++status.ready_replicas;
    if (member.leader) status.leader = member.name;
    if (const plan::ServerFacts* server = member.server()) {
      if (!server->version.empty() && (oldest.empty() || IsOlder(server->version, oldest))) {
        oldest = server->version;
      }
    }
    const plan::PodFacts* pod = member.pod();
    if (pod && !pod->terminating && !member.leaving) {
      ++status.replicas;
      if (pod->revision == view.desired().revision && !pod->starts_new) ++status.updated_replicas;
    }
    if (member.slot && !member.leaving && member.voter()) {
      status.endpoints.members.push_back(
          api::ClientUrl(member.name, view.desired().name(), view.desired().ns()));
    }
  }
  status.voters = view.list_known() ? view.voters() : view.desired().cluster.status.voters;
  status.learners = view.list_known() ? view.learners() : 0;
  status.current_version = oldest.empty() ? view.desired().cluster.status.current_version : oldest;
  status.ready = std::to_string(status.ready_replicas) + "/" + std::to_string(view.spec().replicas);
}

struct Findings {
  bool available = false;
  bool progressing = false;
  bool hibernating = false;
  bool ready = false;
  std::string complaint;
  std::string sentence;  // what the operator does or waits for
};

Findings Find(const View& view, const plan::Plan& plan, const api::ClusterStatus& status) {
  Findings found;
  found.hibernating = view.spec().replicas == 0;
  found.available = view.formed() && view.HasQuorum() && status.ready_replicas > 0;
  found.progressing = IsProgressing(plan);
  found.complaint = found.hibernating ? "" : Complaint(view);
  found.sentence = SentenceOf(status.plan);
  const bool complete =
      status.ready_replicas == view.spec().replicas && status.voters == view.spec().replicas;
  found.ready = !plan.stopped && !found.progressing && found.complaint.empty() &&
                (found.hibernating ? status.replicas == 0 : found.available && complete);
  return found;
}

void SetServing(const View& view, const plan::Plan& plan, const Findings& found, Conditions& out) {
  if (found.ready) {
    out.Set("Ready", true, found.hibernating ? "Hibernated" : "AllMembersReady",
            found.hibernating ? "spec.replicas is 0: pods are stopped, members and data are kept"
                              : "every member is a voter and answers");
  } else {
    const char* reason = plan.stopped        ? "Stopped"
                         : !found.available  ? "NotAvailable"
                         : found.progressing ? "Progressing"
                                             : "MembersNotReady";
    out.Set("Ready", false, reason, found.sentence.empty() ? found.complaint : found.sentence);
  }
  out.Set("Available", found.available, found.available ? "QuorumAnswers" : "NoQuorum",
          found.available ? "a quorum of the members agreed on who is a member"
          : view.formed() ? "no quorum of the members answers"
                          : "the cluster is not formed yet");
  const bool lost = view.formed() && !found.hibernating && view.voters() > 0 && !view.HasQuorum() &&
                    view.Sealing() == nullptr;
  out.Set(
      "QuorumLost", lost, lost ? "TooFewMembersAnswer" : "QuorumHolds",
      lost ? (plan.operation == Operation::kBlocked ? found.sentence
                                                    : "too few members answer; " + found.sentence)
           : "quorum is not lost");
}

void SetBackup(const BackupSummary& backups, Conditions& out) {
  if (!backups.wanted) return out.Remove("BackupHealthy");
  if (!backups.problem.empty())
    return out.Set("BackupHealthy", false, "LastRunFailed", backups.problem);
  if (backups.last.last_successful_name.empty()) {
    return out.Set("BackupHealthy", api::ConditionStatus::kUnknown, "NoBackupYet",
                   "no backup was made yet");
  }
  out.Set("BackupHealthy", true, "LastRunSucceeded",
          "the newest good backup is " + backups.last.last_successful_name);
}

void SetAll(const View& view, const plan::Plan& plan, const Findings& found,
            const BackupSummary& backups, Conditions& out) {
  SetServing(view, plan, found, out);
  out.Set("Progressing", found.progressing,
          found.progressing ? api::Word(plan.operation) : std::string_view("Idle"),
          found.progressing ? found.sentence : "nothing is being changed");
  out.Set("Degraded", !found.complaint.empty(),
          found.complaint.empty() ? "AllMembersWell" : "MembersUnwell",
          found.complaint.empty() ? "nothing is wrong with any member" : found.complaint);
  SetBackup(backups, out);
  // kstatus: Reconciling and Stalled are there only while they hold.
  if (found.progressing) {
    out.Set("Reconciling", true, api::Word(plan.operation), found.sentence);
  } else {
    out.Remove("Reconciling");
  }
  if (plan.stopped && !view.spec().paused) {
    out.Set("Stalled", true, "PersonNeeded", found.sentence);
  } else {
    out.Remove("Stalled");
  }
}

// Replaces what every pass says anew; conditions are carried on.
api::ClusterStatus WithConditions(api::ClusterStatus status, Conditions conditions) {
  status.conditions = conditions.Take();
  return status;
}

}  // namespace

api::ClusterStatus MakeStatus(const plan::Desired& desired, const plan::Observed& observed,
                              const plan::Plan& plan, const Outcome& outcome,
                              const BackupSummary& backups, api::Time now) {
  const View view(desired, observed, now);
  const api::EtcdCluster& cluster = desired.cluster;
  api::ClusterStatus status;
  status.observed_generation = cluster.meta.generation;
  status.cluster_id = view.formed() ? ToHex(view.cluster_id().value) : cluster.status.cluster_id;
  status.selector = api::MemberSelector(cluster.meta.uid);
  status.plan = PlanStatusOf(plan, outcome);
  status.endpoints.client = api::ServiceUrl(desired.name(), desired.ns());
  status.backup = backups.last;
  FillMembers(view, status);
  const Findings found = Find(view, plan, status);
  status.phase = PhaseWord(view, plan, found.ready);
  status.message = found.sentence.empty() ? found.complaint : found.sentence;
  Conditions conditions(cluster.status.conditions, cluster.meta.generation, now);
  SetAll(view, plan, found, backups, conditions);
  return WithConditions(std::move(status), std::move(conditions));
}

api::ClusterStatus MakeInvalidStatus(const api::EtcdCluster& cluster, const Error& error,
                                     api::Time now) {
  api::ClusterStatus status = cluster.status;
  status.observed_generation = cluster.meta.generation;
  status.phase = "InvalidSpec";
  status.message = error.message;
  Conditions conditions(cluster.status.conditions, cluster.meta.generation, now);
  conditions.Set("Ready", false, "InvalidSpec", error.message);
  conditions.Set("Stalled", true, "InvalidSpec", error.message);
  conditions.Remove("Reconciling");
  return WithConditions(std::move(status), std::move(conditions));
}

api::ClusterStatus MakeUnknownStatus(const api::EtcdCluster& cluster, const Error& error,
                                     api::Time now) {
  api::ClusterStatus status = cluster.status;
  status.message = "the cluster could not be looked at: " + error.message;
  Conditions conditions(cluster.status.conditions, cluster.meta.generation, now);
  for (const char* type : {"Ready", "Available"}) {
    conditions.Set(type, api::ConditionStatus::kUnknown, "NotObserved", status.message);
  }
  return WithConditions(std::move(status), std::move(conditions));
}

}  // namespace quorate::status
