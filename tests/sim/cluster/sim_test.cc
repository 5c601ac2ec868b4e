// The cluster simulator on fixed seeds, each with the story of what it once found, on fresh ones,
// and on itself: the same seed gives the same run, and a bug that is planted is caught.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>

#include "sim/cluster/run.h"
#include "support/root.h"

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
  Counts counts;
  std::uint64_t last = first;
  for (int i = 0; i < kFreshSeeds && Steady::now() - began < kPatience; ++i, ++last) {
    const Outcome outcome = RunSeed(last, options);
    simulated += outcome.seconds;
    counts.Add(outcome.counts);
    Expect(last, outcome, options);
    if (outcome.violation) {
      ++last;
      break;
    }
  }
  const double wall = std::chrono::duration<double>(Steady::now() - began).count();
  std::printf("seeds %llu to %llu: %.2f simulated hours, %llu faults, %.0f times real time\n",
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last - 1),
              simulated / 3600, static_cast<unsigned long long>(counts.faults), simulated / wall);
  std::printf("%s%s", FaultReport(counts).c_str(), SiteReport(true).c_str());
}

// Other seeds with each commit, and the same ones whenever that is tested again; the half tells the
// two tests apart.
std::uint64_t FreshSeed(std::uint64_t half) {
  return 1'000'000 + 1'000 * (std::hash<std::string>()(Commit()) % 1'000'000) + 500 * half;
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

// The judges still bite: each of these bugs is seen within a few seeds, where one to four were
// enough when this was written. The bank in tests/mutants has the others.
TEST(SimTest, APlantedBugIsCaughtByAShortRun) {
  for (const char* bug : {"raft.acknowledge_before_durable", "wal.sync_without_fsync",
                          "apply.entries_twice", "lease.renew_after_revoke",
                          "lease.lives_on_under_the_next_leader", "raft.two_changes_at_once"}) {
    RunOptions options;
    options.planted = bug;
    std::uint64_t seed = 1;
    while (seed <= 15 && !RunSeed(seed, options).violation) ++seed;
    EXPECT_LE(seed, 15U) << bug << " was not seen";
    std::printf("%s: seen by seed %llu\n", bug, static_cast<unsigned long long>(seed));
  }
}

// A volume or a virtual machine is restored while the others are well. Whoever acknowledged more is
// told so by them, or by the leader's heartbeat; of a leader they have heard what its own disk
// held. Who goes back within the moment before it could say so is not, but has lost nothing that
// they lack.
TEST(SimTest, AnOldDirectoryIsRecognisedOrHarmsNobody) {
  RunOptions options;
  options.plan.members = 3;
  options.plan.only = FaultKind::kOldDirectory;
  Counts counts;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome outcome = RunSeed(seed, options);
    Expect(seed, outcome, options);
    counts.Add(outcome.counts);
  }
  std::printf("%s", FaultReport(counts).c_str());
  EXPECT_GE(counts.put_back, 15U);
  EXPECT_GE(4 * counts.recognised, 3 * counts.owed);
}

// README.md says which kinds of faults there are, and what stands elsewhere.
TEST(SimTest, EveryFaultIsInTheTable) {
  std::ifstream file(test::SourceRoot() + "/tests/sim/cluster/README.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::string table =
      text.substr(text.find("## Faults"), text.find("## What is checked") - text.find("## Faults"));
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const std::string name(ToString(static_cast<FaultKind>(i)));
    EXPECT_NE(table.find("`" + name + "`"), std::string::npos) << name;
    EXPECT_EQ(ToFaultKind(name), static_cast<FaultKind>(i));
  }
}

// Each kind that takes a member's data, or gives it somebody else's, alone and often.
TEST(SimTest, WhatIsNotItsOwnOrNotWholeIsRefusedOrHarmsNobody) {
  for (const FaultKind kind :
       {FaultKind::kOtherDirectory, FaultKind::kOtherCluster, FaultKind::kSecondInstance,
        FaultKind::kBitFlip, FaultKind::kLostWrite, FaultKind::kMisdirectedWrite,
        FaultKind::kDamage, FaultKind::kMisdeliver, FaultKind::kAddressReuse}) {
    RunOptions options;
    options.plan.members = 3;
    options.plan.only = kind;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      Expect(seed, RunSeed(seed, options), options);
    }
  }
}

// Of two voters the one that stays needs the other until it knows of the removal itself. A learner
// that knew before it told the removed one, which ended: one of ten of these runs never led again.
TEST(SimTest, OfTwoVotersBesideALearnerOneMayBeRemoved) {
  RunOptions options;
  options.plan.members = 2;
  options.plan.only = FaultKind::kTwoToOne;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) Expect(seed, RunSeed(seed, options), options);
}

// Seeds 3 and 4 once had the same faults: they drew from one sequence, one number apart.
TEST(SimTest, SeedsThatFollowEachOtherHaveNothingInCommon) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::size_t faults = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Plan plan = MakePlan(seed, {});
    faults += plan.faults.size();
    for (const Fault& fault : plan.faults) {
      seen.emplace(fault.value, static_cast<std::uint64_t>(fault.at.count()));
    }
  }
  EXPECT_EQ(seen.size(), faults);
}

// Seeds that once failed; README.md tells what each of them found.
TEST(SimTest, SeedsThatFoundSomethingHold) {
  for (const std::uint64_t seed :
       {14U,        37U,        82U,        96U,        269U,       285U,       324U,
        734U,       1124U,      1141U,      2017U,      2082U,      5044U,      169186722U,
        215853097U, 273136973U, 285463459U, 285803303U, 597712588U, 601588023U, 602462032U,
        785992613U, 910000115U, 910001395U, 930000968U}) {
    const RunOptions options;
    Expect(seed, RunSeed(seed, options), options);
  }
}

// A cluster without faults works fast, which bounds everything that the simulator can be asked.
TEST(SimTest, ThreeMembersRunFarFasterThanRealTime) {
  RunOptions options;
  options.plan.members = 3;
  options.only.emplace();
  const std::clock_t began = std::clock();
  double simulated = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome outcome = RunSeed(seed, options);
    Expect(seed, outcome, options);
    simulated += outcome.seconds;
  }
  const double spent = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  std::printf("%.0f times real time, by the processor's time\n", simulated / spent);
  // About 200 on a quiet machine; half of it goes into copies of the memory store at each flush.
  EXPECT_GT(simulated / spent, 40);
}

}  // namespace
}  // namespace quorate::sim::cluster
