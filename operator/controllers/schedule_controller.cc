#include "controllers/schedule_controller.h"

#include <algorithm>
#include <utility>

#include "api/json.h"
#include "api/names.h"
#include "api/validate.h"
#include "backup/retention.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/disk.h"

namespace quorate::controllers {
namespace {

using kube::Json;
using kube::ObjectRef;
using runtime::EventType;
using runtime::Requeue;
namespace resources = kube::resources;

constexpr const char* kZoneInfo = "/usr/share/zoneinfo";
// On a run: the time it was due.
constexpr const char* kAnnotationDue = "quorate.dev/scheduled-for";
constexpr std::chrono::seconds kHeldBackLook{30};
constexpr std::chrono::minutes kLookMost{10};  // also when nothing is due: retention by age

bool IsActive(const api::EtcdBackup& run) {
  return !run.meta.deleted && run.status.phase != api::BackupPhase::kCompleted &&
         run.status.phase != api::BackupPhase::kFailed;
}

std::optional<api::Time> DueOf(const api::EtcdBackup& run) {
  const auto it = run.meta.annotations.find(kAnnotationDue);
  return it == run.meta.annotations.end() ? std::nullopt : api::ParseTime(it->second);
}

backup::Artifact ArtifactOf(const api::EtcdBackup& run) {
  return {run.meta.name, run.status.revision, run.status.completion_time.value_or(api::Time{})};
}

void SetHealthy(api::EtcdBackupSchedule& schedule, api::ConditionStatus status,
                const std::string& reason, const std::string& message, api::Time now) {
  auto& conditions = schedule.status.conditions;
  auto it = std::ranges::find(conditions, "Healthy", &api::Condition::type);
  if (it == conditions.end()) {
    conditions.push_back({"Healthy", status, 0, now, "", ""});
    it = std::prev(conditions.end());
  }
  if (it->status != status) it->last_transition = now;
  it->status = status;
  it->observed_generation = schedule.meta.generation;
  it->reason = reason;
  it->message = message;
}

// What the runs say: the active ones, the last good one, and whether the last one failed.
void Summarize(api::EtcdBackupSchedule& schedule, const std::vector<api::EtcdBackup>& runs,
               api::Time now) {
  api::BackupScheduleStatus& status = schedule.status;
  status.active.clear();
  const api::EtcdBackup* last = nullptr;
  for (const api::EtcdBackup& run : runs) {
    if (IsActive(run)) status.active.push_back(run.meta.name);
    if (!run.status.completion_time) continue;
    if (!last || *run.status.completion_time > *last->status.completion_time) last = &run;
    if (run.status.phase != api::BackupPhase::kCompleted) continue;
    status.last_successful_time =
        std::max(status.last_successful_time.value_or(api::Time{}), *run.status.completion_time);
  }
  std::ranges::sort(status.active);
  if (last == nullptr) {
    SetHealthy(schedule, api::ConditionStatus::kUnknown, "NoRunYet", "no run has finished yet",
               now);
  } else if (last->status.phase == api::BackupPhase::kCompleted) {
    SetHealthy(schedule, api::ConditionStatus::kTrue, "LastRunCompleted",
               "run " + last->meta.name + " completed", now);
  } else {
    SetHealthy(schedule, api::ConditionStatus::kFalse, last->status.reason,
               "run " + last->meta.name + " failed: " + last->status.message, now);
  }
}

}  // namespace

ScheduleController::ScheduleController(kube::Client& live, kube::Reader& cached, io::Clock& clock,
                                       io::Disk& disk, runtime::EventRecorder& events)
    : live_(live), cached_(cached), clock_(clock), disk_(disk), events_(events) {}

Result<Requeue> ScheduleController::Reconcile(const ObjectRef& ref) {
  // Live: lastScheduleTime is what keeps a run from being started again.
  auto object = live_.Get(resources::kEtcdBackupSchedules, ref);
  if (!object.ok() && kube::IsNotFound(object.error())) return Requeue{};
  if (!object.ok()) return std::move(object).error();
  auto parsed = api::FromJson<api::EtcdBackupSchedule>(*object);
  if (!parsed.ok()) {
    events_.Record(*object, EventType::kWarning, "InvalidSpec", "Validate", parsed.error().message);
    return Requeue{};
  }
  api::EtcdBackupSchedule& schedule = *parsed;
  if (schedule.meta.deleted) return Requeue{};
  const auto violations = api::Validate(schedule);
  if (!violations.empty()) return Refused(schedule, "InvalidSpec", api::Describe(violations));
  const auto zone = ZoneOf(schedule);
  if (!zone.ok()) return Refused(schedule, "InvalidTimeZone", zone.error().message);

  const api::BackupScheduleStatus before = schedule.status;
  Runs runs = TRY(ListRuns(schedule));
  // A run that was made, but not written down, counts as started.
  for (const api::EtcdBackup& run : runs) {
    const auto due = DueOf(run);
    auto& last = schedule.status.last_schedule_time;
    if (due && (!last || *last < *due)) last = due;
  }
  const bool active = std::ranges::any_of(runs, IsActive);
  const auto decided = backup::Decide(schedule, *zone, active, Now());
  if (!decided.ok()) return Refused(schedule, "InvalidSchedule", decided.error().message);
  if (decided->replace_active) {
    for (const api::EtcdBackup& run : runs) {
      if (IsActive(run)) TRY(DeleteRun(run, "a newer run takes its place"));
    }
  }
  if (decided->start) {
    TRY(Start(schedule, *decided->start));
    runs = TRY(ListRuns(schedule));
  }
  if (decided->last_schedule) schedule.status.last_schedule_time = decided->last_schedule;
  schedule.status.missed_runs += decided->missed;
  schedule.status.next_schedule_time = decided->next;
  schedule.status.observed_generation = schedule.meta.generation;
  Summarize(schedule, runs, Now());
  TRY(WriteStatus(schedule, before));
  if (decided->missed > 0) {
    events_.Record(*object, EventType::kWarning, "RunsMissed", "Schedule",
                   std::to_string(decided->missed) + " runs were missed");
  }
  TRY(Retain(schedule, runs, *zone));
  std::chrono::milliseconds wait = kLookMost;
  if (decided->held_back) wait = kHeldBackLook;
  if (decided->next) {
    const std::chrono::milliseconds left = *decided->next - Now();
    wait = std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(100), wait);
  }
  return Requeue{wait};
}

