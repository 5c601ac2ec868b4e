// ClusterController: the loop of every EtcdCluster: observe, plan, act, tell.
//
// A pass looks through the caches first. Only when the plan has a step is everything read again
// live, and the step planned anew from that: so a quiet cluster costs the API server nothing, and
// no step is taken on stale data. One step a pass; the next pass sees its result.
//
// Ownership: borrows everything.
// Thread: several workers, never two for one cluster.
#pragma once

#include <chrono>
#include <string>

#include "controllers/cluster_world.h"
#include "kube/client.h"
#include "runtime/controller.h"
#include "runtime/events.h"
#include "runtime/metrics.h"
#include "status/cluster_status.h"

namespace quorate::controllers {

class ClusterController : public runtime::Reconciler {
 public:
  struct Options {
    std::string default_repository;
    std::chrono::milliseconds poll_period{10'000};  // members' state arrives by no watch
  };

  ClusterController(kube::Client& live, kube::Reader& cached, ClusterWorld& world, io::Clock& clock,
                    runtime::EventRecorder& events, runtime::Metrics& metrics, Options options);

  Result<runtime::Requeue> Reconcile(const kube::ObjectRef& ref) override;

 private:
  // One look: what should be, what is, and what follows.
  struct Pass {
    api::EtcdCluster cluster;
    plan::Desired desired;
    plan::Observed observed;
    plan::Plan plan;
    status::Outcome outcome;
  };

  Result<Pass> Look(api::EtcdCluster cluster, kube::Reader& reader);
  Result<runtime::Requeue> Refused(const api::EtcdCluster& cluster, const Error& error);
  Result<runtime::Requeue> Unreadable(const api::EtcdCluster& cluster, const Error& error);
  // Looks again live and takes the step, if it is still to be taken.
  Status TakeStep(Pass& pass);
  Status Tell(const Pass& pass);
  Status WriteClusterStatus(const api::EtcdCluster& cluster, const api::ClusterStatus& status);
  Status WriteMemberStatuses(const Pass& pass);
  runtime::Requeue NextLook(const Pass& pass) const;
  Result<status::BackupSummary> Backups(const api::EtcdCluster& cluster);
  api::Time Now() const;

  kube::Client& live_;
  kube::Reader& cached_;
  ClusterWorld& world_;
  io::Clock& clock_;
  runtime::EventRecorder& events_;
  runtime::Metrics& metrics_;
  const Options options_;
};

}  // namespace quorate::controllers
