// ClusterVersion: the leader's duty to keep the version that all members agree on: the lowest minor
// version among them.
//
// Every few seconds the leader asks each member's GET /version. A cluster that has none yet gets
// one at once, so that members of other kinds can start; it is raised when all members allow it,
// never lowered.
//
// Thread: the loop it was made on.
#pragma once

#include <functional>
#include <memory>

#include "app/peer_client.h"
#include "base/ids.h"
#include "membership/cluster.h"
#include "net/event_loop.h"
#include "node/node.h"

namespace quorate::app {

class ClusterVersion {
 public:
  ClusterVersion(net::EventLoop& loop, PeerClient& peers, node::Node& node,
                 const membership::Cluster& cluster, MemberId self);

  void Start();
  // REQUIRES: on the loop.
  void Stop();

 private:
  struct Poll;

  void Check();
  void Decide(const Poll& poll);

  net::Timer timer_;
  PeerClient& peers_;
  node::Node& node_;
  const membership::Cluster& cluster_;
  const MemberId self_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace quorate::app
