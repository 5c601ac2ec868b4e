// RealNetwork: rafthttp, the peer protocol of etcd, over HTTP/1.1 and TLS.
//
// With each member it keeps two endless answers in each direction, "msgapp" and "message": the
// receiver asks for them, the owner of the messages writes frames. While they are down, messages go
// one by one as POST /raft. Snapshots go as POST /raft/snapshot, the database streamed behind its
// message, from and to disk on threads of their own.
//
// Ownership: borrows the loop, the doors and the receiver; owns its client connections. Stop()
// before destroying. Thread: any. Peers live on the loop, which should serve nothing slow. Source:
// knowledge/etcd.md chapter 6.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "io/clock.h"
#include "io/disk.h"
#include "net/connection.h"
#include "net/event_loop.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "peer/network.h"

namespace quorate::peer {

struct RealNetworkOptions {
  MemberId self;
  ClusterId cluster;
  std::vector<std::string> peer_urls;  // our own, told to others in X-PeerURLs
  std::string server_version = "3.6.14";
  std::string min_cluster_version = "3.0.0";
  std::shared_ptr<net::TlsClient> tls;  // null: no https URLs can be dialled
  std::string snapshot_folder;          // <data>/member/snap: where received databases go
  std::chrono::milliseconds election_timeout = std::chrono::seconds(1);  // dials may take 1 s more
  std::chrono::milliseconds read_timeout = std::chrono::seconds(5);  // silence that ends a stream
  std::chrono::milliseconds redial_delay = std::chrono::milliseconds(100);
  std::chrono::milliseconds probe_interval = std::chrono::seconds(4);
  std::size_t stream_messages_max = 4096;  // waiting for one stream; beyond: dropped
  std::size_t pipeline_messages_max = 64;  // waiting for POSTs to one member; beyond: dropped
  std::size_t pipeline_connections = 4;
  std::uint64_t snapshot_bytes_per_second = 0;  // sent to one member; 0: as fast as it goes
};

Status Validate(const RealNetworkOptions& options);

class RealNetwork final : public Network {
 public:
  RealNetwork(RealNetworkOptions options, net::EventLoop& loop, io::Clock& clock, io::Disk& disk,
              Receiver& receiver);
  ~RealNetwork() override;

  // For Listener::Start; the listener's only loop must be ours.
  void Accept(std::shared_ptr<net::Connection> connection);
  // Further paths on the peer port (/members, /version, /leases...): exact, or all below one that
  // ends in "/". Before the first Accept.
  void Handle(const std::string& path, net::HttpServer::Handler handler);

  void Send(std::vector<raft::Message> messages) override;
  void SendSnapshot(raft::Message message, std::unique_ptr<SnapshotSource> source) override;
  void AddMember(MemberId member, std::vector<std::string> peer_urls) override;
  void RemoveMember(MemberId member) override;
  void UpdateMember(MemberId member, std::vector<std::string> peer_urls) override;
  void RemoveAllMembers() override;
  std::optional<io::Clock::Instant> ActiveSince(MemberId member) const override;
  std::vector<PeerStats> Stats() const override;
  void Stop() override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace quorate::peer
