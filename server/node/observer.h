// Observer: what a node counts and measures, for whoever shows it.
//
// Thread: LogSynced on the wal thread, everything else on the loop; nothing may wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quorate::node {

class Observer {
 public:
  virtual ~Observer() = default;

  // One write to the log became durable.
  virtual void LogSynced(std::chrono::nanoseconds took) = 0;
  // The state machine made a portion of applied entries visible.
  virtual void Committed(std::chrono::nanoseconds took) = 0;
  // A leader is known that was not known before, perhaps the former one again.
  virtual void LeaderChanged() = 0;
  // After each turn. waiting: proposals without an answer; failed: those that time, a full queue or
  // the end of this member answered instead of the log, since the start.
  virtual void Proposals(std::size_t waiting, std::uint64_t failed) = 0;
};

}  // namespace quorate::node
