#include "sim/cluster/plan.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "sim/prng.h"

namespace quorate::sim::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<std::string_view, kFaultKinds> kNames = {"loss",
                                                              "duplicate",
                                                              "reorder",
                                                              "delay",
                                                              "long-delay",
                                                              "cut-one-way",
                                                              "cut-pair",
                                                              "partition",
                                                              "topology",
                                                              "flap",
                                                              "swizzle",
                                                              "narrow",
                                                              "reset",
                                                              "half-open",
                                                              "damage",
                                                              "cut-frame",
                                                              "misdeliver",
                                                              "address-reuse",
                                                              "crash",
                                                              "kill",
                                                              "crash-at-site",
                                                              "crash-at-io",
                                                              "crash-loop",
                                                              "kill-all",
                                                              "old-directory",
                                                              "empty-directory",
                                                              "other-directory",
                                                              "other-cluster",
                                                              "second-instance",
                                                              "old-version",
                                                              "pause",
                                                              "slow-cpu",
                                                              "sync-error",
                                                              "read-error",
                                                              "disk-full",
                                                              "slow-disk",
                                                              "stall",
                                                              "bit-flip",
                                                              "lost-write",
                                                              "misdirected-write",
                                                              "wall-jump",
                                                              "freeze",
                                                              "drift",
                                                              "add-member",
                                                              "add-learner",
                                                              "promote",
                                                              "remove-member",
                                                              "replace-empty",
                                                              "update-member",
                                                              "move-leader",
                                                              "backup",
                                                              "compact",
                                                              "no-space-alarm",
                                                              "bend",
                                                              "two-to-one"};

// How often a kind comes, against the others, where a seed uses it.
std::uint64_t WeightOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kCrashAtSite:
    case FaultKind::kBend:
      return 6;
    case FaultKind::kCrash:
    case FaultKind::kPartition:
    case FaultKind::kCompact:
    case FaultKind::kCrashAtIo:
      return 3;
    case FaultKind::kKillAll:
    case FaultKind::kBitFlip:
    case FaultKind::kFull:
    case FaultKind::kNoSpaceAlarm:
      return 1;
    default:
      return 2;
  }
}

std::uint64_t DrawValue(FaultKind kind, Prng& random) {
  switch (kind) {
    case FaultKind::kLoss:
      return 10 + random.Below(300);
    case FaultKind::kDuplicate:
      return 10 + random.Below(200);
    case FaultKind::kReorder:
      return 1000 + random.Below(random.Chance(300) ? 2000000 : 50000);
    case FaultKind::kDelay:
      return 1000 + random.Below(random.Chance(300) ? 900000 : 100000);
    case FaultKind::kNarrow:
      return 1 + random.Below(random.Chance(300) ? 200000 : 5000);
    case FaultKind::kLongDelay:
      return 1 + random.Below(40);
    case FaultKind::kDamage:
    case FaultKind::kMisdeliver:
      return 5 + random.Below(200);
    default:
      return random.Next();
  }
}

Time DrawLength(FaultKind kind, Prng& random) {
  switch (kind) {
    case FaultKind::kCrash:
    case FaultKind::kKill:
    case FaultKind::kCrashAtSite:
    case FaultKind::kCrashAtIo:
    case FaultKind::kKillAll:
    case FaultKind::kSyncError:
      return milliseconds(10 + random.Below(random.Chance(300) ? 15000 : 2000));
    case FaultKind::kBend:
      return seconds(5 + random.Below(60));
    default:
      return milliseconds(50 + random.Below(random.Chance(200) ? 20000 : 5000));
  }
}

