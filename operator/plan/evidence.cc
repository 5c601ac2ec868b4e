// What counts as proof that a member will not come back by itself, and what is only a symptom.
#include <algorithm>
#include <chrono>

#include "api/values.h"
#include "plan/view.h"

namespace quorate::plan {
namespace {

constexpr std::int32_t kCrashLoopRestarts = 5;

std::string_view MeaningOf(std::int32_t code) {
  switch (static_cast<ExitCode>(code)) {
    case ExitCode::kRemoved:
      return "it was removed from the cluster";
    case ExitCode::kDataUnusable:
      return "its data is unusable";
    case ExitCode::kWrongIdentity:
      return "its data belongs to another cluster or member";
    case ExitCode::kDiskFull:
      return "its disk is full";
    case ExitCode::kBadConfiguration:
      return "its configuration is refused";
    case ExitCode::kBootstrapForbidden:
      return "its data directory is empty";
    case ExitCode::kWentBack:
      return "its data went back in time";
  }
  return code == 137 ? "it was killed, perhaps for want of memory" : "its server failed";
}

// The server itself said that this data will never do again.
bool CondemnsData(std::int32_t code) {
  const auto exit = static_cast<ExitCode>(code);
  return exit == ExitCode::kRemoved || exit == ExitCode::kDataUnusable ||
         exit == ExitCode::kWrongIdentity || exit == ExitCode::kBootstrapForbidden ||
         exit == ExitCode::kWentBack;
}

// Ends that a new volume would not cure: full disk, bad flags, a kill or an orderly stop.
bool IsCurableElsewhere(std::int32_t code) {
  const auto exit = static_cast<ExitCode>(code);
  return exit == ExitCode::kDiskFull || exit == ExitCode::kBadConfiguration || code == 0 ||
         code == 137 || code == 143;
}

std::string ExitText(const Exit& exit) {
  std::string text(MeaningOf(exit.code));
  text += " (exit code " + std::to_string(exit.code);
  return text + (exit.message.empty() ? ")" : ": " + exit.message + ")");
}

std::string VolumeEvidence(const Slot& slot) {
  if (!slot.volume) return "its volume claim is gone";
  if (slot.volume->lost) return "the volume behind its claim is lost";
  const std::string& recorded = slot.object.status.pvc_uid;
  if (slot.volume->member_id.empty() && !recorded.empty() && recorded != slot.volume->uid) {
    return "its volume claim was replaced by another one";
  }
  return "";
}

}  // namespace

std::string View::FailureEvidence(const MemberView& member) const {
  if (member.slot == nullptr || member.leaving || !member.joined || member.healthy) return "";
  if (std::string lost = VolumeEvidence(*member.slot); !lost.empty()) return lost;
  const api::RepairSpec& repair = spec().repair;
  const bool grace_over =
      member.unhealthy_since && now_ - *member.unhealthy_since >= repair.grace_period;
  if (member.volume()->node_gone && grace_over) {
    return "its volume is on a node that no longer exists";
  }
  const PodFacts* pod = member.pod();
  if (pod == nullptr) return "";
  if (pod->node_silent_since && repair.node_loss_after > api::Duration(0) &&
      now_ - *pod->node_silent_since >= repair.node_loss_after) {
    return "its node " + pod->node + " has been silent for " +
           api::FormatDuration(now_ - *pod->node_silent_since);
  }
  if (!pod->last_exit || pod->ready || member.server() != nullptr) return "";
  if (CondemnsData(pod->last_exit->code)) return ExitText(*pod->last_exit);
  if (grace_over && pod->restarts >= kCrashLoopRestarts &&
      !IsCurableElsewhere(pod->last_exit->code)) {
    return "its server crashed " + std::to_string(pod->restarts) +
           " times: " + ExitText(*pod->last_exit);
  }
  return "";
}

std::optional<Time> View::EvidenceDue(const MemberView& member) const {
  std::optional<Time> due;
  const auto consider = [&](Time time) {
    if (time > now_ && (!due || time < *due)) due = time;
  };
  const auto whole = [](api::Duration d) { return std::chrono::ceil<std::chrono::seconds>(d); };
  if (member.unhealthy_since) consider(*member.unhealthy_since + whole(spec().repair.grace_period));
  const PodFacts* pod = member.pod();
  if (pod && pod->node_silent_since) {
    consider(*pod->node_silent_since + whole(spec().repair.node_loss_after));
  }
  return due;
}

std::string View::Symptom(const MemberView& member) const {
  if (member.healthy || member.slot == nullptr) return "";
  const VolumeFacts* volume = member.volume();
  const PodFacts* pod = member.pod();
  if (volume == nullptr) return "it has no volume";
  if (volume->terminating) return "its volume claim is being deleted";
  if (volume->lost) return "the volume behind its claim is lost";
  if (pod == nullptr) return "it has no pod";
  if (pod->terminating) return "its pod is stopping";
  if (pod->node_silent_since) return "its node " + pod->node + " is silent";
  if (pod->node.empty()) {
    if (!pod->problem.empty()) return "its pod is not scheduled: " + pod->problem;
    return volume->problem.empty() ? "its pod is not scheduled yet" : volume->problem;
  }
  if (member.server() == nullptr && pod->last_exit && !pod->ready) {
    return ExitText(*pod->last_exit);
  }
  if (!pod->problem.empty()) return pod->problem;
  if (member.server() == nullptr) return "its server does not answer";
  return member.server()->leader.value == 0 ? "it knows no leader" : "it is not in the member list";
}

}  // namespace quorate::plan
