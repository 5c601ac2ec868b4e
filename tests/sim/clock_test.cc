#include "sim/clock.h"

#include <gtest/gtest.h>

namespace quorate::sim {
namespace {

using std::chrono::seconds;

TEST(SimClockTest, StandsStillUntilItIsMoved) {
  Clock clock;
  const auto before = clock.Now();
  EXPECT_EQ(clock.Now(), before);
  clock.Advance(seconds(3));
  EXPECT_EQ(clock.Now() - before, seconds(3));
}

TEST(SimClockTest, MonotonicTimeIgnoresAJumpOfTheWall) {
  Clock clock;
  const auto before = clock.Now();
  const auto wall = clock.WallNow();
  clock.JumpWall(-seconds(3600));
  EXPECT_EQ(clock.Now(), before);
  EXPECT_EQ(wall - clock.WallNow(), seconds(3600));
}

}  // namespace
}  // namespace quorate::sim
