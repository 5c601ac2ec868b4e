// Latencies: a histogram of durations, exact to about one part in a hundred, of fixed size.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace quorate::bench {

class Latencies {
 public:
  void Add(std::chrono::nanoseconds latency) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, latency.count()));
    ++counts_[BucketOf(value)];
    ++total_;
    max_ = std::max(max_, value);
  }
  std::uint64_t total() const { return total_; }
  std::chrono::nanoseconds max() const { return Nanoseconds(max_); }

  // share in 0..1. The upper end of the bucket that holds it, never more than the maximum.
  std::chrono::nanoseconds Quantile(double share) const {
    const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > rank) return Nanoseconds(std::min(UpperEnd(i), max_));
    }
    return max();
  }

 private:
  static constexpr unsigned kBits = 6;  // 64 steps in each power of two
  static constexpr std::uint64_t kSteps = 1U << kBits;

  static std::chrono::nanoseconds Nanoseconds(std::uint64_t value) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(value));
  }
  // Below kSteps one value a bucket; above, the leading bits after the first choose the step.
  static std::size_t BucketOf(std::uint64_t value) {
    if (value < kSteps) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return static_cast<std::size_t>(shift * kSteps + (value >> shift));
  }
  static std::uint64_t UpperEnd(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const std::uint64_t shift = bucket / kSteps - 1;
    return ((bucket % kSteps + kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kSteps> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace quorate::bench
