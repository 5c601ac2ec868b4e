// Transitions: which changes of a cluster's status people should hear of as events. Pure.
//
// Thread: pure.
#pragma once

#include <string>
#include <vector>

#include "api/etcd_cluster.h"

namespace quorate::controllers {

struct Transition {
  bool warning = false;
  std::string reason;  // CamelCase
  std::string note;    // sentence
};

// Conditions that flipped, and a plan that began to wait for a person. Nothing when it is the same.
std::vector<Transition> Transitions(const api::ClusterStatus& before,
                                    const api::ClusterStatus& after);

}  // namespace quorate::controllers
