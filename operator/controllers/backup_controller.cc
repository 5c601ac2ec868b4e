#include "controllers/backup_controller.h"

#include <algorithm>
#include <utility>

#include "api/cluster_defaults.h"
#include "api/json.h"
#include "api/names.h"
#include "api/validate.h"
#include "io/clock.h"

namespace quorate::controllers {
namespace {

using api::BackupPhase;
using kube::Json;
using kube::ObjectRef;
using runtime::EventType;
using runtime::Requeue;
namespace resources = kube::resources;

// On an EtcdBackup: the image of its runs, for removing what it stored when the cluster is gone.
constexpr const char* kAnnotationImage = "quorate.dev/image";
constexpr std::chrono::seconds kRemovalDeadline{300};
constexpr std::chrono::minutes kRemovalRetry{5};
constexpr std::chrono::milliseconds kAtOnce{1};
constexpr std::chrono::seconds kBlockedLook{30};

bool HasFinalizer(const api::EtcdBackup& backup) {
  const auto& all = backup.meta.finalizers;
  return std::ranges::find(all, api::kBackupFinalizer) != all.end();
}

Requeue Until(std::optional<api::Time> due, api::Time now) {
  if (!due) return {};
  return {std::max<std::chrono::milliseconds>(*due - now, kAtOnce)};
}

// The condition that `kubectl wait` and status viewers look at.
void SetComplete(api::BackupStatus& status, std::int64_t generation, api::Time now) {
  const bool holds = status.phase == BackupPhase::kCompleted;
  const auto value = holds ? api::ConditionStatus::kTrue : api::ConditionStatus::kFalse;
  auto it = std::ranges::find(status.conditions, "Complete", &api::Condition::type);
  if (it == status.conditions.end()) {
    status.conditions.push_back({"Complete", value, generation, now, "", ""});
    it = std::prev(status.conditions.end());
  }
  if (it->status != value) it->last_transition = now;
  it->status = value;
  it->observed_generation = generation;
  it->reason = status.reason.empty() ? "Unknown" : status.reason;
  it->message = status.message;
}

}  // namespace

struct BackupController::Sources {
  std::optional<api::EtcdCluster> cluster;
  std::optional<api::EtcdBackupStore> store;
  std::string image;
  std::string missing;  // sentence; empty: both are there and can be used
};

BackupController::BackupController(kube::Client& live, kube::Reader& cached, io::Clock& clock,
                                   runtime::EventRecorder& events, std::string default_repository)
    : live_(live),
      cached_(cached),
      clock_(clock),
      events_(events),
      default_repository_(std::move(default_repository)) {}

Result<Requeue> BackupController::Reconcile(const ObjectRef& ref) {
  // Live: the status is the memory of attempts, and a stale one would repeat them.
  auto object = live_.Get(resources::kEtcdBackups, ref);
  if (!object.ok() && kube::IsNotFound(object.error())) return Requeue{};
  if (!object.ok()) return std::move(object).error();
  auto backup = api::FromJson<api::EtcdBackup>(*object);
  if (!backup.ok()) {
    events_.Record(*object, EventType::kWarning, "InvalidSpec", "Validate", backup.error().message);
    return Requeue{};
  }
  if (backup->meta.deleted) return Finalize(*backup);
  return Run(std::move(backup).value());
}

Result<Requeue> BackupController::Run(api::EtcdBackup backup) {
  backup::RunInput input;
  input.now = Now();
  const auto violations = api::Validate(backup);
  const bool over =
      backup.status.phase == BackupPhase::kCompleted || backup.status.phase == BackupPhase::kFailed;
  Sources sources;
  if (!violations.empty()) {
    input.blocked = api::Describe(violations);
  } else if (!over) {
    sources = TRY(FindSources(backup));
    input.blocked = sources.missing;
  }
  std::optional<Json> pod;
  if (!backup.status.pod_name.empty()) {
    pod = TRY(OwnPod(backup, backup.status.pod_name));
    if (pod) input.pod = ReadRunPod(*pod);
  }
  input.backup = backup;
  backup::RunDecision decision = backup::DecideRun(input);
  if (decision.action == backup::RunAction::kCreatePod) {
    TRY(Claim(backup, sources));
    decision.status.cluster_uid = sources.cluster->meta.uid;
  }
  SetComplete(decision.status, backup.meta.generation, input.now);
  TRY(WriteStatus(backup, decision.status));
  if (decision.action == backup::RunAction::kCreatePod) {
    TRY(CreatePod(backup, sources, decision.pod));
    if (pod && kube::Name(*pod) != decision.pod) TRY(DeletePod(*pod));  // of the attempt before
  }
  if (decision.action == backup::RunAction::kDeletePod && pod && !kube::IsDeleting(*pod)) {
    TRY(DeletePod(*pod));
  }
  if (!input.blocked.empty() && !over) return Requeue{kBlockedLook};
  return Until(decision.look_again, input.now);
}

Result<BackupController::Sources> BackupController::FindSources(const api::EtcdBackup& backup) {
  Sources sources;
  const auto lookup = [&](const kube::Resource& resource,
                          const std::string& name) -> Result<std::optional<Json>> {
    auto object = cached_.Get(resource, {backup.meta.namespace_name, name});
    if (object.ok()) return std::optional<Json>(std::move(object).value());
    if (!kube::IsNotFound(object.error())) return std::move(object).error();
    sources.missing = std::string(resource.kind) + " " + name + " does not exist; create it";
    return std::optional<Json>();
  };
  const std::string& cluster_name = backup.spec.cluster_ref.name;
  if (const auto cluster = TRY(lookup(resources::kEtcdClusters, cluster_name))) {
    sources.cluster = TRY(api::FromJson<api::EtcdCluster>(*cluster));
    sources.image = api::ImageOf(sources.cluster->spec, default_repository_);
    if (sources.cluster->status.cluster_id.empty()) {
      sources.missing = "EtcdCluster " + cluster_name + " is not formed yet";
    }
  }
  const std::string& store_name = backup.spec.store_ref.name;
  if (const auto store = TRY(lookup(resources::kEtcdBackupStores, store_name))) {
    sources.store = TRY(api::FromJson<api::EtcdBackupStore>(*store));
    const auto violations = api::Validate(*sources.store);
    if (!violations.empty()) {
      sources.missing = "EtcdBackupStore " + store_name + ": " + api::Describe(violations);
    }
  }
  return sources;
}

Result<std::optional<Json>> BackupController::OwnPod(const api::EtcdBackup& backup,
                                                     const std::string& name) {
  auto pod = live_.Get(resources::kPods, {backup.meta.namespace_name, name});
  if (!pod.ok() && kube::IsNotFound(pod.error())) return std::optional<Json>();
  if (!pod.ok()) return std::move(pod).error();
  if (kube::ControllerUid(*pod) != backup.meta.uid) return std::optional<Json>();
  return std::optional<Json>(std::move(pod).value());
}

// Before anything is stored: the finalizer that will remove it, and the image to do so with.
Status BackupController::Claim(api::EtcdBackup& backup, const Sources& sources) {
  if (backup.spec.deletion_policy != api::Reclaim::kDelete || HasFinalizer(backup)) return {};
  Json patch;
  patch["metadata"]["resourceVersion"] = backup.meta.resource_version;
  patch["metadata"]["finalizers"] = backup.meta.finalizers;
  patch["metadata"]["finalizers"].push_back(std::string(api::kBackupFinalizer));
  patch["metadata"]["annotations"][kAnnotationImage] = sources.image;
  TRY(live_.Patch(resources::kEtcdBackups, {backup.meta.namespace_name, backup.meta.name},
                  kube::PatchType::kMerge, patch, {}));
  return {};
}

Status BackupController::CreatePod(const api::EtcdBackup& backup, const Sources& sources,
                                   const std::string& name) {
  const api::EtcdCluster& cluster = *sources.cluster;
  BackupPodRequest request;
  request.name = name;
  request.image = sources.image;
  request.deadline = std::chrono::ceil<std::chrono::seconds>(backup.spec.deadline);
  for (const auto& secret : cluster.spec.image.pull_secrets) {
    request.image_pull_secrets.push_back(secret.name);
  }
  std::string endpoints;
  for (const std::string& url : cluster.status.endpoints.members) {
    endpoints += (endpoints.empty() ? "" : ",") + url;
  }
  if (endpoints.empty()) {
    endpoints = api::ServiceUrl(cluster.meta.name, cluster.meta.namespace_name);
  }
  request.command = {"save", "--endpoints=" + endpoints,
                     "--cluster-namespace=" + cluster.meta.namespace_name,
                     "--cluster-name=" + cluster.meta.name, "--cluster-uid=" + cluster.meta.uid};
  const auto made = live_.Create(resources::kPods, MakeBackupPod(backup, *sources.store, request));
  if (made.ok()) return {};
  if (!kube::IsAlreadyExists(made.error())) return made.error();
  if (TRY(OwnPod(backup, name))) return {};  // made by a pass that did not live to see it
  return Error{Code::kFailedPrecondition,
               "pod " + name + " is somebody else's; delete it, or give the backup another name"};
}

Status BackupController::DeletePod(const Json& pod) {
  kube::DeleteOptions options;
  options.uid = kube::Uid(pod);
  const auto done = live_.Delete(resources::kPods, kube::RefOf(pod), options);
  if (!done.ok() && !kube::IsNotFound(done.error())) return done.error();
  return {};
}

// The stored object goes first, then the finalizer. Nothing was stored: at once.
Result<Requeue> BackupController::Finalize(const api::EtcdBackup& backup) {
  if (!HasFinalizer(backup)) return Requeue{};
  const bool wanted = backup.spec.deletion_policy == api::Reclaim::kDelete;
  if (!wanted || backup.status.location.empty()) {
    TRY(DropFinalizer(backup));
    return Requeue{};
  }
  const std::string name = backup.meta.name + "-delete";
  const auto pod = TRY(OwnPod(backup, name));
  if (pod) return FollowRemoval(backup, *pod);
  return StartRemoval(backup, {backup.meta.namespace_name, name});
}

Result<Requeue> BackupController::FollowRemoval(const api::EtcdBackup& backup, const Json& pod) {
  const backup::RunPod run = ReadRunPod(pod);
  if (run.phase == backup::RunPodPhase::kSucceeded) {
    TRY(DropFinalizer(backup));
    return Requeue{};
  }
  if (run.phase != backup::RunPodPhase::kFailed) return Requeue{kRemovalDeadline};
  const backup::RunReport report = backup::ParseReport(run.report);
  const std::string why = !report.message.empty() ? report.message
                          : !run.problem.empty()  ? run.problem
                                                  : "the pod failed";
  events_.Record(api::ToJson(backup), EventType::kWarning, "BackupNotRemoved", "Delete",
                 why +
                     "; it is tried again every five minutes. To give the stored object up, "
                     "remove finalizer " +
                     std::string(api::kBackupFinalizer));
  const api::Time again = run.finished.value_or(Now()) + kRemovalRetry;
  if (Now() < again) return Until(again, Now());
  TRY(DeletePod(pod));
  return Requeue{std::chrono::seconds(1)};
}

Result<Requeue> BackupController::StartRemoval(const api::EtcdBackup& backup,
                                               const ObjectRef& pod) {
  const auto object =
      cached_.Get(resources::kEtcdBackupStores, {pod.ns, backup.spec.store_ref.name});
  if (!object.ok() && kube::IsNotFound(object.error())) {
    // Without its store nothing can be removed, and an object that never goes helps nobody.
    events_.Record(api::ToJson(backup), EventType::kWarning, "BackupLeftBehind", "Delete",
                   "EtcdBackupStore " + backup.spec.store_ref.name +
                       " is gone; the stored object at " + backup.status.location + " stays");
    TRY(DropFinalizer(backup));
    return Requeue{};
  }
  if (!object.ok()) return object.error();
  const auto store = TRY(api::FromJson<api::EtcdBackupStore>(*object));
  BackupPodRequest request;
  request.name = pod.name;
  const auto image = backup.meta.annotations.find(kAnnotationImage);
  request.image = image != backup.meta.annotations.end()
                      ? image->second
                      : default_repository_ + ":" + backup.status.server_version;
  request.command = {"delete", backup.status.location};
  request.deadline = kRemovalDeadline;
  const auto made = live_.Create(resources::kPods, MakeBackupPod(backup, store, request));
  if (!made.ok() && kube::ReasonOf(made.error()) == kube::Reason::kForbidden) {
    // The namespace goes away, and with it every chance to run something in it.
    TRY(DropFinalizer(backup));
    return Requeue{};
  }
  if (!made.ok() && !kube::IsAlreadyExists(made.error())) return made.error();
  return Requeue{kRemovalDeadline};
}

Status BackupController::DropFinalizer(const api::EtcdBackup& backup) {
  Json patch;
  patch["metadata"]["resourceVersion"] = backup.meta.resource_version;
  patch["metadata"]["finalizers"] = Json::array();
  for (const std::string& finalizer : backup.meta.finalizers) {
    if (finalizer != api::kBackupFinalizer) patch["metadata"]["finalizers"].push_back(finalizer);
  }
  const auto done =
      live_.Patch(resources::kEtcdBackups, {backup.meta.namespace_name, backup.meta.name},
                  kube::PatchType::kMerge, patch, {});
  if (!done.ok() && !kube::IsNotFound(done.error())) return done.error();
  return {};
}

Status BackupController::WriteStatus(const api::EtcdBackup& backup,
                                     const api::BackupStatus& status) {
  if (status == backup.status) return {};
  api::EtcdBackup told = backup;
  told.status = status;
  kube::PatchOptions options;
  options.subresource = "status";
  TRY(live_.Apply(resources::kEtcdBackups, api::StatusToJson(told), options));
  Announce(backup, status);
  return {};
}

// What changed and a person may want to hear of.
void BackupController::Announce(const api::EtcdBackup& backup, const api::BackupStatus& status) {
  const api::BackupStatus& before = backup.status;
  const Json object = api::ToJson(backup);
  const auto tell = [&](EventType type, const char* reason, const std::string& note) {
    events_.Record(object, type, reason, "Backup", note);
  };
  const bool again = status.attempt > 1 && status.attempt != before.attempt;
  if (status.phase == BackupPhase::kCompleted && before.phase != status.phase) {
    tell(EventType::kNormal, "BackupCompleted",
         "revision " + std::to_string(status.revision) + " is stored at " + status.location);
  } else if (status.phase == BackupPhase::kFailed && before.phase != status.phase) {
    tell(EventType::kWarning, "BackupFailed", status.reason + ": " + status.message);
  } else if (again || (status.phase == BackupPhase::kRunning && before.phase != status.phase)) {
    tell(EventType::kNormal, "BackupStarted",
         "attempt " + std::to_string(status.attempt) + " runs in pod " + status.pod_name);
  } else if (status.reason != before.reason && status.phase == BackupPhase::kRunning) {
    tell(EventType::kWarning, "BackupAttemptFailed", status.reason + ": " + status.message);
  }
}

api::Time BackupController::Now() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
}

}  // namespace quorate::controllers
