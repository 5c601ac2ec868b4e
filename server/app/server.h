// Server: one member, put together and running.
//
// Start brings it up in etcd's order: listeners bound, data opened and replayed, peers and raft
// started, the metrics port served; the client port is served once the member has published itself
// through the log, that is, once it takes part in a cluster that has a quorum. Wait returns when a
// signal or a fatal reason ends it; Stop is graceful.
//
// Thread: Start, Wait and Stop on the main thread, whose signals SIGTERM and SIGINT must be blocked
// before Start.
#pragma once

#include <memory>
#include <optional>

#include "app/exit.h"
#include "config/options.h"

namespace quorate::app {

class Server {
 public:
  explicit Server(config::Options options);
  ~Server();

  // Nothing: it runs.
  std::optional<Ending> Start();
  // Blocks. What ended it: kOk with `signal` set, or the reason.
  Ending Wait();
  void Stop();
  int signal() const;  // that ended Wait; 0: none

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::app
