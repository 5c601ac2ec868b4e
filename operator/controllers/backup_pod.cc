#include "controllers/backup_pod.h"

#include <utility>

#include "act/restricted.h"
#include "act/store_access.h"
#include "api/json.h"
#include "api/names.h"

namespace quorate::controllers {
namespace {

using kube::Json;

// Why a pod does not start or was ended from outside; empty: nothing is known.
std::string ProblemOf(const Json& pod) {
  const std::string ended = kube::Text(pod, "/status/reason");  // DeadlineExceeded, Evicted
  if (!ended.empty()) return ended + ": " + kube::Text(pod, "/status/message");
  const Json* waiting = kube::Find(pod, "/status/containerStatuses/0/state/waiting");
  if (waiting != nullptr) {
    const std::string reason = kube::Text(*waiting, "/reason");
    if (reason.empty() || reason == "ContainerCreating") return {};
    const std::string message = kube::Text(*waiting, "/message");
    return reason + (message.empty() ? "" : ": " + message);
  }
  const Json* conditions = kube::Find(pod, "/status/conditions");
  if (conditions == nullptr) return {};
  for (const Json& condition : *conditions) {
    if (kube::Text(condition, "/type") == "PodScheduled" &&
        kube::Text(condition, "/status") == "False") {
      return kube::Text(condition, "/reason") + ": " + kube::Text(condition, "/message");
    }
  }
  return {};
}

}  // namespace

Json MakeBackupPod(const api::EtcdBackup& backup, const api::EtcdBackupStore& store,
                   const BackupPodRequest& request) {
  const kube::ObjectRef ref{backup.meta.namespace_name, request.name};
  Json pod = kube::MakeObject(kube::resources::kPods, ref);
  Json& meta = pod["metadata"];
  meta["labels"] = {{std::string(api::kLabelBackup), backup.meta.name},
                    {std::string(api::kLabelManagedBy), std::string(api::kManagedBy)},
                    {std::string(api::kLabelName), "quorate"},
                    {std::string(api::kLabelComponent), "backup"}};
  meta["ownerReferences"] =
      Json::array({kube::OwnerReference(kube::resources::kEtcdBackups, api::ToJson(backup))});
  Json command = {"/usr/local/bin/quoratectl", "backup"};
  for (const std::string& word : request.command) command.push_back(word);
  for (const std::string& word : act::StoreArguments(store.spec)) command.push_back(word);
  command.push_back("--termination-log=/dev/termination-log");
  Json container{
      {"name", "backup"},
      {"image", request.image},
      {"imagePullPolicy", "IfNotPresent"},
      {"command", std::move(command)},
      {"env", Json::array()},
      {"volumeMounts", Json::array({{{"name", "tmp"}, {"mountPath", "/tmp"}}})},
      {"terminationMessagePolicy", "FallbackToLogsOnError"},
      {"resources",
       {{"requests", {{"cpu", "50m"}, {"memory", "64Mi"}}}, {"limits", {{"memory", "512Mi"}}}}},
      {"securityContext", act::RestrictedContainer()}};
  pod["spec"] = {{"restartPolicy", "Never"},
                 {"activeDeadlineSeconds", request.deadline.count()},
                 {"automountServiceAccountToken", false},
                 {"enableServiceLinks", false},
                 {"securityContext", act::RestrictedPod()},
                 {"volumes", Json::array({{{"name", "tmp"}, {"emptyDir", Json::object()}}})}};
  for (const std::string& secret : request.image_pull_secrets) {
    pod["spec"]["imagePullSecrets"].push_back({{"name", secret}});
  }
  act::AddStoreAccess(store.spec, pod["spec"], container);
  pod["spec"]["containers"] = Json::array({std::move(container)});
  return pod;
}

backup::RunPod ReadRunPod(const Json& pod) {
  backup::RunPod out;
  out.name = kube::Name(pod);
  const std::string phase = kube::Text(pod, "/status/phase");
  if (phase == "Running") out.phase = backup::RunPodPhase::kRunning;
  if (phase == "Succeeded") out.phase = backup::RunPodPhase::kSucceeded;
  if (phase == "Failed") out.phase = backup::RunPodPhase::kFailed;
  const Json* ended = kube::Find(pod, "/status/containerStatuses/0/state/terminated");
  if (ended != nullptr) {
    out.report = kube::Text(*ended, "/message");
    out.finished = api::ParseTime(kube::Text(*ended, "/finishedAt"));
  }
  out.problem = ProblemOf(pod);
  return out;
}

}  // namespace quorate::controllers
