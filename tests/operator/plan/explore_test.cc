// The planner against the World: the same MakePlan that ships, at every point where an operator can
// die, be doubled, or see the world late, and under random faults. Each walk is its seed; a failure
// prints it.
//
// Source: reliability.md 6.2 to 6.4.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "operator/plan/world.h"

namespace quorate::plan {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Plan PlanFor(World& world) {
  const Observed seen = world.Look();
  Plan plan = MakePlan(world.WhatIsDesired(), seen, world.now);
  world.cluster.status.plan.operation = plan.operation;  // what the next pass remembers
  return plan;
}

// Plans and acts until nothing changes; true when the world is as asked for.
bool Converge(World& world, int rounds = 600) {
  for (int i = 0; i < rounds; ++i) {
    const Plan plan = PlanFor(world);
    if (plan.next) {
      world.Do(*plan.next);
    } else if (world.IsConverged()) {
      return true;
    }
    world.Settle();
    world.Pass(seconds(5));
  }
  return false;
}

std::string Violations(const World& world) {
  std::string text;
  for (const std::string& violation : world.violations()) text += violation + "\n";
  return text;
}

struct Story {
  const char* name;
  std::function<void(World&)> begin;  // on a converged cluster of three
};

const std::vector<Story>& Stories() {
  static const std::vector<Story> stories = {
      {"from nothing", nullptr},
      {"scale to five", [](World& w) { w.cluster.spec.replicas = 5; }},
      {"scale to one", [](World& w) { w.cluster.spec.replicas = 1; }},
      {"pod deleted", [](World& w) { w.DeletePod(w.names[0]); }},
      {"volume lost", [](World& w) { w.LoseVolume(w.names[1]); }},
      {"data corrupt", [](World& w) { w.CorruptData(w.names[2]); }},
      {"all pods deleted",
       [](World& w) {
         for (const std::string& name : w.names) w.DeletePod(name);
       }},
      {"removed by hand", [](World& w) { w.RemoveByHand(w.names[1]); }},
      {"record lost", [](World& w) { w.LoseSlotRecord(w.names[1]); }},
      {"status wiped", [](World& w) { w.WipeStatus(); }},
      {"new configuration", [](World& w) { w.cluster.spec.config.snapshot_count = 500; }},
      {"hibernate and wake",
       [](World& w) {
         w.cluster.spec.replicas = 0;
         for (int i = 0; i < 20; ++i) {
           const Plan plan = PlanFor(w);
           if (plan.next) w.Do(*plan.next);
           w.Settle();
         }
         w.cluster.spec.replicas = 3;
       }},
  };
  return stories;
}

World Begin(const Story& story) {
  World world(3);
  if (story.begin) {
    EXPECT_TRUE(Converge(world)) << world.Describe();
    story.begin(world);
  }
  return world;
}

TEST(ExploreTest, EveryStoryEndsWell) {
  for (const Story& story : Stories()) {
    SCOPED_TRACE(story.name);
    World world = Begin(story);
    EXPECT_TRUE(Converge(world)) << world.Describe() << Describe(PlanFor(world));
    EXPECT_EQ(Violations(world), "");
  }
}

// Step number `at` of the story is left out, done twice, or done a second time `later` steps on by
// an operator that still believes in it. What the others do is planned afresh.
enum class Mishap { kNotDone, kDoneTwice, kDoneLate };

bool RunWithMishap(World& world, int at, Mishap mishap, int later) {
  std::optional<Step> stale;
  for (int i = 0; i < 600; ++i) {
    const Plan plan = PlanFor(world);
    if (plan.next && !(i == at && mishap == Mishap::kNotDone)) world.Do(*plan.next);
    if (i == at && plan.next) stale = plan.next;
    const bool again = (mishap == Mishap::kDoneTwice && i == at) ||
                       (mishap == Mishap::kDoneLate && i == at + later);
    if (again && stale) world.Do(*stale, false);
    if (!plan.next && world.IsConverged() && i > at + later) return true;
    world.Breathe(static_cast<std::uint64_t>(i) * 7919);
    world.Breathe(static_cast<std::uint64_t>(i) * 104729);
    world.Pass(seconds(5));
  }
  return false;
}

TEST(ExploreTest, AStepLostDoubledOrLateNeverHarmsAndTheStoryStillEndsWell) {
  for (const Story& story : Stories()) {
    for (int at = 0; at < 30; ++at) {
      for (const auto& [mishap, later] :
           std::vector<std::pair<Mishap, int>>{{Mishap::kNotDone, 0},
                                               {Mishap::kDoneTwice, 0},
                                               {Mishap::kDoneLate, 2},
                                               {Mishap::kDoneLate, 9}}) {
        World world = Begin(story);
        const bool well = RunWithMishap(world, at, mishap, later);
        ASSERT_TRUE(well && world.violations().empty())
            << story.name << ", step " << at << ", mishap " << static_cast<int>(mishap) << " later "
            << later << "\n"
            << Violations(world) << world.Describe() << Describe(PlanFor(world));
      }
    }
  }
}

// One random thing happens, good or bad. Data is taken from at most one voter until all are whole
// again.
void Happen(World& world, std::mt19937_64& random, int& faults) {
  const auto pick = [&](std::uint64_t n) { return random() % n; };
  if (pick(12) != 0 || faults == 0 || world.names.empty()) {
    world.Breathe(random());
    return;
  }
  --faults;
  const std::string victim = world.names[pick(world.names.size())];
  switch (pick(8)) {
    case 0:
      world.DeletePod(victim);
      break;
    case 1:
      if (world.IsConverged() && world.HealthyVoters() > 2) world.LoseVolume(victim);
      break;
    case 2:
      if (world.IsConverged() && world.HealthyVoters() > 2) world.CorruptData(victim);
      break;
    case 3:
      world.Silence(victim);
      break;
    case 4:
      world.RemoveByHand(victim);
      break;
    case 5:
      world.WipeStatus();
      break;
    case 6:
      world.LoseSlotRecord(victim);
      break;
    default:
      world.cluster.spec.replicas = std::array{1, 3, 5, 4, 2}[pick(5)];
      break;
  }
}

constexpr std::size_t kStaleSteps = 8;  // how far behind a second operator may be

void Walk(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  World world(std::array{1, 3, 5}[random() % 3]);
  std::vector<Step> old_steps;
  int faults = 4;
  for (int i = 0; i < 250; ++i) {
    const Plan plan = PlanFor(world);
    if (plan.next) old_steps.push_back(*plan.next);
    const std::uint64_t dice = random() % 10;
    if (plan.next && dice < 6) world.Do(*plan.next);
    if (old_steps.size() > kStaleSteps) old_steps.erase(old_steps.begin());
    if (dice == 9 && !old_steps.empty()) world.Do(old_steps[random() % old_steps.size()], false);
    Happen(world, random, faults);
    Happen(world, random, faults);
    world.Pass(seconds(random() % 20));
    ASSERT_EQ(Violations(world), "") << "seed " << seed << "\n" << world.Describe();
  }
  world.Unsilence();
  ASSERT_TRUE(Converge(world)) << "seed " << seed << "\n"
                               << world.Describe() << Describe(PlanFor(world));
  ASSERT_EQ(Violations(world), "") << "seed " << seed << "\n" << world.Describe();
}

TEST(ExploreTest, RandomFaultsNeverBreakAnInvariantAndTheClusterConverges) {
  const char* walks = std::getenv("QUORATE_WALKS");
  const std::uint64_t count = walks ? std::strtoull(walks, nullptr, 10) : 300;
  const char* first = std::getenv("QUORATE_SEED");
  const std::uint64_t seed = first ? std::strtoull(first, nullptr, 10) : 1;
  for (std::uint64_t i = 0; i < count && !testing::Test::HasFatalFailure(); ++i) Walk(seed + i);
}

TEST(ExploreTest, LosingTwoOfThreeVolumesDeletesNothingAndSaysSo) {
  World world(3);
  ASSERT_TRUE(Converge(world));
  world.LoseVolume(world.names[0]);
  world.LoseVolume(world.names[1]);
  for (int i = 0; i < 50; ++i) {
    const Plan plan = PlanFor(world);
    EXPECT_FALSE(plan.next && (std::holds_alternative<MemberRemove>(*plan.next) ||
                               std::holds_alternative<DeleteVolume>(*plan.next) ||
                               std::holds_alternative<MarkLeaving>(*plan.next)));
    if (plan.next) world.Do(*plan.next);
    world.Settle();
    world.Pass(minutes(1));
  }
  const Plan plan = PlanFor(world);
  EXPECT_EQ(plan.rule, "11 quorum lost");
  EXPECT_NE(plan.reason.find("1 of 3 voters run"), std::string::npos) << plan.reason;
  EXPECT_NE(plan.waiting_for.find("bootstrap.restore"), std::string::npos) << plan.waiting_for;
}

TEST(ExploreTest, ADeletedClusterStopsItsPodsAndKeepsItsVolumes) {
  World world(3);
  ASSERT_TRUE(Converge(world));
  world.cluster.meta.deleted = world.now;
  bool removed = false;
  for (int i = 0; i < 60 && !removed; ++i) {
    const Plan plan = PlanFor(world);
    if (plan.next) world.Do(*plan.next);
    removed = plan.next && std::holds_alternative<RemoveFinalizer>(*plan.next);
    world.Settle();
  }
  EXPECT_TRUE(removed);
  EXPECT_EQ(world.Look().stray_volumes.size(), 3u);
  EXPECT_EQ(Violations(world), "");
}

}  // namespace
}  // namespace quorate::plan
