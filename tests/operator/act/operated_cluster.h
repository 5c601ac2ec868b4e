// OperatedCluster: a simulated Kubernetes with one EtcdCluster and the operator's loop on it: look,
// plan, act, tell.
//
// The loop is the controller's in short, always live. A test moves it pass by pass and looks at the
// world between.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "act/actor.h"
#include "observe/observer.h"
#include "plan/plan.h"
#include "sim/clock.h"
#include "sim/etcd_world.h"
#include "sim/kube_api.h"
#include "sim/kube_nodes.h"
#include "sim/prng.h"

namespace quorate::act {

class OperatedCluster {
 public:
  explicit OperatedCluster(std::uint64_t seed, int replicas = 3);

  // One pass of the loop, then the world moves one tick and a second passes.
  void Pass();
  // Passes until the cluster is Ready with what is asked for; false when that takes too long.
  bool Converge(int passes = 400);
  bool IsReady();

  void ChangeSpec(const std::function<void(kube::Json& spec)>& change);
  std::vector<std::string> MemberNames() const;  // pods'
  kube::Json Pod(const std::string& name) const;
  kube::Json Status() const;
  std::string Trouble() const;  // violations, for a test's message

  sim::Clock clock;
  sim::KubeApi api;
  sim::EtcdWorld etcd;
  sim::KubeNodes nodes;
  std::vector<std::string> steps;   // taken, described
  std::vector<std::string> errors;  // of looks and steps

 private:
  void Operate();
  void Tell(const plan::Desired& desired, const plan::Observed& observed, const plan::Plan& plan);

  sim::Prng random_;
  kube::Client client_;
  observe::Observer observer_;
  Actor actor_;
};

}  // namespace quorate::act
