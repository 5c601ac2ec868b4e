#include "bench/failover.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/requests.h"
#include "etcdclient/method.h"
#include "io/real_clock.h"

namespace quorate::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using Instant = io::Clock::Instant;

// Longer than the 7 s after which a member gives a proposal up: its own word is what counts.
constexpr auto kTimeout = std::chrono::milliseconds(10000);

nanoseconds Seconds(double seconds) {
  return nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

class Failover {
 public:
  Failover(const Flags& flags, etcdclient::Pipeline& pipeline)
      : flags_(flags), pipeline_(pipeline), begin_(clock_.Now()) {
    put_.set_value(std::string(flags.value_bytes, 'v'));
  }

  int Run() {
    const Instant kill_at = begin_ + Seconds(flags_.after);
    const Instant end = kill_at + Seconds(flags_.seconds);
    while (true) {
      const Instant now = clock_.Now();
      if (!killed_ && now >= kill_at) {
        if (::kill(flags_.pid, SIGKILL) != 0) {
          std::cerr << "Error: there is no process " << flags_.pid << "\n";
          return 1;
        }
        killed_ = clock_.Now();
      }
      const bool over = now >= end;
      if (over && under_way_ == 0) break;
      Instant due = begin_ + Seconds(static_cast<double>(due_.size()) / flags_.rate);
      if (!over && due <= now) {
        StartOne(due);
        continue;
      }
      if (!killed_) due = std::min(due, kill_at);
      const auto left = std::chrono::ceil<microseconds>(due - now);
      Take(pipeline_.Next(std::clamp(left, microseconds(0), microseconds(100000))));
    }
    Print();
    return accepted_after_ ? 0 : 1;
  }

 private:
  void StartOne(Instant due) {
    put_.set_key(KeyOf(due_.size(), flags_.key_bytes));
    pipeline_.Start(etcdclient::kPut, put_, due_.size(), kTimeout);
    due_.push_back(due);
    ++under_way_;
  }

  void Take(const std::optional<etcdclient::Pipeline::Done>& done) {
    if (!done.has_value()) return;
    --under_way_;
    const Instant now = clock_.Now();
    if (!done->status.ok()) {
      ++errors_[done->status.error().message];
      ++failed_;
      worst_ = std::max(worst_, now - due_[done->tag]);
      return;
    }
    worst_accepted_ = std::max(worst_accepted_, now - due_[done->tag]);
    if (killed_ && !accepted_after_ && due_[done->tag] >= *killed_) accepted_after_ = now;
  }

  void Print() const {
    const auto ms = [](nanoseconds time) {
      return std::chrono::duration<double, std::milli>(time).count();
    };
    const double gap = accepted_after_ ? ms(*accepted_after_ - *killed_) : -1;
    if (flags_.json) {
      const nlohmann::json answer = {
          {"ops", due_.size()},          {"errors", failed_},
          {"nextAcceptedMs", gap},       {"worstAcceptedMs", ms(worst_accepted_)},
          {"worstFailedMs", ms(worst_)}, {"texts", errors_}};
      std::cout << answer.dump() << std::endl;
      return;
    }
    std::cout << due_.size() << " puts, " << failed_
              << " failed; the first put begun after the kill"
              << " that was accepted was so " << gap << " ms after it\n";
    for (const auto& [text, count] : errors_) std::cout << count << " times: " << text << "\n";
  }

  const Flags& flags_;
  etcdclient::Pipeline& pipeline_;
  io::RealClock clock_;
  Instant begin_;
  etcdserverpb::PutRequest put_;
  std::vector<Instant> due_;  // by put
  std::size_t under_way_ = 0;
  std::uint64_t failed_ = 0;
  nanoseconds worst_{0};           // of a failed put
  nanoseconds worst_accepted_{0};  // of any other
  std::optional<Instant> killed_;
  std::optional<Instant> accepted_after_;
  std::map<std::string, std::uint64_t> errors_;
};

}  // namespace

int RunFailover(const Flags& flags, etcdclient::Pipeline& pipeline) {
  return Failover(flags, pipeline).Run();
}

}  // namespace quorate::bench
