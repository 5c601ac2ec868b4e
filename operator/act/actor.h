// Actor: carries out one Step.
//
// Every step may be done twice, or late by an operator that lost its lease without knowing: each
// looks live at the one fact that would make it harmful (the slot's recorded intent, the member
// list, a UID) and refuses when that changed. Everything it writes carries the cluster's UID and,
// except volumes, an owner reference.
//
// Ownership: borrows Client and Clock.
// Thread: several workers, never two for one cluster.
// Errors: kFailedPrecondition when the step no longer fits the world (plan again); kAborted when
// etcd
//   or Kubernetes asks to try again in a moment; else those of
// Kubernetes and etcd, by their own texts.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "etcdclient/client.h"
#include "io/clock.h"
#include "kube/client.h"
#include "plan/desired.h"
#include "plan/observed.h"
#include "plan/step.h"

namespace quorate::act {

// As observe::Connector.
using Connector =
    std::function<Result<std::unique_ptr<etcdclient::Client>>(std::vector<std::string> endpoints)>;

class Actor {
 public:
  struct Options {
    std::chrono::milliseconds etcd_patience{5000};  // one call that changes the membership
  };

  Actor(kube::Client& kube, Connector connect, io::Clock& clock, Options options);

  Status Act(const plan::Desired& desired, const plan::Observed& observed, const plan::Step& step);

 private:
  kube::Client& kube_;
  const Connector connect_;
  io::Clock& clock_;
  const Options options_;
};

}  // namespace quorate::act
