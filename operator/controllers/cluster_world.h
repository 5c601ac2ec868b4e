// ClusterWorld: the controller's way to look at a cluster and to act on it.
//
// One interface for what observe/ and act/ do, so that a test can stand in for both.
//
// Thread: several workers, never two for one cluster.
#pragma once

#include "base/result.h"
#include "kube/reader.h"
#include "plan/desired.h"
#include "plan/observed.h"
#include "plan/step.h"

namespace quorate::controllers {

class ClusterWorld {
 public:
  virtual ~ClusterWorld() = default;

  // Kubernetes objects from `reader` (caches, or live before a step); members always live.
  virtual Result<plan::Observed> Observe(const plan::Desired& desired, kube::Reader& reader) = 0;
  virtual Status Act(const plan::Desired& desired, const plan::Observed& observed,
                     const plan::Step& step) = 0;
};

}  // namespace quorate::controllers
