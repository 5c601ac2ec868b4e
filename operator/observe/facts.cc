#include "observe/facts.h"

#include <algorithm>
#include <array>

#include "api/names.h"

namespace quorate::observe {
namespace {

using kube::Json;
using plan::PodPhase;

constexpr std::size_t kMessageBytesMax = 300;

const Json* ConditionOf(const Json& object, std::string_view type) {
  const Json* conditions = kube::Find(object, "/status/conditions");
  if (conditions == nullptr || !conditions->is_array()) return nullptr;
  for (const Json& condition : *conditions) {
    if (kube::Text(condition, "/type") == type) return &condition;
  }
  return nullptr;
}

PodPhase PhaseOf(const Json& pod) {
  const std::string phase = kube::Text(pod, "/status/phase");
  if (phase == "Running") return PodPhase::kRunning;
  if (phase == "Succeeded") return PodPhase::kSucceeded;
  if (phase == "Failed") return PodPhase::kFailed;
  return phase == "Unknown" ? PodPhase::kUnknown : PodPhase::kPending;
}

// The status of the server's container; nullptr while there is none.
const Json* ServerStatus(const Json& pod) {
  const Json* statuses = kube::Find(pod, "/status/containerStatuses");
  if (statuses == nullptr || !statuses->is_array() || statuses->empty()) return nullptr;
  for (const Json& status : *statuses) {
    if (kube::Text(status, "/name") == "server") return &status;
  }
  return &statuses->front();
}

// A server ends with one JSON line that has a message; anything else is cut to a readable length.
std::string TerminationText(const std::string& raw) {
  const Json told = Json::parse(raw, nullptr, /*allow_exceptions=*/false);
  std::string text = told.is_object() ? kube::Text(told, "/message") : "";
  if (text.empty()) text = raw;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  // The end says more than the beginning when it is a log.
  if (text.size() > kMessageBytesMax) text = "..." + text.substr(text.size() - kMessageBytesMax);
  return text;
}

std::optional<plan::Exit> LastExit(const Json& status) {
  for (const char* place : {"/state/terminated", "/lastState/terminated"}) {
    const Json* terminated = kube::Find(status, place);
    if (terminated == nullptr || !terminated->is_object()) continue;
    return plan::Exit{static_cast<std::int32_t>(kube::Number(*terminated, "/exitCode")),
                      TerminationText(kube::Text(*terminated, "/message"))};
  }
  return std::nullopt;
}

std::string Sentence(const std::string& reason, const std::string& message) {
  return message.empty() ? reason : reason + ": " + message;
}

// Why a container that should run is not there yet; "" for the usual.
std::string WaitingProblem(const Json& status) {
  constexpr std::array kUsual = {"", "ContainerCreating", "PodInitializing", "CrashLoopBackOff"};
  const std::string reason = kube::Text(status, "/state/waiting/reason");
  if (std::find(kUsual.begin(), kUsual.end(), reason) != kUsual.end()) return "";
  return Sentence(reason, TerminationText(kube::Text(status, "/state/waiting/message")));
}

// An init container that ended badly, or cannot start.
std::string InitProblem(const Json& pod) {
  const Json* statuses = kube::Find(pod, "/status/initContainerStatuses");
  if (statuses == nullptr || !statuses->is_array()) return "";
  for (const Json& status : *statuses) {
    const auto exit = LastExit(status);
    if (exit && exit->code != 0) {
      return kube::Text(status, "/name") + " failed: " +
             (exit->message.empty() ? "exit code " + std::to_string(exit->code) : exit->message);
    }
    if (std::string problem = WaitingProblem(status); !problem.empty()) return problem;
  }
  return "";
}

std::string ProblemOf(const Json& pod) {
  if (const std::string reason = kube::Text(pod, "/status/reason"); !reason.empty()) {
    return Sentence(reason, kube::Text(pod, "/status/message"));  // Evicted, DeadlineExceeded
  }
  const Json* scheduled = ConditionOf(pod, "PodScheduled");
  if (scheduled && kube::Text(*scheduled, "/status") == "False") {
    return kube::Text(*scheduled, "/message");
  }
  if (std::string problem = InitProblem(pod); !problem.empty()) return problem;
  const Json* status = ServerStatus(pod);
  return status ? WaitingProblem(*status) : "";
}

bool Contains(const Json& object, std::string_view pointer, const api::Labels& wanted) {
  const auto have = kube::TextMap(object, pointer);
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
    const auto found = have.find(pair.first);
    return found != have.end() && found->second == pair.second;
  });
}

