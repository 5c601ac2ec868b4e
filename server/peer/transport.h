// Transport: rafthttp, the network between the members, as etcd's members speak it.
//
// Each side opens two streams to the other over plain HTTP/1.1 and reads messages from them; single
// requests fill in while streams are down; a snapshot is one long request. All of it lives on one
// event loop.
//
// Ownership: borrows the loop, clock, disk and events; all outlive it.
// Thread: Send, SendSnapshot, UpdatePeers and ConnectedSince from any; Serve on the peer loop's
// connections. Source: knowledge/etcd.md chapter 6.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "io/clock.h"
#include "io/disk.h"
#include "net/event_loop.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "peer/options.h"
#include "peer/remote.h"
#include "peer/snapshot_receiver.h"

namespace quorate::peer {

using PeerUrls = std::map<MemberId, std::vector<std::string>>;

class Transport {
 public:
  struct Parts {
    net::EventLoop* loop;
    const io::Clock* clock;
    io::Disk* disk;
    Background background;
    Events* events;
  };

  Transport(Options options, Parts parts);
  // Stop().
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  void Send(std::vector<raft::Message>& messages);
  void SendSnapshot(raft::Message message, std::shared_ptr<SnapshotBody> body,
                    std::function<void(bool delivered)> done);
  // Replaces the set of other members.
  void UpdatePeers(const PeerUrls& peers);
  std::optional<io::Clock::Instant> ConnectedSince(MemberId member) const;

  // Ends all that goes to other members; later requests are refused. Stop before the server that
  // hands requests to Serve(), or its open streams would not end. REQUIRES: not on the loop.
  void Stop();

  // Answers a request under /raft. On the loop.
  void Serve(std::shared_ptr<net::HttpExchange> exchange);

  const Options& options() const { return options_; }

 private:
  using RemotePtr = std::shared_ptr<Remote>;

  void SendNow(std::vector<raft::Message>& messages);
  Remote* Find(MemberId member);
  void ServeStream(std::shared_ptr<net::HttpExchange> exchange);
  void ServeMessage(const std::shared_ptr<net::HttpExchange>& exchange);
  void TakeMessage(net::HttpExchange& exchange, std::string body);
  bool Refused(net::HttpExchange& exchange, const char* method);

  const Options options_;
  const Parts parts_;
  std::unique_ptr<net::HttpClient> client_;
  std::map<MemberId, RemotePtr> remotes_;  // loop only
  // Members that have introduced themselves (X-PeerURLs) before we knew them from the log.
  std::map<MemberId, RemotePtr> strangers_;  // loop only
  mutable Mutex mutex_;
  std::map<MemberId, RemotePtr> shared_ QUORATE_GUARDED_BY(mutex_);  // remotes_, for other threads
  const std::shared_ptr<std::size_t> posted_bytes_ = std::make_shared<std::size_t>(0);
  const Receptions receptions_ = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace quorate::peer
