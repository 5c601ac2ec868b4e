// MemberClock: one machine's clock, which runs a little wrong and whose wall time may jump.
#pragma once

#include "io/clock.h"
#include "sim/cluster/world.h"

namespace quorate::sim::cluster {

class MemberClock final : public io::Clock {
 public:
  explicit MemberClock(const World& world) : world_(world) {}

  // On a slow processor time goes on within a turn; the next turn begins when the world has come
  // so far.
  Instant Now() const override {
    skew_ += look_;
    return Instant(Elapsed());
  }
  Instant Peek() const { return Instant(Elapsed()); }
  std::chrono::system_clock::time_point WallNow() const override {
    constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(Elapsed() + Time(kStart) +
                                                                        wall_));
  }

  void JumpWall(Time by) { wall_ += by; }
  void SetDrift(std::int64_t ppm) {
    base_ = Elapsed() - skew_;
    since_ = world_.now();
    ppm_ = ppm;
  }
  bool stands() const { return ppm_ < -900'000; }
  void SetCostOfLook(Time cost) { look_ = cost; }
  // REQUIRES: the world has gone on for what the last turn took.
  void BeginTurn() { skew_ = Time(0); }
  Time TurnTook() const { return skew_; }
  // When the world will have come so far that this clock shows `instant`.
  Time WorldTimeOf(Instant instant) const {
    const std::int64_t ahead = (instant.time_since_epoch() - Elapsed()).count();
    if (ahead <= 0) return world_.now();
    return world_.now() + Time(ahead * 1000 / (1'000'000 + ppm_) * 1000 + 2000);
  }

 private:
  Time Elapsed() const {
    const Time passed = world_.now() - since_;
    return base_ + passed + Time(passed.count() / 1000 * ppm_ / 1000) + skew_;
  }

  const World& world_;
  Time base_{std::chrono::seconds(1)};
  Time since_{0};
  std::int64_t ppm_ = 0;
  Time wall_{0};
  Time look_{0};
  mutable Time skew_{0};
};

}  // namespace quorate::sim::cluster
