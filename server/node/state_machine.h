// StateMachine: what the log drives; the driver's view of apply, storage, leases and membership.
//
// The driver applies committed entries in order and ends each portion with Commit(); nobody is
// answered before that. Once a while it asks for a flush, and when everything up to an index would
// survive a crash it marks that index in the wal and lets the log before it go. app implements this
// over apply::Applier; tests implement it in a page.
//
// Errors: Outcome::fatal and every error Status: this member's state cannot be trusted, the process
// stops (kResourceExhausted: the
//   disk is full).
// Thread: the raft+apply loop; Install's `done` may be called from any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "raft/types.h"

namespace quorate::node {

// SnapshotSource: a consistent state, read from begin to end by whoever sends it (one background
// thread).
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // What goes into the raft message itself (Snapshot::data).
  virtual std::string data() const = 0;
  virtual std::uint64_t size() const = 0;  // bytes that Read will give
  // Of these bytes, 32 raw ones, known once size() was asked; empty: unknown.
  virtual std::string sha256() const { return {}; }
  // The next bytes; 0: the end.
  virtual Result<std::size_t> Read(std::span<std::byte> out) = 0;
};

// What an entry did, for whoever proposed it here.
struct Outcome {
  std::uint64_t request_id = 0;  // 0: nobody can wait for this entry
  bool answered = false;         // there is a response for a waiter now
  Result<std::string> response = std::string();
  quorate::Status fatal;
};

struct ChangeOutcome {
  std::uint64_t request_id = 0;
  quorate::Status status;   // what the proposer gets
  raft::ConfChange change;  // for raft; member 0 when it was refused
  bool removed_self = false;
};

using PeerUrls = std::map<MemberId, std::vector<std::string>>;  // every other member

class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // Entries come once and in order. Apply: kNormal.
  virtual Outcome Apply(const raft::Entry& entry) = 0;
  virtual ChangeOutcome ApplyConfChange(const raft::Entry& entry, raft::ConfChange change) = 0;
  // The configuration after a change, for the same commit.
  virtual void SetConfState(const raft::ConfState& state) = 0;
  virtual quorate::Status Commit() = 0;

  // Starts carrying every commit so far to disk; FlushedIndex tells how far that is done.
  virtual quorate::Status StartFlush() = 0;
  virtual LogIndex FlushedIndex() const = 0;

  // The state as committed now, to be sent to a member that lags too far behind.
  virtual Result<std::shared_ptr<SnapshotSource>> OpenSnapshot() = 0;
  // Replaces everything by a snapshot that the network has received and stored. Nothing is applied
  // or read until done.
  virtual void Install(const raft::Snapshot& snapshot,
                       std::function<void(quorate::Status)> done) = 0;

  // The other members, after what was applied.
  virtual PeerUrls Peers() const = 0;

  // This member leads and has applied what earlier leaders left; or no longer leads.
  virtual void Lead(bool leading) = 0;
  // Each heartbeat interval.
  virtual void Tick() = 0;
  // A bounded portion of background work (about a millisecond), between turns. True: more is due at
  // once. Requests that this finished are appended.
  virtual Result<bool> Work(std::vector<Outcome>& finished) = 0;
};

}  // namespace quorate::node