Result<ScheduleController::Runs> ScheduleController::ListRuns(
    const api::EtcdBackupSchedule& schedule) {
  const std::string selector = std::string(api::kLabelSchedule) + "=" + schedule.meta.name;
  const auto objects =
      TRY(live_.List(resources::kEtcdBackups, schedule.meta.namespace_name, selector));
  Runs runs;
  for (const kube::ObjectPtr& object : objects) {
    // Retention must see all or nothing: one that cannot be read stops it.
    runs.push_back(TRY(api::FromJson<api::EtcdBackup>(*object)));
  }
  return runs;
}

Result<backup::TimeZone> ScheduleController::ZoneOf(const api::EtcdBackupSchedule& schedule) {
  const std::string& name = schedule.spec.time_zone;
  if (name.empty() || name == "UTC") return backup::TimeZone::Utc();
  const Error unknown{Code::kInvalidArgument, "spec.timeZone: '" + name +
                                                  "' is no time zone; give a name such as "
                                                  "Europe/Berlin, or UTC"};
  if (!backup::TimeZone::IsName(name)) return unknown;
  const auto bytes = io::ReadFile(disk_, io::JoinPath(kZoneInfo, name));
  if (!bytes.ok()) return unknown;
  return backup::TimeZone::Parse(*bytes);
}

Status ScheduleController::Start(const api::EtcdBackupSchedule& schedule, api::Time due) {
  api::EtcdBackup run;
  run.meta.name = backup::RunName(schedule.meta.name, due);
  run.meta.namespace_name = schedule.meta.namespace_name;
  run.meta.labels = {{std::string(api::kLabelSchedule), schedule.meta.name},
                     {std::string(api::kLabelManagedBy), std::string(api::kManagedBy)}};
  run.meta.annotations = {{kAnnotationDue, api::FormatTime(due)}};
  run.spec.cluster_ref = schedule.spec.cluster_ref;
  run.spec.store_ref = schedule.spec.store_ref;
  run.spec.deadline = schedule.spec.deadline;
  run.spec.retries = schedule.spec.retries;
  run.spec.deletion_policy = api::Reclaim::kDelete;
  const auto made = live_.Create(resources::kEtcdBackups, api::ToJson(run));
  if (!made.ok() && kube::IsAlreadyExists(made.error())) return {};
  if (!made.ok()) return made.error();
  events_.Record(api::ToJson(schedule), EventType::kNormal, "RunStarted", "Schedule",
                 "started " + run.meta.name);
  return {};
}

