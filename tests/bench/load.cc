#include "bench/load.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <vector>

#include "bench/latencies.h"
#include "io/real_clock.h"
#include "io/real_random.h"

namespace quorate::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

class Load {
 public:
  Load(const Flags& flags, Kind kind, etcdclient::Pipeline& pipeline)
      : flags_(flags),
        pipeline_(pipeline),
        requests_(MakeRequests(kind, flags, random_)),
        begin_(clock_.Now()) {}

  int Run() {
    const auto end = begin_ + nanoseconds(static_cast<std::int64_t>(flags_.seconds * 1e9));
    due_.resize(flags_.depth);
    for (std::uint64_t slot = flags_.depth; slot > 0; --slot) free_.push_back(slot - 1);
    while (true) {
      const bool over = clock_.Now() >= end || (flags_.total != 0 && started_ >= flags_.total);
      if (over && free_.size() == flags_.depth) break;
      if (!over) StartDue();
      Take(pipeline_.Next(Patience(over)));
    }
    Print(std::chrono::duration<double>(clock_.Now() - begin_).count());
    return latencies_.total() == 0 ? 1 : 0;
  }

 private:
  io::Clock::Instant DueTime(std::uint64_t request) const {
    return begin_ +
           nanoseconds(static_cast<std::int64_t>(static_cast<double>(request) * 1e9 / flags_.rate));
  }

  void StartDue() {
    const auto now = clock_.Now();
    while (!free_.empty() && (flags_.total == 0 || started_ < flags_.total)) {
      const auto due = flags_.rate > 0 ? DueTime(started_) : now;
      if (due > now) return;
      const std::uint64_t slot = free_.back();
      free_.pop_back();
      due_[slot] = due;
      ++started_;
      requests_->Start(pipeline_, slot);
    }
  }

  // How long to wait for an answer before something else is due.
  microseconds Patience(bool over) const {
    if (over || flags_.rate <= 0 || free_.empty()) return microseconds(100000);
    const auto left = std::chrono::ceil<microseconds>(DueTime(started_) - clock_.Now());
    return std::clamp(left, microseconds(0), microseconds(100000));
  }

  void Take(const std::optional<etcdclient::Pipeline::Done>& done) {
    if (!done.has_value()) return;
    Status status = done->status;
    if (status.ok()) latencies_.Add(clock_.Now() - due_[done->tag]);
    if (status.ok()) status = requests_->Check(pipeline_, done->tag);
    free_.push_back(done->tag);
    if (status.ok()) return;
    if (++errors_ == 1) std::cerr << "first error: " << status.error().message << "\n";
  }

  void Print(double seconds) const {
    const auto us = [&](double share) {
      return std::chrono::round<microseconds>(latencies_.Quantile(share)).count();
    };
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(latencies_.total()) / seconds);
    const auto max_us = std::chrono::round<microseconds>(latencies_.max()).count();
    if (flags_.json) {
      std::cout << "{\"ops\":" << latencies_.total() << ",\"errors\":" << errors_
                << ",\"opsPerSecond\":" << rate << ",\"p50Us\":" << us(0.5)
                << ",\"p90Us\":" << us(0.9) << ",\"p99Us\":" << us(0.99)
                << ",\"p999Us\":" << us(0.999) << ",\"maxUs\":" << max_us << "}" << std::endl;
      return;
    }
    std::cout << latencies_.total() << " requests, " << errors_ << " errors, " << rate
              << " a second\nlatency in us: p50 " << us(0.5) << ", p90 " << us(0.9) << ", p99 "
              << us(0.99) << ", p99.9 " << us(0.999) << ", max " << max_us << std::endl;
  }

  const Flags& flags_;
  etcdclient::Pipeline& pipeline_;
  io::RealClock clock_;
  io::RealRandom random_;
  const std::unique_ptr<Requests> requests_;
  io::Clock::Instant begin_;
  std::vector<io::Clock::Instant> due_;  // by slot: when its request was due
  std::vector<std::uint64_t> free_;      // slots without a request
  std::uint64_t started_ = 0;
  std::uint64_t errors_ = 0;
  Latencies latencies_;
};

}  // namespace

int RunLoad(const Flags& flags, Kind kind, etcdclient::Pipeline& pipeline) {
  return Load(flags, kind, pipeline).Run();
}

}  // namespace quorate::bench
