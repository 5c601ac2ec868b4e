#include "io/real_clock.h"

namespace quorate::io {

Clock::Instant RealClock::Now() const {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

std::chrono::system_clock::time_point RealClock::WallNow() const {
  return std::chrono::system_clock::now();
}

}  // namespace quorate::io