Status ScheduleController::DeleteRun(const api::EtcdBackup& run, const std::string& why) {
  kube::DeleteOptions options;
  options.uid = run.meta.uid;
  options.resource_version = run.meta.resource_version;
  const ObjectRef ref{run.meta.namespace_name, run.meta.name};
  const auto gone = live_.Delete(resources::kEtcdBackups, ref, options);
  if (!gone.ok() && !kube::IsNotFound(gone.error())) return gone.error();
  log::Info("backup let go", {{"backup", ToString(ref)}, {"reason", why}});
  return {};
}

Status ScheduleController::Retain(const api::EtcdBackupSchedule& schedule, const Runs& runs,
                                  const backup::TimeZone& zone) {
  std::string uid;
  const std::string blocked = TRY(RetentionBlocked(schedule, uid));
  if (!blocked.empty()) {
    log::Debug("retention waits", {{"schedule", schedule.meta.name}, {"reason", blocked}});
    return {};
  }
  std::vector<backup::Artifact> good;
  std::vector<backup::Artifact> failed;
  for (const api::EtcdBackup& run : runs) {
    if (run.meta.deleted || !run.status.completion_time) continue;
    if (run.status.phase == api::BackupPhase::kFailed) failed.push_back(ArtifactOf(run));
    const bool ours = run.status.phase == api::BackupPhase::kCompleted &&
                      run.status.cluster_uid == uid &&
                      run.spec.deletion_policy == api::Reclaim::kDelete;
    if (ours) good.push_back(ArtifactOf(run));
  }
  const auto remove = [&](const std::vector<std::string>& names, const char* why) -> Status {
    for (const std::string& name : names) {
      const auto run = std::ranges::find_if(
          runs, [&name](const api::EtcdBackup& one) { return one.meta.name == name; });
      if (run != runs.end()) TRY(DeleteRun(*run, why));
    }
    return {};
  };
  TRY(remove(backup::Expired(schedule.spec.retention, std::move(good), zone, Now()),
             "retention keeps newer ones"));
  return remove(backup::ExpiredFailures(std::move(failed), schedule.spec.failed_history_limit),
                "failedHistoryLimit");
}

Result<std::string> ScheduleController::RetentionBlocked(const api::EtcdBackupSchedule& schedule,
                                                         std::string& uid) {
  const auto object = cached_.Get(resources::kEtcdClusters,
                                  {schedule.meta.namespace_name, schedule.spec.cluster_ref.name});
  if (!object.ok() && kube::IsNotFound(object.error())) return std::string("the cluster is gone");
  if (!object.ok()) return object.error();
  uid = kube::Uid(*object);
  const auto cluster = TRY(api::FromJson<api::EtcdCluster>(*object));
  const auto& conditions = cluster.status.conditions;
  const auto it = std::ranges::find(conditions, "Available", &api::Condition::type);
  if (it == conditions.end() || it->status != api::ConditionStatus::kTrue) {
    return std::string("the cluster is not available: nothing is deleted now");
  }
  return std::string();
}

Result<Requeue> ScheduleController::Refused(api::EtcdBackupSchedule schedule,
                                            const std::string& reason, const std::string& message) {
  const api::BackupScheduleStatus before = schedule.status;
  schedule.status.observed_generation = schedule.meta.generation;
  schedule.status.next_schedule_time.reset();
  SetHealthy(schedule, api::ConditionStatus::kFalse, reason, message, Now());
  TRY(WriteStatus(schedule, before));
  if (schedule.status != before) {
    events_.Record(api::ToJson(schedule), EventType::kWarning, reason, "Validate", message);
  }
  return Requeue{};
}

Status ScheduleController::WriteStatus(const api::EtcdBackupSchedule& schedule,
                                       const api::BackupScheduleStatus& before) {
  if (schedule.status == before) return {};
  kube::PatchOptions options;
  options.subresource = "status";
  TRY(live_.Apply(resources::kEtcdBackupSchedules, api::StatusToJson(schedule), options));
  return {};
}

api::Time ScheduleController::Now() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
}

}  // namespace quorate::controllers
