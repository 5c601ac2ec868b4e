// What every io::Clock and io::Random does, real or simulated.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>

#include "io/real_clock.h"
#include "io/real_random.h"
#include "sim/clock.h"
#include "sim/prng.h"

namespace quorate {
namespace {

class ClockContract : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<io::Clock> clock_ =
      GetParam() == "Real" ? std::unique_ptr<io::Clock>(std::make_unique<io::RealClock>())
                           : std::unique_ptr<io::Clock>(std::make_unique<sim::Clock>());
};
INSTANTIATE_TEST_SUITE_P(Clocks, ClockContract, testing::Values("Real", "Sim"),
                         [](const auto& one) { return one.param; });

TEST_P(ClockContract, NeverGoesBackAndIsNotZero) {
  auto last = clock_->Now();
  EXPECT_GT(last.time_since_epoch().count(), 0);
  for (int i = 0; i < 1000; ++i) {
    const auto now = clock_->Now();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST_P(ClockContract, WallTimeIsAfterThisWasWritten) {
  EXPECT_GT(clock_->WallNow().time_since_epoch(), std::chrono::hours(24 * 365 * 50));
}

class RandomContract : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<io::Random> random_ =
      GetParam() == "Real" ? std::unique_ptr<io::Random>(std::make_unique<io::RealRandom>())
                           : std::unique_ptr<io::Random>(std::make_unique<sim::Prng>(5));
};
INSTANTIATE_TEST_SUITE_P(Randoms, RandomContract, testing::Values("Real", "Sim"),
                         [](const auto& one) { return one.param; });

TEST_P(RandomContract, DoesNotRepeat) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_->Next());
  EXPECT_EQ(seen.size(), 1000U);
}

TEST_P(RandomContract, BelowReachesEveryNumberAndNoOther) {
  std::array<int, 7> hits{};
  for (int i = 0; i < 7000; ++i) ++hits.at(random_->Below(7));
  for (const int count : hits) {
    EXPECT_GT(count, 700);
    EXPECT_LT(count, 1300);
  }
}

TEST_P(RandomContract, FillsEveryByte) {
  std::array<std::set<std::byte>, 13> seen;
  for (int i = 0; i < 200; ++i) {
    std::array<std::byte, 13> bytes{};
    random_->Fill(bytes);
    for (std::size_t at = 0; at < bytes.size(); ++at) seen.at(at).insert(bytes.at(at));
  }
  for (const auto& values : seen) EXPECT_GT(values.size(), 50U);
}

}  // namespace
}  // namespace quorate
