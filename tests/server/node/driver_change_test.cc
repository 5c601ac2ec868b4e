// Drivers that change the members: learners, removals, what is refused, and what a crash may not
// undo.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "node/driver.h"
#include "server/node/members.h"

namespace quorate::test {
namespace {

using std::chrono::milliseconds;

TEST(DriverTest, ALearnerJoinsByTheLogAndIsPromoted) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.Propose(leader, "a");
  members.Settle();
  const auto added = members.Change(leader, raft::ConfChangeType::kAddLearnerNode, 4);
  members.Settle();
  ASSERT_TRUE(added->has_value());
  EXPECT_TRUE((*added)->ok());
  EXPECT_TRUE(members.at(leader).network->peers().contains(MemberId{4}));
  members.AddEmpty(4);
  members.Pass(milliseconds(500));
  EXPECT_TRUE(members.driver(4).is_learner());
  EXPECT_EQ(members.texts(4), members.texts(leader));
  const auto promoted = members.Change(leader, raft::ConfChangeType::kAddNode, 4);
  members.Settle();
  EXPECT_TRUE(promoted->has_value() && (*promoted)->ok());
  EXPECT_FALSE(members.driver(4).is_learner());
}

TEST(DriverTest, ARefusedChangeIsAnsweredAndLeavesTheConfiguration) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  const auto done = members.Change(leader, raft::ConfChangeType::kRemoveNode, 3, "refuse");
  members.Settle();
  ASSERT_TRUE(done->has_value());
  EXPECT_EQ((*done)->error().message, "refused");
  EXPECT_EQ(members.at(leader).machine->state().conf_state.voters.size(), 3U);
}

TEST(DriverTest, ARemovedMemberStopsWithItsTypedExit) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  const std::uint64_t gone = Other(leader);
  members.Change(leader, raft::ConfChangeType::kRemoveNode, gone);
  members.Pass(milliseconds(3000));
  EXPECT_EQ(members.at(gone).exit, node::Exit::kRemoved);
  const auto answer = members.Propose(leader, "on");
  members.Settle();
  EXPECT_TRUE(answer->has_value() && (*answer)->ok());
}

TEST(DriverTest, ARemovedLeaderHandsOverBeforeItStops) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.Change(leader, raft::ConfChangeType::kRemoveNode, leader);
  members.Pass(milliseconds(600));
  EXPECT_NE(members.driver(Other(leader)).leader(), MemberId{leader});
  EXPECT_NE(members.driver(Other(leader)).leader(), MemberId{});
  members.Pass(milliseconds(2500));
  EXPECT_EQ(members.at(leader).exit, node::Exit::kRemoved);
}

struct TwoVoters : Members {
  TwoVoters() : Members(2), leader_and_other(Elected()), before(EndOf(leader_and_other.first)) {}

  // Until what was proposed is on this one's disk; not until it knows that it is committed.
  void AwaitDurable(std::uint64_t id) {
    for (int i = 0; i < 30 && EndOf(id) == before; ++i) Round();
  }

  const std::pair<std::uint64_t, std::uint64_t> leader_and_other;
  const LogIndex before;  // the end of both logs

 private:
  std::pair<std::uint64_t, std::uint64_t> Elected() {
    const std::uint64_t leader = Elect();
    Settle();
    return {leader, 3 - leader};
  }
  LogIndex EndOf(std::uint64_t id) { return driver(id).core().durable(); }
};

// Of two voters the leader removes itself and is gone for good. The other had applied that before
// its commit index was on disk, lost power, came back with two voters and asked the one that was
// gone for its vote, for ever.
TEST(DriverTest, OfTwoVotersTheOneThatStaysLeadsAloneAfterAPowerLoss) {
  TwoVoters members;
  const auto [leader, stays] = members.leader_and_other;
  members.Change(leader, raft::ConfChangeType::kRemoveNode, leader);
  members.AwaitDurable(stays);
  members.at(stays).wal_held = true;
  members.Settle();
  EXPECT_GT(members.driver(stays).core().committed(), members.before);
  EXPECT_EQ(members.driver(stays).core().config().voters().size(), 2U) << "commit is not durable";
  members.at(stays).wal_held = false;
  members.Settle();
  EXPECT_EQ(members.driver(stays).core().config().voters().size(), 1U);
  members.Crash(stays);
  members.Cut(leader);
  members.Restart(stays);
  EXPECT_EQ(members.Elect(), stays);
}

