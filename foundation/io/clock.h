// Clock: the only source of time.
//
// RealClock reads the kernel; sim::Clock is moved by hand. Code that must wait for an instant is
// told about the passing of time by its driver; it never sleeps.
//
// Thread: Now() and WallNow() may be called from any thread.
#pragma once

#include <chrono>

namespace quorate::io {

class Clock {
 public:
  using Instant = std::chrono::time_point<Clock, std::chrono::nanoseconds>;

  virtual ~Clock() = default;

  // Monotonic: never goes back. For timeouts and leases.
  virtual Instant Now() const = 0;

  // Wall time, may jump. For logs, certificates and ids only, never for a decision in raft.
  virtual std::chrono::system_clock::time_point WallNow() const = 0;
};

}  // namespace quorate::io
