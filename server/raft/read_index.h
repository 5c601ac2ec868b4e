// ReadIndexQueue: linearizable reads that wait for the leader to prove that it still leads.
//
// A read may be served at the commit index of its arrival once a majority has answered a heartbeat
// that was sent after it arrived. Reads are gathered in batches: one heartbeat round, named by a
// number of our own that followers echo, answers a whole batch and every older one. Answers of
// rounds that started before a read joined never count for it.
//
// Invariants: batch numbers and batch indexes ascend.
// Thread: belongs to its Core, and lives only while that leads.
// Source: Raft thesis, section 6.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace quorate::raft {

struct ReadRequest {
  MemberId from;        // who asked; the leader itself for local reads
  std::string context;  // returned unchanged
};

class ReadIndexQueue {
 public:
  struct Ready {
    LogIndex index;
    ReadRequest request;
  };

  // Joins the batch that has not been sent yet. `commit`: the commit index now.
  void Add(ReadRequest request, LogIndex commit);

  // Whether a batch waits for its heartbeat round.
  bool unsent() const { return !batches_.empty() && !batches_.back().sent; }
  // Whether a round was sent and has no majority yet.
  bool awaiting() const { return !batches_.empty() && batches_.front().sent; }
  // The context for a heartbeat round that starts now: it names the newest batch, which is closed
  // by this. Empty: none waits.
  std::string RoundContext();

  // `from`, a voter, answered a round. When that completes a majority of `voters` (counting
  // ourselves), returns the reads of that batch and of all older ones. A context that is not ours
  // returns nothing.
  std::vector<Ready> Answer(MemberId from, std::string_view context, MemberId self,
                            const std::vector<MemberId>& voters);

  std::size_t size() const { return size_; }  // reads that wait
  void AppendState(std::string& out) const;   // see Core::AppendState

 private:
  struct Batch {
    std::uint64_t number;
    LogIndex index;
    bool sent = false;
    std::vector<MemberId> answered;
    std::vector<ReadRequest> requests;
  };

  std::deque<Batch> batches_;
  std::uint64_t next_number_ = 1;
  std::size_t size_ = 0;
};

}  // namespace quorate::raft
