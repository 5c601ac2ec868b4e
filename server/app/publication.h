// Publication: tells the cluster this member's name and client URLs, again until it knows them.
//
// A proposal says it. Its answer ends the publication; so does the cluster's knowing, for a new
// member may learn of its own publication from a snapshot, and then nobody answers the proposal.
//
// Ownership: borrows its parts; outlives the loop's last turn.
// Thread: Begin from any; done is called on the loop, once.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "membership/cluster.h"
#include "net/event_loop.h"
#include "node/driver.h"

namespace quorate::app {

class Publication {
 public:
  struct Parts {
    net::EventLoop* loop = nullptr;
    node::Driver* driver = nullptr;
    const membership::Cluster* cluster = nullptr;
    ClusterId cluster_id;
    MemberId self;
    std::string name;
    std::vector<std::string> client_urls;
    std::function<void()> done;
  };

  explicit Publication(Parts parts);

  void Begin();

 private:
  void Propose();
  void WaitUntilKnown();
  // The cluster knows this member by its present name and client URLs.
  bool Known() const;
  void End();

  const Parts parts_;
  std::atomic<bool> ended_ = false;
};

}  // namespace quorate::app
