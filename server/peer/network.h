// Network: the door to the other members: messages out, messages in, snapshots both ways.
//
// Send never blocks and never fails: a message that cannot go is dropped, and raft is told by
// OnUnreachable. Messages to one member arrive in order or not at all, except when they change from
// one connection to another. RealNetwork speaks rafthttp over HTTP/1.1 as etcd does; sim::Network
// (tests) loses, delays and doubles on purpose. Both pass the same contract suite.
//
// Ownership: borrows its Receiver, which must outlive Stop().
// Thread: any; Receiver's calls come on the network's own threads and must not block.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/clock.h"
#include "raft/types.h"

namespace quorate::peer {

// What the network tells its member.
class Receiver {
 public:
  virtual ~Receiver() = default;

  // From `message.from`, to this member; the sender is not a removed member.
  virtual void OnMessage(raft::Message message) = 0;
  // A kSnap message whose database has arrived: it lies complete and durable at `path`. The file is
  // the receiver's from here.
  virtual void OnSnapshot(raft::Message message, std::string path) = 0;

  // Messages to that member were dropped: raft's ReportUnreachable.
  virtual void OnUnreachable(MemberId member) = 0;
  // The outcome of SendSnapshot: raft's ReportSnapshot.
  virtual void OnSnapshotSent(MemberId member, bool success) = 0;
  // The cluster says that this very member has been removed from it. It must stop for good.
  virtual void OnSelfRemoved(const std::string& who_said) = 0;
  // Nobody listens where that member should: its process is down. A hint, for an early pre-vote.
  virtual void OnRefused(MemberId member) = 0;

  // Whether an id was a member once and is no more. Any thread, must be quick.
  virtual bool IsRemoved(MemberId member) = 0;

  // For metrics.
  virtual void OnRoundTrip(MemberId /*member*/, std::chrono::nanoseconds /*time*/) {}
  virtual void OnSnapshotTransferred(MemberId /*member*/, bool /*sent*/, bool /*success*/,
                                     std::chrono::nanoseconds /*time*/) {}
};

// The database of a snapshot, read once from front to back on a thread of the network.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // Fills some of out; 0: the end.
  virtual Result<std::size_t> Read(std::span<std::byte> out) = 0;
  // Total length when it is known beforehand; then the other side checks it.
  virtual std::optional<std::uint64_t> size() const = 0;
};

// Traffic with one member since start.
struct PeerStats {
  MemberId member;
  bool active = false;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_failures = 0;
  std::uint64_t received_failures = 0;
};

class Network {
 public:
  virtual ~Network() = default;

  // Everything except kSnap; messages to unknown members and to 0 are dropped silently.
  virtual void Send(std::vector<raft::Message> messages) = 0;
  // The message goes first, the database behind it. OnSnapshotSent tells the outcome.
  virtual void SendSnapshot(raft::Message message, std::unique_ptr<SnapshotSource> source) = 0;

  // Members as the cluster knows them, this one left out. Several URLs are tried in turn.
  virtual void AddMember(MemberId member, std::vector<std::string> peer_urls) = 0;
  virtual void RemoveMember(MemberId member) = 0;
  // The member has moved: connections to its old URLs end.
  virtual void UpdateMember(MemberId member, std::vector<std::string> peer_urls) = 0;
  // Before a snapshot brings a new member list.
  virtual void RemoveAllMembers() = 0;

  // Since when there has been a connection with that member without a gap; nullopt: there is none.
  virtual std::optional<io::Clock::Instant> ActiveSince(MemberId member) const = 0;
  virtual std::vector<PeerStats> Stats() const = 0;

  // No call to the receiver comes afterwards. Blocks until snapshots under way have stopped.
  virtual void Stop() = 0;
};

}  // namespace quorate::peer
