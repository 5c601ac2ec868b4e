// Inbox: everything that waits for the loop's next turn.
//
// Producers add under one short lock; the loop takes all of it at once, so whatever arrives during
// a turn becomes the next turn's batch. Each kind is bounded: what does not fit is refused to the
// producer (proposals, reads) or dropped (messages, which raft repairs). Functions are control,
// bounded by those who post them.
//
// A loop that sleeps is woken when the adder's WakeBatch ends, at once without one.
//
// Thread: Add* from any; Take from the loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/wake_batch.h"
#include "io/clock.h"
#include "node/node.h"
#include "raft/types.h"

namespace quorate::node {

struct Proposal {
  std::uint64_t id = 0;
  raft::EntryType type = raft::EntryType::kNormal;
  raft::Payload data;
  Node::Answer done;
  bool leading = false;  // only into our own log
};

struct ReadCall {
  Consistency consistency = Consistency::kLinearizable;
  Node::Done run;
};

struct Arrivals {
  std::vector<std::function<void()>> functions;
  std::vector<raft::Message> messages;
  std::vector<Proposal> proposals;
  std::vector<ReadCall> reads;
  std::uint64_t written = 0;  // the last write that is durable; 0: none new
  LogIndex commit;            // the last commit index that is durable; 0: none new
  std::optional<io::Clock::Instant> written_at;  // set when nobody was woken for it
  std::optional<Error> wal_failed;               // the log can no longer be written

  void Clear();
};

// Numbers, and bytes of what they carry. One of a kind always fits.
struct InboxLimits {
  std::size_t proposals_max = 16384;
  std::size_t proposal_bytes_max = 64U << 20U;
  std::size_t reads_max = 65536;
  std::size_t messages_max = 16384;
  std::size_t message_bytes_max = 256U << 20U;
};

class Inbox {
 public:
  using Instant = io::Clock::Instant;
  explicit Inbox(InboxLimits limits) : limits_(limits) {}

  bool Add(Proposal&& proposal);  // false: full or closed, and the proposal is untouched
  bool Add(ReadCall&& read);      // likewise
  std::size_t Add(std::vector<raft::Message>& messages);  // how many were dropped
  void Add(std::function<void()> function);
  void AddWritten(std::uint64_t number, LogIndex commit, Instant now);
  void AddWalFailure(Error error);

  // Whether what is written wakes the loop, or only joins what comes next. For the loop, which
  // knows whether it waits for that; initially it does.
  void WakeForWritten(bool wake);
  // Swaps out everything there is, waiting for something at most for `patience`.
  void Take(Arrivals& out, std::chrono::nanoseconds patience);
  // Refuses what comes from now on.
  void Close();
  bool closed() const;

  // Called, on the adder's thread, when something arrives in an empty inbox: for a driver without a
  // thread of its own.
  void OnArrival(std::function<void()> wake);

 private:
  void Arrived() QUORATE_REQUIRES(mutex_);

  const InboxLimits limits_;
  mutable Mutex mutex_;
  struct Sleeper : Wakeable {
    void Wake() override { condition.notify_one(); }
    Condition condition;
  };
  const std::shared_ptr<Sleeper> loop_ = std::make_shared<Sleeper>();
  Arrivals waiting_ QUORATE_GUARDED_BY(mutex_);
  std::size_t proposal_bytes_ QUORATE_GUARDED_BY(mutex_) = 0;  // of those waiting
  std::size_t message_bytes_ QUORATE_GUARDED_BY(mutex_) = 0;
  bool any_ QUORATE_GUARDED_BY(mutex_) = false;
  bool wake_for_written_ QUORATE_GUARDED_BY(mutex_) = true;
  bool sleeping_ QUORATE_GUARDED_BY(mutex_) = false;
  bool closed_ QUORATE_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ QUORATE_GUARDED_BY(mutex_);
};

}  // namespace quorate::node
