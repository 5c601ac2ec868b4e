#include "controllers/cluster_controller.h"

#include <algorithm>
#include <utility>

#include "api/json.h"
#include "base/log.h"
#include "controllers/backup_summary.h"
#include "controllers/listing.h"
#include "controllers/transitions.h"
#include "io/clock.h"

namespace quorate::controllers {
namespace {

using kube::Json;
using kube::ObjectRef;
using runtime::EventType;
using runtime::Requeue;
namespace resources = kube::resources;

// After a step the world needs a moment; its changes arrive by watch, this is for what does not.
constexpr std::chrono::milliseconds kAfterStep{200};
constexpr std::chrono::milliseconds kNotYet{1000};

double ConditionValue(api::ConditionStatus status) {
  switch (status) {
    case api::ConditionStatus::kTrue:
      return 1;
    case api::ConditionStatus::kFalse:
      return 0;
    case api::ConditionStatus::kUnknown:
      return -1;
  }
  return -1;
}

}  // namespace

ClusterController::ClusterController(kube::Client& live, kube::Reader& cached, ClusterWorld& world,
                                     io::Clock& clock, runtime::EventRecorder& events,
                                     runtime::Metrics& metrics, Options options)
    : live_(live),
      cached_(cached),
      world_(world),
      clock_(clock),
      events_(events),
      metrics_(metrics),
      options_(std::move(options)) {}

Result<Requeue> ClusterController::Reconcile(const ObjectRef& ref) {
  const auto object = cached_.Get(resources::kEtcdClusters, ref);
  if (!object.ok() && kube::IsNotFound(object.error())) {
    metrics_.ForgetCluster(ref.ns, ref.name);
    return Requeue{};
  }
  if (!object.ok()) return object.error();
  auto cluster = api::FromJson<api::EtcdCluster>(*object);
  if (!cluster.ok()) {
    // The schema should not have let it in; without its fields not even a status can be written.
    events_.Record(*object, EventType::kWarning, "InvalidSpec", "Validate",
                   cluster.error().message);
    return Requeue{};
  }
  const auto desired = plan::MakeDesired(*cluster, options_.default_repository);
  if (!desired.ok()) return Refused(*cluster, desired.error());
  auto pass = Look(*cluster, cached_);
  if (!pass.ok()) return Unreadable(*cluster, pass.error());
  if (pass->plan.next) {
    const Status taken = TakeStep(*pass);
    if (!taken.ok() && kube::IsNotFound(taken.error())) return Requeue{};  // deleted meanwhile
    TRY(taken);
  }
  TRY(Tell(*pass));
  if (!pass->outcome.error) return NextLook(*pass);
  // Not a failure: the world moved between look and step, or etcd is not ready for it (a learner
  // that still catches up).
  if (pass->outcome.error->code == Code::kFailedPrecondition) return Requeue{kNotYet};
  // The step's failure is told; the queue waits longer each time.
  return *pass->outcome.error;
}

Result<ClusterController::Pass> ClusterController::Look(api::EtcdCluster cluster,
                                                        kube::Reader& reader) {
  Pass pass;
  pass.desired = TRY(plan::MakeDesired(cluster, options_.default_repository));
  pass.cluster = std::move(cluster);
  pass.observed = TRY(world_.Observe(pass.desired, reader));
  pass.plan = plan::MakePlan(pass.desired, pass.observed, Now());
  return pass;
}

Status ClusterController::TakeStep(Pass& pass) {
  const ObjectRef ref{pass.cluster.meta.namespace_name, pass.cluster.meta.name};
  const Json object = TRY(live_.Get(resources::kEtcdClusters, ref));
  if (kube::Uid(object) != pass.cluster.meta.uid) {
    return Error{Code::kNotFound, "another EtcdCluster has taken the name " + ToString(ref)};
  }
  api::EtcdCluster fresh = TRY(api::FromJson<api::EtcdCluster>(object));
  pass = TRY(Look(std::move(fresh), live_));
  if (!pass.plan.next) return {};
  const plan::Step& step = *pass.plan.next;
  const std::string name = plan::NameOf(step);
  const Status done = world_.Act(pass.desired, pass.observed, step);
  metrics_.Step(name, done.ok() ? "done" : "failed");
  if (done.ok()) {
    log::Info("step taken", {{"cluster", ToString(ref)},
                             {"step", plan::Describe(step)},
                             {"rule", pass.plan.rule},
                             {"reason", pass.plan.reason}});
    events_.Record(object, EventType::kNormal, name, name,
                   plan::Describe(step) + ": " + pass.plan.reason);
    return {};
  }
  // Somebody else wrote in between: not a failure of the step, the next pass plans anew.
  if (kube::IsConflict(done.error())) return done;
  pass.outcome.error = Annotate(done.error(), plan::Describe(step));
  if (done.error().code == Code::kFailedPrecondition) {
    log::Info("step not possible yet",
              {{"cluster", ToString(ref)}, {"why", pass.outcome.error->message}});
    return {};
  }
  events_.Record(object, EventType::kWarning, name + "Failed", name, pass.outcome.error->message);
  return {};
}

Result<Requeue> ClusterController::Refused(const api::EtcdCluster& cluster, const Error& error) {
  TRY(WriteClusterStatus(cluster, status::MakeInvalidStatus(cluster, error, Now())));
  return Requeue{};  // until the spec changes
}

Result<Requeue> ClusterController::Unreadable(const api::EtcdCluster& cluster, const Error& error) {
  const Status told = WriteClusterStatus(cluster, status::MakeUnknownStatus(cluster, error, Now()));
  if (!told.ok()) log::Debug("status not written", {{"error", told.error().message}});
  return error;
}

Status ClusterController::Tell(const Pass& pass) {
  const auto backups = TRY(Backups(pass.cluster));
  const api::ClusterStatus status =
      status::MakeStatus(pass.desired, pass.observed, pass.plan, pass.outcome, backups, Now());
  for (const api::Condition& condition : status.conditions) {
    metrics_.ClusterCondition(pass.cluster.meta.namespace_name, pass.cluster.meta.name,
                              condition.type, ConditionValue(condition.status));
  }
  TRY(WriteMemberStatuses(pass));
  return WriteClusterStatus(pass.cluster, status);
}

Status ClusterController::WriteClusterStatus(const api::EtcdCluster& cluster,
                                             const api::ClusterStatus& status) {
  if (status == cluster.status) return {};
  api::EtcdCluster told = cluster;
  told.status = status;
  kube::PatchOptions options;
  options.subresource = "status";
  const auto written = live_.Apply(resources::kEtcdClusters, api::StatusToJson(told), options);
  // Its last finalizer went in this very pass.
  if (!written.ok() && kube::IsNotFound(written.error())) return {};
  if (!written.ok()) return written.error();
  for (const Transition& change : Transitions(cluster.status, status)) {
    events_.Record(*written, change.warning ? EventType::kWarning : EventType::kNormal,
                   change.reason, "Reconcile", change.note);
  }
  return {};
}

Status ClusterController::WriteMemberStatuses(const Pass& pass) {
  for (const plan::Slot& slot : pass.observed.slots) {
    const api::MemberStatus status =
        status::MakeMemberStatus(pass.desired, pass.observed, slot.object.meta.name, Now());
    if (status == slot.object.status) continue;
    api::EtcdMember told = slot.object;
    told.status = status;
    kube::PatchOptions options;
    options.subresource = "status";
    const auto written = live_.Apply(resources::kEtcdMembers, api::StatusToJson(told), options);
    // The step of this pass may have removed the slot.
    if (!written.ok() && !kube::IsNotFound(written.error())) return written.error();
  }
  return {};
}

Requeue ClusterController::NextLook(const Pass& pass) const {
  if (pass.plan.next) return {kAfterStep};
  std::chrono::milliseconds wait = options_.poll_period;
  if (pass.plan.look_again) {
    const auto left = *pass.plan.look_again - Now();
    wait = std::clamp<std::chrono::milliseconds>(left, kAfterStep, wait);
  }
  return {wait};
}

Result<status::BackupSummary> ClusterController::Backups(const api::EtcdCluster& cluster) {
  const std::string& ns = cluster.meta.namespace_name;
  const auto schedules =
      TRY(ListObjects<api::EtcdBackupSchedule>(cached_, resources::kEtcdBackupSchedules, ns));
  const bool scheduled = std::ranges::any_of(schedules, [&](const auto& schedule) {
    return schedule.spec.cluster_ref.name == cluster.meta.name;
  });
  const auto backups = TRY(ListObjects<api::EtcdBackup>(cached_, resources::kEtcdBackups, ns));
  return SummarizeCluster(backups, cluster.meta.name, scheduled);
}

api::Time ClusterController::Now() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
}

}  // namespace quorate::controllers
