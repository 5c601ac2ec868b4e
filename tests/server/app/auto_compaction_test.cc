#include "app/auto_compaction.h"

#include <gtest/gtest.h>

namespace quorate::app {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr CompactionClock::Instant kStart{};

TEST(CompactionClockTest, PeriodicCompactsToWhatWasCurrentOnePeriodAgo) {
  CompactionClock clock({.period = hours(1)}, kStart);
  ASSERT_EQ(clock.interval(), minutes(6));
  std::vector<std::int64_t> compacted;
  for (int tick = 1; tick <= 21; ++tick) {
    const auto now = kStart + tick * minutes(6);
    const auto at = clock.Tick(now, Revision{100 * tick}, true);
    if (!at) continue;
    compacted.push_back(at->value);
    clock.Compacted(now, *at);
  }
  EXPECT_EQ(compacted, (std::vector<std::int64_t>{100, 1000})) << "after one hour, and after two";
}

TEST(CompactionClockTest, ALongPeriodWaitsWholeOnceAndThenCompactsEveryHour) {
  CompactionClock clock({.period = hours(3)}, kStart);
  std::vector<int> ticks;
  for (int tick = 1; tick <= 60; ++tick) {
    const auto now = kStart + tick * minutes(6);
    const auto at = clock.Tick(now, Revision{100 * tick}, true);
    if (!at) continue;
    ticks.push_back(tick);
    clock.Compacted(now, *at);
  }
  EXPECT_EQ(ticks, (std::vector<int>{30, 40, 50, 60}));
}

TEST(CompactionClockTest, RevisionKeepsSoManyBehindThePresent) {
  CompactionClock clock({.revisions = 1000}, kStart);
  EXPECT_EQ(clock.interval(), minutes(5));
  EXPECT_EQ(clock.Tick(kStart, Revision{900}, true), std::nullopt);
  EXPECT_EQ(clock.Tick(kStart, Revision{1500}, true), Revision{500});
  clock.Compacted(kStart, Revision{500});
  EXPECT_EQ(clock.Tick(kStart, Revision{1500}, true), std::nullopt) << "nothing new";
}

TEST(CompactionClockTest, OnlyALeaderCompacts) {
  CompactionClock clock({.revisions = 10}, kStart);
  EXPECT_EQ(clock.Tick(kStart, Revision{100}, false), std::nullopt);
  EXPECT_EQ(clock.Tick(kStart, Revision{100}, true), Revision{90});
}

}  // namespace
}  // namespace quorate::app
