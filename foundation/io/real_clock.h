// RealClock: the kernel's clocks.
#pragma once

#include "io/clock.h"

namespace quorate::io {

class RealClock final : public Clock {
 public:
  Instant Now() const override;  // CLOCK_MONOTONIC
  std::chrono::system_clock::time_point WallNow() const override;
};

}  // namespace quorate::io
