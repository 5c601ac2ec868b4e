#include "app/force_new_cluster.h"

#include "wire/raftpb.h"

namespace quorate::app {
namespace {

using raft::ConfChangeType;

raft::Entry Normal(std::uint64_t index) {
  raft::Entry entry;
  entry.index = LogIndex{index};
  entry.term = Term{2};
  return entry;
}

raft::Entry Change(std::uint64_t index, ConfChangeType type, std::uint64_t member) {
  raft::Entry entry = Normal(index);
  entry.type = raft::EntryType::kConfChange;
  entry.data = raft::Payload(wire::EncodeConfChange({.type = type, .member = MemberId{member}}));
  return entry;
}

std::vector<std::pair<ConfChangeType, std::uint64_t>> ChangesOf(const ForcedLog& forced) {
  std::vector<std::pair<ConfChangeType, std::uint64_t>> changes;
  for (const raft::Entry& entry : forced.appended) {
    const auto change = wire::DecodeConfChange(entry.data.view());
    changes.emplace_back(change->type, change->member.value);
  }
  return changes;
}

TEST(ForceNewClusterTest, KeepsTheWholeLogAndRemovesEverybodyElseBehindIt) {
  raft::ConfState state;
  state.voters = {MemberId{1}, MemberId{2}, MemberId{3}};
  const auto forced =
      ForceNewCluster(MemberId{2}, state, LogIndex{5}, {Term{3}, MemberId{2}, LogIndex{7}},
                      {Normal(6), Normal(7), Normal(8)}, Term{2});
  ASSERT_TRUE(forced.ok());
  EXPECT_THAT(ChangesOf(*forced), testing::ElementsAre(std::pair(ConfChangeType::kRemoveNode, 1U),
                                                       std::pair(ConfChangeType::kRemoveNode, 3U)));
  EXPECT_EQ(forced->appended[0].index, LogIndex{9}) << "8 may have been acknowledged";
  EXPECT_EQ(forced->appended[0].term, Term{3});
  EXPECT_EQ(forced->hard_state.commit, LogIndex{10});
}

TEST(ForceNewClusterTest, CountsChangesThatAreNotAppliedYet) {
  raft::ConfState state;
  state.voters = {MemberId{1}, MemberId{2}};
  const auto forced =
      ForceNewCluster(MemberId{1}, state, LogIndex{1}, {Term{2}, MemberId{1}, LogIndex{3}},
                      {Change(2, ConfChangeType::kRemoveNode, 2),
                       Change(3, ConfChangeType::kAddLearnerNode, 4), Normal(4)},
                      Term{2});
  ASSERT_TRUE(forced.ok());
  EXPECT_THAT(ChangesOf(*forced), testing::ElementsAre(std::pair(ConfChangeType::kRemoveNode, 4U)));
}

TEST(ForceNewClusterTest, AddsItselfWhenTheClusterHadForgottenIt) {
  raft::ConfState state;
  state.voters = {MemberId{1}};
  const auto forced = ForceNewCluster(MemberId{2}, state, LogIndex{5},
                                      {Term{3}, MemberId{}, LogIndex{5}}, {}, Term{3});
  ASSERT_TRUE(forced.ok());
  EXPECT_THAT(ChangesOf(*forced), testing::ElementsAre(std::pair(ConfChangeType::kAddNode, 2U),
                                                       std::pair(ConfChangeType::kRemoveNode, 1U)));
}

}  // namespace
}  // namespace quorate::app
