// Proposer: proposals on their way through the log, and who waits for them.
//
// A proposal that finds no leader is parked and goes out as soon as there is one; one that went out
// is never proposed again, since nobody can know whether it will still be committed. Each is
// answered once: by its entry being applied, or by time.
//
// Thread: the raft+apply loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "io/clock.h"
#include "node/inbox.h"
#include "raft/core.h"

namespace quorate::node {

struct ProposerLimits {
  std::size_t waiting_max = 65536;            // proposals without an answer
  std::size_t queued_bytes_max = 64U << 20U;  // not handed to the core: while nobody leads
};

class Proposer {
 public:
  using Instant = io::Clock::Instant;

  explicit Proposer(std::chrono::nanoseconds timeout, ProposerLimits limits = {})
      : timeout_(timeout), limits_(limits) {}

  // Registers the waiter and queues the proposal for the next Flush; or answers "too many
  // requests".
  void Take(Proposal&& proposal, Instant now);
  // Hands everything queued and parked to the core.
  void Flush(raft::Core& core);

  bool Waits(std::uint64_t id) const { return waiters_.contains(id); }
  void Answer(std::uint64_t id, Result<std::string> answer);
  // Answers what has waited too long; `why` chooses the words by the time it started.
  void Expire(Instant now, const std::function<Error(Instant started)>& why);
  void FailAll(const Error& error);
  // Answers what was forwarded to the leader of this term or an earlier one.
  void FailSent(Term term, const Error& error);

  std::size_t waiting() const { return waiters_.size(); }
  std::size_t queued_bytes() const { return queued_bytes_; }  // not handed to the core yet
  // Answered by something else than their entry, since the start.
  std::uint64_t failed() const { return failed_; }

 private:
  struct Waiter {
    Instant started;
    Node::Answer done;
    Term sent;  // forwarded to the leader of that term; 0: not forwarded
  };
  struct Queued {
    std::uint64_t id;
    raft::EntryType type;
    raft::Payload data;
    bool leading;
  };

  void RefuseUnlessLeading(const raft::Core& core);
  bool FlushNormal(raft::Core& core, std::size_t begin, std::size_t end);
  void Refuse(std::uint64_t id, Error why);
  bool Settle(raft::Proposed outcome, Term term, std::size_t begin, std::size_t end);

  const std::chrono::nanoseconds timeout_;
  const ProposerLimits limits_;
  std::unordered_map<std::uint64_t, Waiter> waiters_;
  std::deque<std::pair<Instant, std::uint64_t>> started_;  // by time; ids may be answered already
  std::vector<Queued> queue_;                              // not proposed yet
  std::size_t queued_bytes_ = 0;
  std::size_t leading_queued_ = 0;    // of them, those that only a leader may propose
  std::vector<raft::Payload> batch_;  // scratch of Flush
  std::uint64_t failed_ = 0;
};

}  // namespace quorate::node
