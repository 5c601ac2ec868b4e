#include "controllers/backup_pod.h"

#include <utility>

#include "api/json.h"
#include "api/names.h"

namespace quorate::controllers {
namespace {

using kube::Json;

constexpr const char* kBackupMount = "/backup";
constexpr const char* kAuthorityMount = "/etc/quorate/store-ca";
constexpr std::int64_t kUser = 65532;

Json SecretVariable(const std::string& variable, const std::string& secret) {
  return {{"name", variable},
          {"valueFrom", {{"secretKeyRef", {{"name", secret}, {"key", variable}}}}}};
}

void AddVolume(Json& pod, const std::string& name, Json source, const std::string& path,
               bool read_only) {
  source["name"] = name;
  pod["spec"]["volumes"].push_back(std::move(source));
  pod["spec"]["containers"][0]["volumeMounts"].push_back(
      {{"name", name}, {"mountPath", path}, {"readOnly", read_only}});
}

void AddStore(Json& pod, const api::BackupStoreSpec& store) {
  Json& container = pod["spec"]["containers"][0];
  if (store.pvc) {
    AddVolume(pod, "store", {{"persistentVolumeClaim", {{"claimName", store.pvc->claim_name}}}},
              kBackupMount, false);
  }
  if (!store.s3) return;
  if (store.s3->credentials_secret_ref) {
    const std::string& secret = store.s3->credentials_secret_ref->name;
    container["env"].push_back(SecretVariable("AWS_ACCESS_KEY_ID", secret));
    container["env"].push_back(SecretVariable("AWS_SECRET_ACCESS_KEY", secret));
  }
  if (store.s3->ca_bundle_secret_ref) {
    const api::SecretKeyRef& ref = *store.s3->ca_bundle_secret_ref;
    Json item{{"key", ref.key}, {"path", "ca.crt"}};
    AddVolume(pod, "store-ca",
              {{"secret", {{"secretName", ref.name}, {"items", Json::array({item})}}}},
              kAuthorityMount, true);
  }
}

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
  meta["ownerReferences"] = Json::array(
      {kube::OwnerReference(kube::resources::kEtcdBackups, api::ToJson(backup))});
  Json command = {"/usr/local/bin/quoratectl", "backup"};
  for (const std::string& word : request.command) command.push_back(word);
  for (const std::string& word : StoreArguments(store.spec)) command.push_back(word);
  command.push_back("--report=/dev/termination-log");
  Json container{{"name", "backup"},
                 {"image", request.image},
                 {"imagePullPolicy", "IfNotPresent"},
                 {"command", std::move(command)},
                 {"env", Json::array()},
                 {"volumeMounts", Json::array()},
                 {"terminationMessagePolicy", "FallbackToLogsOnError"},
                 {"resources",
                  {{"requests", {{"cpu", "50m"}, {"memory", "64Mi"}}},
                   {"limits", {{"memory", "512Mi"}}}}},
                 {"securityContext",
                  {{"allowPrivilegeEscalation", false},
                   {"readOnlyRootFilesystem", true},
                   {"capabilities", {{"drop", {"ALL"}}}}}}};
  pod["spec"] = {{"restartPolicy", "Never"},
                 {"activeDeadlineSeconds", request.deadline.count()},
                 {"automountServiceAccountToken", false},
                 {"enableServiceLinks", false},
                 {"securityContext",
                  {{"runAsNonRoot", true},
                   {"runAsUser", kUser},
                   {"runAsGroup", kUser},
                   {"fsGroup", kUser},
                   {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                 {"containers", Json::array({std::move(container)})},
                 {"volumes", Json::array()}};
  for (const std::string& secret : request.image_pull_secrets) {
    pod["spec"]["imagePullSecrets"].push_back({{"name", secret}});
  }
  // Somewhere to write that is not the read-only root.
  AddVolume(pod, "tmp", {{"emptyDir", Json::object()}}, "/tmp", false);
  AddStore(pod, store.spec);
  return pod;
}

std::vector<std::string> StoreArguments(const api::BackupStoreSpec& store) {
  if (store.pvc) {
    const std::string sub = store.pvc->sub_path.empty() ? "" : "/" + store.pvc->sub_path;
    return {std::string("--store=dir://") + kBackupMount + sub};
  }
  std::vector<std::string> words;
  if (!store.s3) return words;
  const api::S3Spec& s3 = *store.s3;
  words.push_back("--store=s3://" + s3.bucket + (s3.prefix.empty() ? "" : "/" + s3.prefix));
  words.push_back("--s3-region=" + s3.region);
  if (!s3.endpoint.empty()) words.push_back("--s3-endpoint=" + s3.endpoint);
  if (s3.ca_bundle_secret_ref) {
    words.push_back(std::string("--s3-ca=") + kAuthorityMount + "/ca.crt");
  }
  return words;
}

std::string BackupFolder(std::string_view ns, std::string_view cluster, std::string_view uid) {
  return std::string(ns) + "/" + std::string(cluster) + "/" + std::string(uid);
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
