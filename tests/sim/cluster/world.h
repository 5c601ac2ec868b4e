// World: time, order and chance of one simulated cluster.
//
// Everything that happens is an event with a time; events of one time keep the order in which they
// were made. Nothing else moves time. The trace is a hash over all that was observed, so that two
// runs of one seed can be compared; with `verbose` it is also printed.
//
// Invariants: the first violation that is reported ends the run.
// Thread: one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "sim/cluster/plan.h"

namespace quorate::sim::cluster {

class World {
 public:
  explicit World(bool verbose) : verbose_(verbose) {}

  Time now() const { return now_; }
  void At(Time when, std::function<void()> what) {
    events_.push({when < now_ ? now_ : when, ++last_, std::move(what)});
  }
  void After(Time delay, std::function<void()> what) { At(now_ + delay, std::move(what)); }

  // Runs events up to `until`, or to the first violation. Time is `until` afterwards.
  void RunUntil(Time until) {
    while (!events_.empty() && !violation_ && events_.top().at <= until) {
      now_ = events_.top().at;
      auto what = std::move(const_cast<Event&>(events_.top()).what);
      events_.pop();
      ++count_;
      what();
    }
    if (!violation_) now_ = until;
  }

  void Trace(std::string_view what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
    Mix(static_cast<std::uint64_t>(now_.count()));
    for (const char letter : what) Mix(static_cast<std::uint64_t>(letter));
    Mix(a);
    Mix(b);
    Mix(c);
    if (verbose_) Print(what, a, b, c);
  }
  void Say(const std::string& text) {
    if (verbose_) std::fprintf(stderr, "%12.6f %s\n", Seconds(), text.c_str());
  }
  std::uint64_t trace() const { return trace_; }
  std::uint64_t events() const { return count_; }
  bool verbose() const { return verbose_; }

  void Fail(std::string text) {
    if (violation_) return;
    char at[32];
    std::snprintf(at, sizeof at, "at %.6fs: ", Seconds());
    violation_ = at + std::move(text);
    Say("VIOLATION " + *violation_);
  }
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  struct Event {
    Time at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  double Seconds() const { return static_cast<double>(now_.count()) / 1e9; }
  void Mix(std::uint64_t value) {
    trace_ = (trace_ ^ value) * 0x100000001B3ULL;
    trace_ ^= trace_ >> 29U;
  }
  void Print(std::string_view what, std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
    std::fprintf(stderr, "%12.6f %.*s %llu %llu %llu\n", Seconds(), static_cast<int>(what.size()),
                 what.data(), static_cast<unsigned long long>(a),
                 static_cast<unsigned long long>(b), static_cast<unsigned long long>(c));
  }

  const bool verbose_;
  Time now_{0};
  std::priority_queue<Event> events_;
  std::uint64_t last_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t trace_ = 0xCBF29CE484222325ULL;
  std::optional<std::string> violation_;
};

}  // namespace quorate::sim::cluster