bool HasPort(const Json& service, int port) {
  const Json* ports = kube::Find(service, "/spec/ports");
  if (ports == nullptr || !ports->is_array()) return false;
  return std::any_of(ports->begin(), ports->end(),
                     [&](const Json& one) { return kube::Number(one, "/port") == port; });
}

}  // namespace

plan::PodFacts PodFactsOf(const Json& pod) {
  plan::PodFacts facts;
  facts.name = kube::Name(pod);
  facts.uid = kube::Uid(pod);
  facts.phase = PhaseOf(pod);
  facts.terminating = kube::IsDeleting(pod);
  facts.created = api::ParseTime(kube::Text(pod, "/metadata/creationTimestamp"));
  facts.node = kube::Text(pod, "/spec/nodeName");
  facts.revision = kube::Annotation(pod, api::kAnnotationRevision);
  const std::string start = kube::Annotation(pod, api::kAnnotationStart);
  facts.starts_new = start == "new" || start == "restore";
  facts.initial_cluster = kube::Annotation(pod, api::kAnnotationInitialCluster);
  facts.role = kube::Label(pod, api::kLabelRole);
  facts.problem = ProblemOf(pod);
  if (const Json* ready = ConditionOf(pod, "Ready")) {
    facts.ready = kube::Text(*ready, "/status") == "True";
    facts.ready_changed = api::ParseTime(kube::Text(*ready, "/lastTransitionTime"));
  }
  if (const Json* status = ServerStatus(pod)) {
    facts.restarts = static_cast<std::int32_t>(kube::Number(*status, "/restartCount"));
    facts.last_exit = LastExit(*status);
  }
  return facts;
}

plan::VolumeFacts VolumeFactsOf(const Json& claim) {
  plan::VolumeFacts facts;
  facts.name = kube::Name(claim);
  facts.uid = kube::Uid(claim);
  facts.member = kube::Label(claim, api::kLabelMember);
  const std::string phase = kube::Text(claim, "/status/phase");
  facts.bound = phase == "Bound";
  facts.lost = phase == "Lost";
  facts.terminating = kube::IsDeleting(claim);
  facts.cluster_id = kube::Annotation(claim, api::kAnnotationClusterId);
  facts.member_id = kube::Annotation(claim, api::kAnnotationMemberId);
  facts.retained = !kube::Annotation(claim, api::kAnnotationRetained).empty();
  if (!facts.bound && !facts.lost) facts.problem = "its volume claim is not bound yet";
  return facts;
}

std::optional<plan::Time> NodeSilentSince(const Json& node) {
  const Json* ready = ConditionOf(node, "Ready");
  if (ready == nullptr || kube::Text(*ready, "/status") == "True") return std::nullopt;
  return api::ParseTime(kube::Text(*ready, "/lastTransitionTime"));
}

bool IsOurs(const plan::Desired& desired, const Json& object) {
  return kube::Label(object, api::kLabelClusterUid) == desired.uid();
}

bool IsPeerServiceRight(const plan::Desired& desired, const Json& service) {
  return IsOurs(desired, service) && kube::Text(service, "/spec/clusterIP") == "None" &&
         kube::Flag(service, "/spec/publishNotReadyAddresses") &&
         Contains(service, "/spec/selector",
                  {{std::string(api::kLabelClusterUid), desired.uid()}}) &&
         HasPort(service, api::kPeerPort);
}

bool IsClientServiceRight(const plan::Desired& desired, const Json& service) {
  const api::ClientServiceSpec& spec = desired.spec().services.client;
  return IsOurs(desired, service) && kube::Text(service, "/spec/type") == api::Word(spec.type) &&
         Contains(service, "/spec/selector",
                  {{std::string(api::kLabelClusterUid), desired.uid()},
                   {std::string(api::kLabelRole), "voter"}}) &&
         Contains(service, "/metadata/labels", spec.labels) &&
         Contains(service, "/metadata/annotations", spec.annotations) &&
         HasPort(service, api::kClientPort);
}

}  // namespace quorate::observe
