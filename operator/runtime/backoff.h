// Backoff: how long to wait after the n-th failure in a row: doubled each time, with jitter.
//
// Thread: one at a time.
#pragma once

#include <algorithm>
#include <chrono>

#include "io/random.h"

namespace quorate::runtime {

class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds first{800};
    std::chrono::milliseconds most{30'000};
  };

  explicit Backoff(Options options) : options_(options) {}

  // The next wait: between half of it and the whole.
  std::chrono::milliseconds Next(io::Random& random) {
    const auto whole = current_.count() == 0 ? options_.first : current_;
    current_ = std::min(whole * 2, options_.most);
    const auto half = static_cast<std::uint64_t>(std::max<std::int64_t>(whole.count() / 2, 1));
    return std::chrono::milliseconds(static_cast<std::int64_t>(half + random.Below(half + 1)));
  }
  void Reset() { current_ = {}; }

 private:
  const Options options_;
  std::chrono::milliseconds current_{0};  // 0: no failure since Reset
};

}  // namespace quorate::runtime
