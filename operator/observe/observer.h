// Observer: reads everything about one cluster once and makes one Observed of it.
//
// Kubernetes objects come through a Reader: caches for a look, the live Client before a step.
// Members are always asked live: each running pod's server for its status, all at once, then any
// that knows a leader for the linearizable member list. A member that does not answer within the
// patience is absent from the facts, never an error; an API server that does not answer is one,
// because half a picture would look like a smaller cluster.
//
// Ownership: borrows the Random. Keeps one client per cluster between looks.
// Thread: several workers, never two for one cluster.
// Errors: those of the Reader, with the object's name.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "etcdclient/client.h"
#include "io/random.h"
#include "kube/reader.h"
#include "plan/desired.h"
#include "plan/observed.h"

namespace quorate::observe {

// A client for these endpoints; nothing is dialled yet.
using Connector =
    std::function<Result<std::unique_ptr<etcdclient::Client>>(std::vector<std::string> endpoints)>;

class Observer {
 public:
  struct Options {
    // Ask servers at their pod's address rather than by name: names of fresh pods are unknown to
    // DNS for a while.
    bool by_pod_ip = true;
    std::chrono::milliseconds patience{1500};  // one question to one member
  };

  Observer(Connector connect, io::Random& random, Options options);

  Result<plan::Observed> Observe(const plan::Desired& desired, kube::Reader& reader);

 private:
  std::shared_ptr<etcdclient::Client> ClientFor(const std::string& cluster_uid,
                                                const std::vector<std::string>& endpoints);
  void AskMembers(const plan::Desired& desired, plan::Observed& observed);
  std::string FreshName(const std::string& cluster, const plan::Observed& observed);

  const Connector connect_;
  io::Random& random_;
  const Options options_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<etcdclient::Client>> clients_ QUORATE_GUARDED_BY(mutex_);
};

}  // namespace quorate::observe