// The leader removes the other one, tells it so, and loses power before its commit index is on
// disk: it needs the vote of the removed one, which must have nothing that the leader's disk has
// not.
TEST(DriverTest, OfTwoVotersTheLeaderThatStaysLeadsAgainAfterAPowerLoss) {
  TwoVoters members;
  const auto [leader, removed] = members.leader_and_other;
  members.Change(leader, raft::ConfChangeType::kRemoveNode, removed);
  members.AwaitDurable(leader);
  members.at(leader).wal_held = true;
  const auto late = members.Propose(leader, "late");
  members.Settle();
  EXPECT_EQ(members.driver(removed).core().config().voters().size(), 1U);
  EXPECT_EQ(members.driver(leader).core().config().voters().size(), 2U) << "commit is not durable";
  members.Crash(leader);
  members.at(leader).wal_held = false;
  members.Restart(leader);
  members.Pass(milliseconds(10000));
  EXPECT_EQ(members.driver(leader).leader(), MemberId{leader});
  EXPECT_EQ(members.driver(leader).core().config().voters().size(), 1U);
}

TEST(DriverTest, OfTwoVotersTheRemovedOneStaysUntilTheOtherLeads) {
  TwoVoters members;
  const auto [leader, stays] = members.leader_and_other;
  members.Change(leader, raft::ConfChangeType::kRemoveNode, leader);
  const auto late = members.Propose(leader, "late");  // would make its log the longer one
  members.AwaitDurable(stays);
  members.Cut(stays);  // before it hears that it is committed
  members.Pass(milliseconds(10000));
  EXPECT_EQ(members.driver(leader).core().config().voters().size(), 1U);
  EXPECT_EQ(members.driver(stays).core().config().voters().size(), 2U);
  EXPECT_FALSE(members.at(leader).exit);
  members.Join(stays);
  members.Pass(milliseconds(5000));
  EXPECT_EQ(members.driver(stays).leader(), MemberId{stays});
  EXPECT_EQ(members.driver(stays).core().config().voters().size(), 1U);
}

// The removed one loses power too, after its store was flushed, so that it finds there that it is
// removed. Its vote is needed all the same (app::RemovedForGood lets it start).
TEST(DriverTest, OfTwoVotersTheRemovedOneVotesForTheOtherEvenAfterARestart) {
  TwoVoters members;
  const auto [leader, stays] = members.leader_and_other;
  members.Change(leader, raft::ConfChangeType::kRemoveNode, leader);
  members.AwaitDurable(stays);
  members.Cut(stays);  // before it hears that it is committed
  members.Pass(milliseconds(1000));
  ASSERT_TRUE(members.at(leader).machine->StartFlush().ok());
  members.Crash(leader);
  members.Crash(stays);
  EXPECT_EQ(members.at(leader).flushed.conf_state.voters, std::vector<MemberId>{MemberId{stays}});
  members.Restart(leader);
  members.Restart(stays);
  members.Join(stays);
  members.Pass(milliseconds(10000));
  EXPECT_EQ(members.driver(stays).leader(), MemberId{stays});
  EXPECT_EQ(members.driver(stays).core().config().voters().size(), 1U);
}

// A member that forwards a change which nobody can read, or a joint one, would stop every member
// when it is applied.
TEST(DriverTest, AChangeThatNobodyCanReadIsNotProposed) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  const LogIndex before = members.driver(leader).core().last_index();
  for (const auto type : {raft::EntryType::kConfChange, raft::EntryType::kConfChangeV2}) {
    for (const std::uint64_t to : {leader, Third(leader)}) {
      raft::Message message;
      message.type = raft::MessageType::kProp;
      message.from = MemberId{Other(leader)};
      message.to = MemberId{to};
      message.entries.push_back({type, Term{}, LogIndex{}, raft::Payload("\x08\xff")});
      std::vector<raft::Message> messages{message};
      members.driver(to).Deliver(messages);
      members.Settle();
    }
  }
  EXPECT_EQ(members.driver(leader).core().last_index(), before);
  for (const std::uint64_t id : {1U, 2U, 3U}) EXPECT_FALSE(members.at(id).exit) << id;
  const auto answer = members.Propose(leader, "on");
  members.Settle();
  EXPECT_TRUE(answer->has_value() && (*answer)->ok());
}

}  // namespace
}  // namespace quorate::test
