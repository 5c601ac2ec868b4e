// KubeContract: what an API server must do for the operator, as checks that run against any Http.
//
// The simulated server passes each as a test of its own; one real kube-apiserver passes them all in
// one test, because starting it takes seconds.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "kube/client.h"

namespace quorate::test {

// A kind of our own, so that the suite does not depend on the operator's.
inline constexpr kube::Resource kWidgets{"contract.quorate.dev", "v1", "widgets", "Widget"};

struct KubeWorld {
  kube::Client& client;
  std::string ns;  // an empty namespace, one for each check
  // Simulated time passes; in the real world it does so by itself.
  std::function<void(std::chrono::seconds)> pass_time;
};

struct KubeCheck {
  std::string name;
  std::function<void(KubeWorld&)> run;
};

const std::vector<KubeCheck>& KubeContract();

// The CustomResourceDefinition of kWidgets.
kube::Json WidgetDefinition();

}  // namespace quorate::test
