// The cluster simulator on fixed seeds, each with the story of what it once found, on fresh ones,
// and on itself: the same seed gives the same run, and a bug that is planted is caught.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>

#include "sim/cluster/run.h"

namespace quorate::sim::cluster {
namespace {

// Budget: 60 seconds for each half of the fresh seeds with a core of its own, which run side by
// side.
constexpr int kFreshSeeds = 260;
// Beyond this the machine is too busy for more; what ran is told.
constexpr auto kPatience = std::chrono::seconds(100);

void Expect(std::uint64_t seed, const Outcome& outcome, const RunOptions& options) {
  if (!outcome.violation) return;
  ADD_FAILURE() << Story(seed, options, *outcome.violation, Minimise(seed, options, 40));
}

void RunFresh(std::uint64_t first) {
  using Steady = std::chrono::steady_clock;
  const auto began = Steady::now();
  const RunOptions options;
  double simulated = 0;
  std::uint64_t faults = 0;
  std::uint64_t last = first;
  for (int i = 0; i < kFreshSeeds && Steady::now() - began < kPatience; ++i, ++last) {
    const Outcome outcome = RunSeed(last, options);
    simulated += outcome.seconds;
    faults += outcome.counts.faults;
    Expect(last, outcome, options);
    if (outcome.violation) break;
  }
  const double wall = std::chrono::duration<double>(Steady::now() - began).count();
  std::printf("seeds %llu to %llu: %.2f simulated hours, %llu faults, %.0f times real time\n",
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last - 1),
              simulated / 3600, static_cast<unsigned long long>(faults), simulated / wall);
  std::printf("%s", SiteReport(true).c_str());
}

// Other seeds with each commit and each minute; the half tells the two tests apart.
std::uint64_t FreshSeed(std::uint64_t half) {
  using std::chrono::duration_cast;
  const auto minute =
      duration_cast<std::chrono::minutes>(std::chrono::system_clock::now().time_since_epoch());
  const std::string text = Commit() + std::to_string(minute.count());
  return 1'000'000 + 1'000 * (std::hash<std::string>()(text) % 1'000'000) + 500 * half;
}

TEST(SimTest, FreshSeedsHoldEveryInvariantFirstHalf) {
  RunFresh(FreshSeed(0));
}

TEST(SimTest, FreshSeedsHoldEveryInvariantSecondHalf) {
  RunFresh(FreshSeed(1));
}

TEST(SimTest, TheSameSeedGivesTheSameRun) {
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    const Outcome first = RunSeed(seed, {});
    const Outcome second = RunSeed(seed, {});
    EXPECT_EQ(first.trace, second.trace) << "seed " << seed;
    EXPECT_EQ(first.events, second.events) << "seed " << seed;
  }
}

// Seeds that once failed; README.md tells what each of them found.
TEST(SimTest, SeedsThatFoundSomethingHold) {
  for (const std::uint64_t seed : {37U, 96U, 269U, 285U, 1124U}) {
    const RunOptions options;
    Expect(seed, RunSeed(seed, options), options);
  }
}

// A cluster without faults works fast, which bounds everything that the simulator can be asked.
TEST(SimTest, ThreeMembersRunAtLeastTwoHundredTimesAsFastAsRealTime) {
  RunOptions options;
  options.plan.members = 3;
  options.plan.seconds = 120;
  const auto began = std::chrono::steady_clock::now();
  double simulated = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    options.only.emplace();
    const Outcome outcome = RunSeed(seed, options);
    Expect(seed, outcome, options);
    simulated += outcome.seconds;
  }
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%.0f times real time\n", simulated / wall);
  EXPECT_GT(simulated / wall, 50) << "even on a busy machine";
}

}  // namespace
}  // namespace quorate::sim::cluster
