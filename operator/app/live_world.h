// LiveWorld: ClusterWorld by the rooms observe/ and act/.
//
// Ownership: borrows observer and actor.
// Thread: as theirs.
#pragma once

#include "act/actor.h"
#include "controllers/cluster_world.h"
#include "observe/observer.h"

namespace quorate::app {

class LiveWorld final : public controllers::ClusterWorld {
 public:
  LiveWorld(observe::Observer& observer, act::Actor& actor) : observer_(observer), actor_(actor) {}

  Result<plan::Observed> Observe(const plan::Desired& desired, kube::Reader& reader) override {
    return observer_.Observe(desired, reader);
  }
  Status Act(const plan::Desired& desired, const plan::Observed& observed,
             const plan::Step& step) override {
    return actor_.Act(desired, observed, step);
  }

 private:
  observe::Observer& observer_;
  act::Actor& actor_;
};

}  // namespace quorate::app
