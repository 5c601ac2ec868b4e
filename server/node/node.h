// Node: one member at work: raft's Core, its log, its peers and the state machine, driven by one
// loop.
//
// A turn drains everything that queued (proposals, messages, reads, finished writes, ticks), lets
// Core decide once, hands entries to the wal thread and messages to the network in parallel,
// applies what is committed as one batch, and answers everybody. Batches form by themselves:
// whatever arrives during a turn is the next turn.
//
// Ownership: owns Core and the wal; borrows the state machine, the network and the doors.
// Thread: Propose, ProposeConfChange, Read, TransferLeadership, Deliver, Post and status() from
// any; callbacks run on the
//   loop and must not block; a refusal may come at once, on the caller's thread.
// Source: DESIGN 4.1-4.3.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "raft/types.h"

namespace quorate::node {

// What the API and /quorate/status show of raft; a consistent copy.
struct Status {
  MemberId self;
  MemberId leader;  // 0: none known
  Term term;
  raft::Role role = raft::Role::kFollower;
  LogIndex committed;
  LogIndex applied;
  LogIndex durable;
  bool is_learner = false;
  struct Progress {
    MemberId member;
    LogIndex match;
    bool active = false;
    bool learner = false;
  };
  std::vector<Progress> progress;  // while leading
  raft::LeaderWord heard;
};

// Why the process must end; the numbers are its exit codes (DESIGN 4.7).
enum class Exit : std::uint8_t {
  kRemoved = 10,
  kDataUnusable = 11,
  kWrongIdentity = 12,
  kDiskFull = 13,
  kWentBack = 16,
};

enum class Consistency { kSerializable, kLinearizable };

class Node {
 public:
  virtual ~Node() = default;

  // Replicates an encoded InternalRaftRequest whose header carries `id` (of NextRequestId). `done`
  // gets the encoded response, or etcd's error: request too large, too many requests, timed out
  // (three variants), leader changed, stopped.
  using Answer = std::function<void(Result<std::string>)>;
  virtual void Propose(std::uint64_t id, std::string request, Answer done) = 0;

  // The same for what only a leader may decide, such as the end of a lease: it goes into our own
  // log now or nowhere. Another leader may know better, so it neither waits for one nor is sent to
  // it; then the error is "not leader".
  virtual void ProposeLeading(std::uint64_t id, std::string request, Answer done) = 0;

  // Replicates a membership change; ok once it is applied here.
  using Done = std::function<void(quorate::Status)>;
  virtual void ProposeConfChange(raft::ConfChange change, Done done) = 0;

  // Calls `read` on the loop when the state machine may be read: at once when serializable, after
  // one shared ReadIndex round when linearizable; or with the error.
  virtual void Read(Consistency consistency, Done read) = 0;

  // Ok once `target` leads. Errors: not leader, bad leader transferee, transfer took too long.
  virtual void TransferLeadership(MemberId target, Done done) = 0;

  // Runs a function on the loop.
  virtual void Post(std::function<void()> function) = 0;

  // Unique in the cluster: 16 bits of the member id, 40 of the time in milliseconds, 8 of a
  // counter.
  virtual std::uint64_t NextRequestId() = 0;

  virtual Status status() const = 0;

  // The same facts one by one, cheap enough for every request.
  virtual MemberId leader() const = 0;  // 0: none known
  virtual Term term() const = 0;
  virtual bool is_learner() const = 0;
};

}  // namespace quorate::node
