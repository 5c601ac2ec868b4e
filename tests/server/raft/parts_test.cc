// Quorum, configuration, progress and read index: the parts under the roles.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "raft/config.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/read_index.h"

namespace quorate::raft {
namespace {

std::vector<MemberId> Ids(std::initializer_list<std::uint64_t> numbers) {
  std::vector<MemberId> ids;
  for (std::uint64_t number : numbers) ids.push_back(MemberId{number});
  return ids;
}

ConfChange Change(ConfChangeType type, std::uint64_t member) {
  ConfChange change;
  change.type = type;
  change.member = MemberId{member};
  return change;
}

TEST(QuorumTest, TheCommittedIndexIsWhatAMajorityHas) {
  std::mt19937_64 random(1);
  for (int run = 0; run < 10000; ++run) {
    std::vector<LogIndex> acked(1 + random() % 9);
    for (LogIndex& index : acked) index = LogIndex{random() % 10};
    std::uint64_t naive = 0;
    for (std::uint64_t index = 1; index < 10; ++index) {
      const auto have =
          std::count_if(acked.begin(), acked.end(), [&](LogIndex a) { return a.value >= index; });
      if (static_cast<std::size_t>(have) * 2 > acked.size()) naive = index;
    }
    ASSERT_EQ(CommittedIndex(acked), LogIndex{naive});
  }
}

TEST(QuorumTest, NobodyCommitsNothing) {
  std::vector<LogIndex> none;
  EXPECT_EQ(CommittedIndex(none), LogIndex{0});
  EXPECT_EQ(CountVotes(0, 0, 0), Vote::kLost);
}

TEST(QuorumTest, AnElectionIsLostAsSoonAsItCannotBeWon) {
  EXPECT_EQ(CountVotes(4, 2, 1), Vote::kPending);
  EXPECT_EQ(CountVotes(4, 2, 2), Vote::kLost);
  EXPECT_EQ(CountVotes(5, 3, 0), Vote::kWon);
}

TEST(ConfigTest, ALearnerIsPromotedByAddingIt) {
  ConfState state;
  state.voters = Ids({3, 1, 2});
  state.learners = Ids({4});
  const Config config = *Config::From(state);
  const Config after = *config.After(Change(ConfChangeType::kAddNode, 4));
  EXPECT_EQ(after.voters(), Ids({1, 2, 3, 4}));
  EXPECT_TRUE(after.learners().empty());
}

TEST(ConfigTest, AnUpdateAndMemberZeroChangeNothing) {
  ConfState state;
  state.voters = Ids({1});
  const Config config = *Config::From(state);
  EXPECT_EQ(*config.After(Change(ConfChangeType::kUpdateNode, 7)), config);
  EXPECT_EQ(*config.After(Change(ConfChangeType::kRemoveNode, 0)), config);
}

TEST(ConfigTest, TheLastVoterStays) {
  ConfState state;
  state.voters = Ids({1});
  state.learners = Ids({2});
  const Config config = *Config::From(state);
  EXPECT_FALSE(config.After(Change(ConfChangeType::kRemoveNode, 1)).ok());
  EXPECT_FALSE(config.After(Change(ConfChangeType::kAddLearnerNode, 1)).ok());
}

TEST(ConfigTest, JointAndContradictoryStatesAreRefused) {
  ConfState joint;
  joint.voters = Ids({1});
  joint.voters_outgoing = Ids({2});
  EXPECT_FALSE(Config::From(joint).ok());
  ConfState twice;
  twice.voters = Ids({1, 1});
  EXPECT_FALSE(Config::From(twice).ok());
  ConfState both;
  both.voters = Ids({1});
  both.learners = Ids({1});
  EXPECT_FALSE(Config::From(both).ok());
}

TEST(ProgressTest, ARefusalNeverMovesBehindWhatIsAcknowledged) {
  Progress progress(LogIndex{0}, LogIndex{10});
  progress.Acknowledge(LogIndex{5});
  EXPECT_FALSE(progress.Refuse(LogIndex{4}, LogIndex{1}));
  EXPECT_TRUE(progress.Refuse(LogIndex{9}, LogIndex{2}));
  EXPECT_EQ(progress.next(), LogIndex{6});
  EXPECT_EQ(progress.match(), LogIndex{5});
  progress.BecomeReplicate();
  progress.NoteSent(LogIndex{9}, 4, 40);
  EXPECT_TRUE(progress.Refuse(LogIndex{7}, LogIndex{2}));
  EXPECT_EQ(progress.next(), LogIndex{6});
}

TEST(ProgressTest, ALateAcknowledgementTakesNothingBack) {
  Progress progress(LogIndex{0}, LogIndex{1});
  progress.BecomeReplicate();
  EXPECT_TRUE(progress.Acknowledge(LogIndex{5}));
  EXPECT_FALSE(progress.Acknowledge(LogIndex{5}));
  EXPECT_FALSE(progress.Acknowledge(LogIndex{3}));
  EXPECT_EQ(progress.match(), LogIndex{5});
}

TEST(ProgressTest, AStaleRefusalIsIgnored) {
  Progress progress(LogIndex{0}, LogIndex{10});
  EXPECT_FALSE(progress.Refuse(LogIndex{7}, LogIndex{3}));
  EXPECT_EQ(progress.next(), LogIndex{10});
  progress.BecomeReplicate();
  progress.Acknowledge(LogIndex{8});
  EXPECT_FALSE(progress.Refuse(LogIndex{7}, LogIndex{3})) << "it has since acknowledged more";
}

TEST(ProgressTest, OneProbeAtATime) {
  Progress progress(LogIndex{0}, LogIndex{1});
  EXPECT_TRUE(progress.MayProbe());
  progress.NoteSent(LogIndex{3}, 3, 100);
  EXPECT_FALSE(progress.MayProbe());
  EXPECT_EQ(progress.next(), LogIndex{1});
  progress.Resume();
  EXPECT_TRUE(progress.MayProbe());
}

TEST(ProgressTest, MessagesAndBytesInFlightAreBoundedAndFreedByAcknowledgement) {
  const ProgressLimits limits{2, 1000};
  Progress progress(LogIndex{0}, LogIndex{1});
  progress.BecomeReplicate();
  progress.NoteSent(LogIndex{1}, 1, 10);
  EXPECT_TRUE(progress.MaySendEntries(limits));
  progress.NoteSent(LogIndex{2}, 1, 10);
  EXPECT_FALSE(progress.MaySendEntries(limits));
  progress.Acknowledge(LogIndex{1});
  EXPECT_TRUE(progress.MaySendEntries(limits));
  progress.NoteSent(LogIndex{3}, 1, 5000);
  progress.Acknowledge(LogIndex{2});
  EXPECT_FALSE(progress.MaySendEntries(limits));
  progress.Acknowledge(LogIndex{3});
  EXPECT_EQ(progress.inflight_bytes(), 0U);
}

// etcd leaked the bytes of messages that were lost, until nothing was sent any more.
TEST(ProgressTest, WhatWasInFlightIsForgottenWhenItMayBeLost) {
  const ProgressLimits limits{2, 1000};
  Progress progress(LogIndex{0}, LogIndex{1});
  progress.BecomeReplicate();
  progress.NoteSent(LogIndex{1}, 1, 400);
  progress.NoteSent(LogIndex{2}, 1, 700);
  EXPECT_FALSE(progress.MaySendEntries(limits));
  progress.BecomeProbe();
  EXPECT_EQ(progress.inflight_bytes(), 0U);
  progress.BecomeReplicate();
  progress.NoteSent(LogIndex{1}, 1, 400);
  EXPECT_TRUE(progress.MaySendEntries(limits));
}

TEST(ProgressTest, AfterASnapshotTheProbeStartsBehindIt) {
  Progress progress(LogIndex{0}, LogIndex{1});
  progress.BecomeSnapshot(LogIndex{9});
  progress.BecomeProbe();
  EXPECT_EQ(progress.next(), LogIndex{10});
  progress.BecomeSnapshot(LogIndex{20});
  progress.SnapshotFailed();
  progress.BecomeProbe();
  EXPECT_EQ(progress.next(), LogIndex{1});
}

TEST(ReadIndexTest, ARoundAnswersItsOwnAndOlderReadsButNoLaterOne) {
  ReadIndexQueue reads;
  const auto voters = Ids({1, 2, 3});
  reads.Add({MemberId{1}, "a"}, LogIndex{5});
  const std::string first = reads.RoundContext();
  reads.Add({MemberId{1}, "b"}, LogIndex{6});
  reads.Add({MemberId{3}, "c"}, LogIndex{7});
  EXPECT_TRUE(reads.unsent());
  const std::string second = reads.RoundContext();
  EXPECT_FALSE(reads.unsent());
  reads.Add({MemberId{1}, "late"}, LogIndex{8});
  const auto ready = reads.Answer(MemberId{2}, second, MemberId{1}, voters);
  ASSERT_EQ(ready.size(), 3U);
  EXPECT_EQ(ready[0].index, LogIndex{5});
  EXPECT_EQ(ready[2].request.context, "c");
  EXPECT_TRUE(reads.Answer(MemberId{2}, first, MemberId{1}, voters).empty());
  EXPECT_EQ(reads.size(), 1U);
}

TEST(ReadIndexTest, LearnersStrangersAndForeignContextsProveNothing) {
  ReadIndexQueue reads;
  const auto voters = Ids({1, 2, 3});
  reads.Add({MemberId{1}, "a"}, LogIndex{5});
  const std::string context = reads.RoundContext();
  EXPECT_TRUE(reads.Answer(MemberId{9}, context, MemberId{1}, voters).empty());
  EXPECT_TRUE(reads.Answer(MemberId{2}, "", MemberId{1}, voters).empty());
  EXPECT_TRUE(reads.Answer(MemberId{2}, "12345678", MemberId{1}, voters).empty());
  reads.Add({MemberId{1}, "b"}, LogIndex{6});
  std::string invented = context;  // of the round that is not sent yet
  ++invented.back();
  EXPECT_TRUE(reads.Answer(MemberId{3}, invented, MemberId{1}, voters).empty());
  EXPECT_EQ(reads.Answer(MemberId{3}, context, MemberId{1}, voters).size(), 1U);
}

}  // namespace
}  // namespace quorate::raft
