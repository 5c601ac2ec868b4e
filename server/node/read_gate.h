// ReadGate: linearizable reads, gathered so that one ReadIndex round serves all that wait.
//
//   Add -> waiting -> (Issue: one round at a time) -> asked -> (Confirm) -> confirmed at an index
//   -> (Run: applied) -> read
//
// A round serves only reads that were waiting when it was issued. It is repeated, under a new
// context, when no answer comes; an answer to any of a batch's contexts serves it. When another
// leader appears, a batch that was sent fails, since it cannot be known what became of it; what
// still waits is asked of the new leader.
//
// Thread: the raft+apply loop.
// Source: knowledge/etcd.md 7.9; etcd #20418 (why an answer must belong to its own batch).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/clock.h"
#include "node/node.h"

namespace quorate::node {

class ReadGate {
 public:
  using Instant = io::Clock::Instant;
  struct Options {
    std::chrono::nanoseconds retry = std::chrono::milliseconds(500);
    std::chrono::nanoseconds timeout = std::chrono::seconds(7);
  };

  explicit ReadGate(Options options) : options_(options) {}

  void Add(Node::Done read, Instant now) { waiting_.push_back({std::move(read), now}); }

  // The context of a round to ask for now, if one is needed: 8 bytes made of `id`, which must be
  // new.
  bool NeedsRound(Instant now) const;
  std::string Issue(std::uint64_t id, Instant now);
  // There was no leader to send the round to: it waits for one, or for the retry.
  void NotSent() { contexts_.clear(); }
  // An answer arrived. Contexts of other batches are ignored.
  void Confirm(LogIndex index, std::string_view context);

  // Calls confirmed reads whose index is applied until `enough` says so. False: some are left.
  bool Run(LogIndex applied, const std::function<bool()>& enough);
  bool HasRunnable(LogIndex applied) const {
    return !confirmed_.empty() && confirmed_.front().index <= applied;
  }

  void LeaderChanged();
  void Expire(Instant now);
  void FailAll(const Error& error);
  std::size_t size() const { return waiting_.size() + asked_.size() + confirmed_.size(); }

 private:
  struct Read {
    Node::Done done;
    Instant started;
  };
  struct Confirmed {
    LogIndex index;
    Read read;
  };

  static void Fail(std::vector<Read>& reads, const Error& error);
  void ExpireIn(std::vector<Read>& reads, Instant now);

  const Options options_;
  std::vector<Read> waiting_;
  std::vector<Read> asked_;            // served by any of contexts_
  std::vector<std::string> contexts_;  // of the rounds asked for this batch
  Instant issued_;                     // the last of them
  std::deque<Confirmed> confirmed_;    // indexes ascend
};

}  // namespace quorate::node
