// Network: how messages reach the other members; server/peer is the real one.
//
// Any message may be lost, and the sender learns of it at most by Driver::ReportUnreachable. What
// arrives goes to Driver::Deliver.
//
// Thread: every function is called on the raft+apply loop and must not block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "io/clock.h"
#include "node/state_machine.h"
#include "raft/types.h"

namespace quorate::node {

class Network {
 public:
  virtual ~Network() = default;

  // Takes the messages, in order for each receiver. Never a kSnap.
  virtual void Send(std::vector<raft::Message>& messages) = 0;

  // A kSnap with the state that belongs to it. `done` once, on any thread: whether the receiver
  // took it all.
  virtual void SendSnapshot(raft::Message message, std::shared_ptr<SnapshotSource> source,
                            std::function<void(bool)> done) = 0;

  // Replaces the set of other members.
  virtual void UpdatePeers(const PeerUrls& peers) = 0;

  // Since when a member has been reachable without interruption; nothing when it is not.
  virtual std::optional<io::Clock::Instant> ConnectedSince(MemberId member) const = 0;
};

}  // namespace quorate::node
