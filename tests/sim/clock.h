// sim::Clock: time that passes only when a test says so.
//
// Thread: any; Advance is atomic.
#pragma once

#include <atomic>

#include "io/clock.h"

namespace quorate::sim {

class Clock final : public io::Clock {
 public:
  Instant Now() const override { return Instant(std::chrono::nanoseconds(now_.load())); }
  std::chrono::system_clock::time_point WallNow() const override {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::nanoseconds(now_.load() + wall_offset_.load())));
  }

  // Moves both times on. REQUIRES: duration >= 0.
  void Advance(std::chrono::nanoseconds duration) { now_ += duration.count(); }
  // Wall time jumps, either way; monotonic time does not notice.
  void JumpWall(std::chrono::nanoseconds by) { wall_offset_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{1'000'000'000};                      // ns
  std::atomic<std::int64_t> wall_offset_{1'700'000'000'000'000'000};  // ns; a day in 2023
};

}  // namespace quorate::sim
