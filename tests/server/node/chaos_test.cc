// Random runs of three whole members: power cuts that tear writes, members cut off, disks that
// stall, snapshots, hand-overs. What was answered stays, once, on all; a linearizable read sees
// everything answered before it began.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "server/node/members.h"

namespace quorate::test {
namespace {

using std::chrono::milliseconds;

node::Options SmallSnapshots() {
  node::Options options;
  options.snapshot_count = 25;
  options.catch_up_entries = 10;
  return options;
}

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : random_(seed), members_(3, SmallSnapshots()) {
    for (std::uint64_t id = 2; id <= 3; ++id) {
      members_.at(id).loop_writes = true;
      members_.driver(id).log_writer().OfferLoop();
    }
  }

  void Run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) Step();
  }

  void Heal() {
    for (std::uint64_t id = 1; id <= 3; ++id) {
      members_.Join(id);
      members_.at(id).wal_held = false;
      if (!members_.at(id).driver) members_.Restart(id);
    }
    ASSERT_NE(members_.Elect(), 0U) << "no leader after all faults ended";
    for (int i = 0; i < 40 && !Same(); ++i) members_.Pass(milliseconds(200));
    ASSERT_TRUE(Same()) << "members differ after all faults ended";
    const std::vector<std::string>& texts = members_.texts(1);
    const std::set<std::string> distinct(texts.begin(), texts.end());
    EXPECT_EQ(distinct.size(), texts.size()) << "something was applied twice";
    for (const std::string& text : answered_) {
      EXPECT_TRUE(distinct.contains(text)) << "lost " << text;
    }
    for (std::uint64_t id = 1; id <= 3; ++id) {
      EXPECT_FALSE(members_.at(id).exit) << members_.at(id).exit_text;
    }
  }

  std::size_t answered() const { return answered_.size(); }
  std::size_t stale() const { return stale_; }
  std::size_t reads() const { return reads_; }

 private:
  std::uint64_t Any() { return 1 + random_.Below(3); }

  void Step() {
    const std::uint64_t id = Any();
    SimMember& member = members_.at(id);
    switch (random_.Below(20)) {
      case 0:
        if (member.driver && random_.Chance(300)) members_.Crash(id);
        return;
      case 1:
      case 2:
        if (!member.driver) members_.Restart(id);
        return;
      case 3:
        if (random_.Chance(300)) members_.Cut(id);
        return;
      case 4:
        return members_.Join(id);
      case 5:
        member.wal_held = random_.Chance(300);
        return;
      case 6:
      case 7:
        return members_.Pass(milliseconds(100));
      case 8:
        if (member.driver && random_.Chance(200)) {
          member.driver->TransferLeadership(MemberId{Any()}, [](const Status&) {});
        }
        return;
      case 9:
      case 10:
        return Read(id);
      case 11:
      case 12:
      case 13:
      case 14:
        return Propose(id);
      default:
        return members_.Round();
    }
  }

  void Propose(std::uint64_t id) {
    if (!members_.at(id).driver) return;
    const std::string text = "v" + std::to_string(++proposed_);
    const std::uint64_t request = members_.driver(id).NextRequestId();
    members_.driver(id).Propose(request, MakeRequest(request, text),
                                [this, text](const Result<std::string>& answer) {
                                  if (answer.ok()) answered_.push_back(text);
                                });
  }

  void Read(std::uint64_t id) {
    if (!members_.at(id).driver) return;
    const std::size_t before = answered_.size();
    members_.driver(id).Read(node::Consistency::kLinearizable,
                             [this, id, before](const Status& status) {
                               if (status.ok()) CheckRead(id, before);
                             });
  }

  void CheckRead(std::uint64_t id, std::size_t before) {
    ++reads_;
    const std::vector<std::string>& texts = members_.texts(id);
    const std::set<std::string> seen(texts.begin(), texts.end());
    for (std::size_t i = 0; i < before; ++i) {
      if (!seen.contains(answered_[i])) ++stale_;
    }
  }

  bool Same() {
    return members_.texts(1) == members_.texts(2) && members_.texts(2) == members_.texts(3);
  }

  sim::Prng random_;
  Members members_;
  int proposed_ = 0;
  std::vector<std::string> answered_;
  std::size_t reads_ = 0;
  std::size_t stale_ = 0;
};

// QUORATE_NODE_SEED=N replays one run, QUORATE_NODE_SEEDS=N makes that many.
TEST(NodeChaosTest, WhatWasAnsweredStaysAndReadsAreNeverStale) {
  std::uint64_t first = 1;
  std::uint64_t count = 40;
  if (const char* seed = std::getenv("QUORATE_NODE_SEED")) {
    first = std::strtoull(seed, nullptr, 10);
    count = 1;
  }
  if (const char* seeds = std::getenv("QUORATE_NODE_SEEDS")) {
    count = std::strtoull(seeds, nullptr, 10);
  }
  std::size_t answered = 0;
  std::size_t reads = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("QUORATE_NODE_SEED=" + std::to_string(seed));
    Chaos chaos(seed);
    chaos.Run(1500);
    chaos.Heal();
    ASSERT_EQ(chaos.stale(), 0U);
    ASSERT_FALSE(testing::Test::HasFailure());
    answered += chaos.answered();
    reads += chaos.reads();
  }
  EXPECT_GT(answered, count * 5) << "the runs did next to nothing";
  EXPECT_GT(reads, count * 2);
  RecordProperty("answered", static_cast<int>(answered));
}

}  // namespace
}  // namespace quorate::test
