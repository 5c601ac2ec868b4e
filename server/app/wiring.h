// Wiring: the small adapters between rooms that must not know each other: the node's network over
// the peer transport, the transport's events into the node, the api's environment.
//
// Thread: as the interfaces they implement.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/context.h"
#include "api/metrics.h"
#include "app/background.h"
#include "app/client_snapshots.h"
#include "app/disk_reserve.h"
#include "app/machine.h"
#include "app/peer_client.h"
#include "io/clock.h"
#include "io/disk.h"
#include "node/driver.h"
#include "node/network.h"
#include "node/observer.h"
#include "peer/transport.h"

namespace quorate::app {

// NodeNetwork: node::Network over rafthttp.
class NodeNetwork final : public node::Network {
 public:
  // known: whom a fresh member may talk to before its log names anybody.
  NodeNetwork(peer::Transport& transport, node::PeerUrls known)
      : transport_(transport), known_(std::move(known)) {}

  void Send(std::vector<raft::Message>& messages) override { transport_.Send(messages); }
  void SendSnapshot(raft::Message message, std::shared_ptr<node::SnapshotSource> source,
                    std::function<void(bool)> done) override;
  void UpdatePeers(const node::PeerUrls& peers) override;
  std::optional<io::Clock::Instant> ConnectedSince(MemberId member) const override {
    return transport_.ConnectedSince(member);
  }

 private:
  peer::Transport& transport_;
  node::PeerUrls known_;
};

// Proposes the end of a lease whose time is over, once it is certain that this member still leads:
// a leader that was held up sees leases at their end that its successor has renewed.
void RevokeWhileLeading(node::Node& node, LeaseId lease);

// PeerEvents: what the transport hears, to the node. Set the node before the transport serves.
class PeerEvents final : public peer::Events {
 public:
  PeerEvents(const membership::Cluster& cluster, MemberId self, std::function<void()> on_removed)
      : cluster_(cluster), self_(self), on_removed_(std::move(on_removed)) {}

  void SetDriver(node::Driver* driver) { driver_ = driver; }

  void OnMessages(std::vector<raft::Message>& messages) override;
  void OnUnreachable(MemberId member) override;
  void OnGone(MemberId member) override;
  void OnSelfRemoved() override { on_removed_(); }
  bool IsRemoved(MemberId member) const override;
  bool TellsRemoved() const override;

 private:
  const membership::Cluster& cluster_;
  const MemberId self_;
  const std::function<void()> on_removed_;
  std::atomic<node::Driver*> driver_{nullptr};
};

// Waits through a driver that is made after the machine.
class DriverWaiters final : public apply::Waiters {
 public:
  explicit DriverWaiters(const node::Driver& driver) : driver_(driver) {}
  bool Waits(std::uint64_t id) const override { return driver_.Waits(id); }

 private:
  const node::Driver& driver_;
};

// CountingObserver: what the node measures, into the counters that /metrics shows.
class CountingObserver final : public node::Observer {
 public:
  explicit CountingObserver(api::Counters& counters) : counters_(counters) {}

  void LogSynced(std::chrono::nanoseconds took) override { counters_.wal_fsync.Observe(took); }
  void Committed(std::chrono::nanoseconds took) override { counters_.backend_commit.Observe(took); }
  void LeaderChanged() override { ++counters_.leader_changes; }
  void Proposals(std::size_t waiting, std::uint64_t failed) override {
    counters_.proposals_pending.store(waiting, std::memory_order_relaxed);
    counters_.proposals_failed.store(failed, std::memory_order_relaxed);
  }

 private:
  api::Counters& counters_;
};

// ServerEnvironment: what the api asks of the process.
class ServerEnvironment final : public api::Environment {
 public:
  struct Parts {
    MemberId self;
    std::string data_dir;
    const io::Clock* clock;
    io::Disk* disk;
    net::EventLoop* loop;
    ClientSnapshots* client_snapshots;
    PeerClient* peers;
    peer::Transport* transport;
    node::Driver* driver;
    Machine* machine;
  };
  explicit ServerEnvironment(const Parts& parts);

  membership::Liveness liveness() const override;
  std::int64_t unix_seconds() const override;
  api::SystemFacts facts() const override;
  api::ProcessFacts process() const override;
  storage::Sizes sizes() const override { return parts_.machine->backend().sizes(); }
  void AskLeader(std::string path, std::string body, Answered done) override;
  void StreamSnapshot(std::shared_ptr<api::SnapshotReceiver> receiver) override;
  void After(std::chrono::nanoseconds delay, std::function<void()> task) override;

 private:
  const Parts parts_;
  const std::int64_t started_;
};

// Looks after the reserve once a second, in the background, from some time after the start on, and
// calls on_scarce there as long as writes are to be refused.
void KeepReserve(net::EventLoop& loop, Background& background, apply::Quota& quota,
                 std::shared_ptr<DiskReserve> reserve, std::function<void()> on_scarce);

// Runs a task on the loop after a delay, without keeping anything of the caller alive.
void RunAfter(net::EventLoop& loop, std::chrono::nanoseconds delay, std::function<void()> task);

}  // namespace quorate::app