void DrawOptions(Plan& plan, const PlanOptions& options, Prng& random) {
  constexpr std::array<int, 10> kSizes = {1, 2, 3, 3, 3, 3, 3, 4, 5, 5};
  const int drawn = kSizes[random.Below(kSizes.size())];
  plan.voters = options.members > 0 ? options.members : drawn;
  plan.election = milliseconds(random.Chance(700) ? 1000 : 500 + 500 * random.Below(4));
  plan.snapshot_count = random.Chance(500) ? 10 + random.Below(40) : 100 + random.Below(400);
  plan.catch_up_entries = random.Chance(500) ? random.Below(10) : random.Below(200);
  plan.segment_bytes = random.Chance(500) ? 16U << 10U : 64U << 10U;
  plan.pre_vote = random.Chance(850);
  plan.framed = random.Chance(500);
  plan.clients = 1 + static_cast<int>(random.Below(6));
  plan.watchers = static_cast<int>(random.Below(5));
  plan.leases = static_cast<int>(random.Below(4));
  plan.keys = 1 + static_cast<int>(random.Below(random.Chance(500) ? 4 : 40));
  // Every row is copied by each flush of the memory store, so a run must not make too many.
  plan.think = milliseconds(30 + random.Below(200));
  plan.compaction_rows = random.Chance(400) ? 1 + random.Below(5) : 1000;
}

// In every other run of two voters, a few.
void AddTwoToOne(Plan& plan) {
  Prng random(plan.seed ^ 0x2701);
  if (plan.voters != 2 || random.Chance(500)) return;
  const auto last = static_cast<std::uint64_t>(plan.faults_until.count());
  for (int i = 0; i < 6; ++i) {
    Fault fault;
    fault.at = Time(static_cast<std::int64_t>(random.Below(last)));
    fault.kind = FaultKind::kTwoToOne;
    fault.a = random.Below(64);
    fault.b = random.Below(64);
    fault.value = random.Next();
    fault.lasts = DrawLength(fault.kind, random);
    plan.faults.push_back(fault);
  }
  std::ranges::stable_sort(plan.faults, {}, &Fault::at);
}

std::vector<FaultKind> DrawSwarm(Prng& random) {
  std::vector<FaultKind> bag;
  const std::uint64_t share = 150 + random.Below(600);
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    if (kind == FaultKind::kTwoToOne || !random.Chance(share)) continue;
    const std::uint64_t weight = WeightOf(kind) * (1 + random.Below(3));
    bag.insert(bag.end(), weight, kind);
  }
  if (bag.empty()) bag.push_back(FaultKind::kCrash);
  return bag;
}

}  // namespace

std::string_view ToString(FaultKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

FaultKind ToFaultKind(std::string_view name) {
  return static_cast<FaultKind>(std::ranges::find(kNames, name) - kNames.begin());
}

std::string ToString(const Fault& fault) {
  char text[160];
  const auto seconds_of = [](Time time) { return static_cast<double>(time.count()) / 1e9; };
  std::snprintf(text, sizeof text, "%9.3fs %-13s a=%llu b=%llu value=%llu for %.3fs",
                seconds_of(fault.at), std::string(ToString(fault.kind)).c_str(),
                static_cast<unsigned long long>(fault.a), static_cast<unsigned long long>(fault.b),
                static_cast<unsigned long long>(fault.value), seconds_of(fault.lasts));
  return text;
}

Plan MakePlan(std::uint64_t seed, const PlanOptions& options) {
  // Not the seed itself: seeds that follow each other must not draw from one sequence.
  Prng random(Prng(seed).Next());
  Plan plan;
  plan.seed = seed;
  DrawOptions(plan, options, random);
  plan.faults_until = Time(static_cast<std::int64_t>(options.seconds * 1e9));
  std::vector<FaultKind> bag = DrawSwarm(random);
  if (options.only != FaultKind::kCount) bag = {options.only};
  const Time gap = milliseconds(200 + random.Below(3000));
  Time at = seconds(2);
  while (true) {
    at += Time(
        static_cast<std::int64_t>(random.Below(static_cast<std::uint64_t>(2 * gap.count())) + 1));
    if (at >= plan.faults_until) break;
    Fault fault;
    fault.at = at;
    fault.kind = bag[random.Below(bag.size())];
    fault.a = random.Below(64);
    fault.b = random.Below(64);
    fault.value = DrawValue(fault.kind, random);
    fault.lasts = DrawLength(fault.kind, random);
    plan.faults.push_back(fault);
  }
  if (options.only == FaultKind::kCount) AddTwoToOne(plan);
  return plan;
}

Plan Only(Plan plan, const std::set<std::size_t>& keep) {
  std::vector<Fault> kept;
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    if (keep.contains(i)) kept.push_back(plan.faults[i]);
  }
  plan.faults = std::move(kept);
  return plan;
}

}  // namespace quorate::sim::cluster
