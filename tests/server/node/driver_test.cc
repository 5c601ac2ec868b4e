// Three drivers in one thread, on simulated disks: proposals, reads, crashes, ends. What changes
// the members is in driver_change_test.cc, what becomes of a growing log in driver_log_test.cc.
#include "node/driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "node/errors.h"
#include "server/node/members.h"

namespace quorate::test {
namespace {

using node::Consistency;
using std::chrono::milliseconds;

TEST(DriverTest, AClusterOfOneLeadsAtOnceAndAnswersWhatIsDurable) {
  Members members(1);
  members.Settle();
  EXPECT_EQ(members.driver(1).leader(), MemberId{1});
  EXPECT_TRUE(members.at(1).machine->leads);
  members.at(1).wal_held = true;
  const auto answer = members.Propose(1, "a");
  members.Settle();
  EXPECT_FALSE(answer->has_value());
  members.at(1).wal_held = false;
  members.Settle();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->value(), "did a");
  EXPECT_TRUE(members.at(1).machine->all_committed());
}

milliseconds UntilTheFirstLeader(Members& members) {
  milliseconds waited{0};
  for (; members.driver(1).leader().value == 0; waited += milliseconds(100)) {
    members.Pass(milliseconds(100));
  }
  return waited;
}

TEST(DriverTest, AClusterThatStartsTogetherDoesNotWaitAWholeElectionTimeoutForItsFirstLeader) {
  Members early(3);
  EXPECT_LE(UntilTheFirstLeader(early), milliseconds(1200));
  node::Options patient;
  patient.first_election_early = false;
  Members late(3, patient);
  EXPECT_GE(UntilTheFirstLeader(late), milliseconds(1000));
  // The same draws of chance, so the difference is exactly what is skipped.
  Members again(3);
  Members slow(3, patient);
  const milliseconds skipped = UntilTheFirstLeader(slow) - UntilTheFirstLeader(again);
  EXPECT_GE(skipped, milliseconds(600));
  EXPECT_LE(skipped, milliseconds(700));
}

TEST(DriverTest, NoElectionIsHastenedWhileAMajorityIsOutOfReach) {
  Members members(3);
  members.Cut(2);
  members.Cut(3);
  members.Pass(milliseconds(900));
  members.Join(2);
  EXPECT_EQ(members.driver(1).term(), Term{1});
  EXPECT_EQ(members.driver(1).core().role(), raft::Role::kFollower);
  EXPECT_NE(members.Elect(), 0U);
}

TEST(DriverTest, AProposalOnAnyMemberIsAppliedOnAllAndAnsweredWhereItWasMade) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  ASSERT_NE(leader, 0U);
  const auto here = members.Propose(leader, "a");
  const auto there = members.Propose(Other(leader), "b");
  members.Settle();
  EXPECT_EQ((*here)->value(), "did a");
  EXPECT_EQ((*there)->value(), "did b");
  for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(members.texts(id).size(), 2U);
}

// While its followers do not answer, a leader takes no more than its bound of uncommitted bytes.
TEST(DriverTest, UncommittedBytesAreBoundedAndTheRestIsRefused) {
  node::Options options;
  options.uncommitted_bytes_max = 1000;
  Members members(3, options);
  const std::uint64_t leader = members.Elect();
  ASSERT_NE(leader, 0U);
  members.Cut(Other(leader));
  members.Cut(Third(leader));
  std::vector<Members::Answer> answers;
  for (int i = 0; i < 10; ++i) {
    answers.push_back(members.Propose(leader, std::string(400, 'x')));
    members.Settle();
  }
  int refused = 0;
  for (const auto& answer : answers) {
    if (!answer->has_value()) continue;
    EXPECT_EQ((**answer).error().message, "etcdserver: too many requests");
    ++refused;
  }
  EXPECT_EQ(refused, 8);
}

TEST(DriverTest, AMemberThatAppliesTooSlowlyRefusesMore) {
  node::Options options;
  options.apply_gap_max = 2;
  Members members(1, options);
  members.Settle();
  for (int i = 0; i < 12; ++i) members.Propose(1, std::string(1'200'000, 'x'));
  bool refused = false;
  for (int round = 0; round < 20; ++round) {
    members.Round();
    const auto late = members.Propose(1, "late");
    if (!late->has_value()) continue;
    EXPECT_EQ((**late).error().message, "etcdserver: too many requests");
    refused = true;
  }
  EXPECT_TRUE(refused);
  members.Settle();
  const auto after = members.Propose(1, "after");
  members.Settle();
  EXPECT_TRUE((**after).ok());
}

// A restored copy of the disk: the leader's heartbeat speaks of entries that were acknowledged and
// are gone.
TEST(DriverTest, AMemberWhoseDiskWentBackEndsInsteadOfFollowing) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  ASSERT_NE(leader, 0U);
  for (int i = 0; i < 5; ++i) members.Propose(leader, "x");
  members.Settle();
  const std::uint64_t victim = Other(leader);
  members.WipeLog(victim);
  members.Pass(std::chrono::milliseconds(300));
  ASSERT_TRUE(members.at(victim).exit);
  EXPECT_EQ(*members.at(victim).exit, node::Exit::kWentBack);
  EXPECT_THAT(members.at(victim).exit_text, testing::HasSubstr("went back in time"));
  EXPECT_FALSE(members.at(leader).exit);
}

TEST(DriverTest, WhatArrivesInOneTurnIsOneWriteAndOneCommit) {
  Members members(1);
  members.Settle();
  const std::uint64_t syncs = members.driver(1).log_writer().syncs();
  const int commits = members.at(1).machine->commits;
  for (int i = 0; i < 200; ++i) members.Propose(1, "x");
  members.Settle();
  EXPECT_EQ(members.texts(1).size(), 200U);
  EXPECT_EQ(members.driver(1).log_writer().syncs(), syncs + 1);
  EXPECT_EQ(members.at(1).machine->commits, commits + 1);
}

// A leader always has others to hear, and who has a client has that.
TEST(DriverTest, OnlyAMemberThatWouldOnlyWaitWritesInItsLoop) {
  Members members(3);
  members.Settle();
  const std::uint64_t leader = members.Elect();
  const std::uint64_t follower = Other(leader);
  for (std::uint64_t id = 1; id <= 3; ++id) members.driver(id).log_writer().OfferLoop();
  for (int i = 0; i < 40; ++i) {  // the disks prove to be quick
    members.Propose(leader, "x");
    members.Settle();
  }
  for (std::uint64_t id = 1; id <= 3; ++id) members.at(id).wal_held = true;
  members.Propose(leader, "alone");
  members.Settle();
  EXPECT_FALSE(members.driver(follower).log_writer().waiting());
  EXPECT_TRUE(members.driver(leader).log_writer().waiting());
  members.at(leader).wal_held = false;
  members.Settle();
  EXPECT_EQ(members.texts(leader).size(), 41U);
  members.Propose(follower, "of a client");
  members.Settle();
  EXPECT_EQ(members.texts(leader).size(), 42U);
  EXPECT_TRUE(members.driver(follower).log_writer().waiting());
}

TEST(DriverTest, WhatComesWhileTheLeaderWritesGoesOutTogetherAfterwards) {
  Members members(3);
  members.Settle();
  const std::uint64_t leader = members.Elect();
  members.at(leader).wal_held = true;
  members.Propose(leader, "first");
  members.Settle();
  EXPECT_EQ(members.texts(Other(leader)).size(), 1U);  // the others are a majority
  const int commits = members.at(Other(leader)).machine->commits;
  for (int i = 0; i < 10; ++i) {
    members.Propose(i % 2 == 0 ? leader : Third(leader), "more");
    members.Round();
  }
  members.Settle();
  EXPECT_EQ(members.texts(Other(leader)).size(), 1U);
  members.at(leader).wal_held = false;
  members.Settle();
  for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(members.texts(id).size(), 11U);
  EXPECT_EQ(members.at(Other(leader)).machine->commits, commits + 1);
}

void ProposeOneByOne(Members& members, std::uint64_t id, int count) {
  for (int i = 0; i < count; ++i) {
    members.Propose(id, "x");
    members.Settle();
  }
}

TEST(DriverTest, WhereWriteFollowsOnWriteTheNextAppendTellsWhatIsCommitted) {
  Members members(3);
  members.Settle();
  const std::uint64_t leader = members.Elect();
  ProposeOneByOne(members, leader, 10);
  EXPECT_EQ(members.texts(leader).size(), 10U);
  EXPECT_EQ(members.texts(Other(leader)).size(), 9U);
  members.Pass(std::chrono::milliseconds(100));
  EXPECT_EQ(members.texts(Other(leader)).size(), 10U) << "no other came";
  members.Propose(leader, "x");
  members.Settle();
  EXPECT_EQ(members.texts(Other(leader)).size(), 11U) << "after a pause it is told at once";
}

TEST(DriverTest, WhatIsCommittedIsToldAtOnceWhereSomebodyWaits) {
  Members members(3);
  members.Settle();
  const std::uint64_t leader = members.Elect();
  ProposeOneByOne(members, leader, 10);
  const auto read = members.Read(Other(leader), node::Consistency::kLinearizable);
  members.Settle();
  EXPECT_TRUE(*read);
  EXPECT_EQ(members.texts(Other(leader)).size(), 10U);
  for (int i = 0; i < 10; ++i) {
    const auto answer = members.Propose(Other(leader), "y");
    members.Settle();
    EXPECT_TRUE(*answer);
  }
}

TEST(DriverTest, AnObserverHearsOfSyncsCommitsLeadersAndProposals) {
  Members members(3);
  members.Settle();
  const std::uint64_t leader = members.Elect();
  const Counts& counts = members.at(leader).counts;
  members.Propose(leader, "a");
  members.Settle();
  EXPECT_EQ(counts.syncs, members.driver(leader).log_writer().syncs());
  EXPECT_EQ(counts.commits, members.at(leader).machine->commits);
  EXPECT_EQ(counts.leader_changes, 1);
  EXPECT_EQ(counts.waiting, 0U);
  EXPECT_EQ(counts.failed, 0U);

  members.Cut(leader);
  members.Propose(leader, "b");
  members.Round();
  EXPECT_EQ(counts.waiting, 1U);
  members.Pass(std::chrono::seconds(20));
  EXPECT_EQ(counts.waiting, 0U);
  EXPECT_EQ(counts.failed, 1U);
}

TEST(DriverTest, AProposalWithoutALeaderWaitsForOne) {
  Members members(3);
  const auto answer = members.Propose(1, "early");
  members.Settle();
  EXPECT_FALSE(answer->has_value());
  ASSERT_NE(members.Elect(), 0U);
  members.Settle();
  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->ok());
}

TEST(DriverTest, AProposalThatFindsNoMajorityTimesOutInEtcdsWords) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.Pass(milliseconds(3000));
  members.Cut(leader);
  const auto answer = members.Propose(leader, "lost");
  const auto read = members.Read(leader, Consistency::kLinearizable);
  members.Pass(milliseconds(7500));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error(), node::errors::TimedOut());
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->error(), node::errors::TimedOut());
}

TEST(DriverTest, AProposalFromTheTimeOfAFailedLeaderTimesOutSayingSo) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.Pass(milliseconds(3000));
  members.Cut(leader);
  const auto answer = members.Propose(Other(leader), "to the dead");
  const std::uint64_t next = members.Elect();
  ASSERT_NE(next, 0U);
  members.Pass(milliseconds(7500));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error(), node::errors::TimedOutByLeaderFailure());
}

// What was on its way to a leader that died is in doubt for good, and its client hears so as soon
// as the next leader's first entry is applied; what came after the news of its end just waits.
TEST(DriverTest, WhenTheLeadersProcessEndsTheDoubtfulIsAnsweredAtOnceAndTheRestGoesThrough) {
  Members cluster(3);
  const std::uint64_t leader = cluster.Elect();
  const std::uint64_t one = leader % 3 + 1;
  const std::uint64_t other = one % 3 + 1;
  cluster.Crash(leader);
  const Members::Answer doubtful = cluster.Propose(one, "sent to nobody");
  cluster.Settle();
  cluster.driver(one).ReportGone(MemberId{leader});
  cluster.driver(other).ReportGone(MemberId{leader});
  cluster.Settle();
  EXPECT_EQ(cluster.driver(one).leader(), MemberId{0});
  const Members::Answer later = cluster.Propose(one, "later");
  cluster.Settle();
  EXPECT_FALSE(doubtful->has_value());
  cluster.Pass(std::chrono::milliseconds(700));  // less than the election timeout
  ASSERT_TRUE(doubtful->has_value());
  EXPECT_EQ((*doubtful)->error().message,
            "etcdserver: request timed out, possibly due to previous leader failure");
  ASSERT_TRUE(later->has_value());
  EXPECT_TRUE((*later)->ok());
  EXPECT_EQ(cluster.texts(other), std::vector<std::string>{"later"});
}

TEST(DriverTest, TooLargeARequestIsRefused) {
  Members members(1);
  const auto answer = members.Propose(1, std::string(2 << 20, 'x'));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error(), node::errors::RequestTooLarge());
}

TEST(DriverTest, ALinearizableReadSeesEverythingAnsweredBefore) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  const auto answer = members.Propose(leader, "a");
  while (!answer->has_value()) members.Round();
  const std::uint64_t other = Other(leader);
  auto seen = std::make_shared<std::size_t>(99);
  members.driver(other).Read(Consistency::kLinearizable, [&members, seen, other](Status status) {
    if (status.ok()) *seen = members.texts(other).size();
  });
  members.Settle();
  EXPECT_EQ(*seen, 1U);
}

TEST(DriverTest, ReadsAskedTogetherShareARoundAndALostRoundIsRepeated) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  const std::uint64_t other = Other(leader);
  members.Cut(other);
  const auto first = members.Read(other, Consistency::kLinearizable);
  members.Settle();
  EXPECT_FALSE(first->has_value());
  members.Join(other);
  members.Pass(milliseconds(600));
  ASSERT_TRUE(first->has_value());
  EXPECT_TRUE((*first)->ok());
}

TEST(DriverTest, WhenAnotherLeaderAppearsReadsAskedOfTheOldOneFail) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.Cut(leader);
  const auto read = members.Read(leader, Consistency::kLinearizable);
  members.Settle();
  const std::uint64_t next = members.Elect();
  ASSERT_NE(next, 0U);
  EXPECT_FALSE(read->has_value());
  members.Join(leader);
  members.Pass(milliseconds(300));
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->error(), node::errors::LeaderChanged());
}

TEST(DriverTest, NothingAnsweredIsLostWhenAllLosePower) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  std::vector<std::string> answered;
  for (int i = 0; i < 50; ++i) {
    const std::string text = "v" + std::to_string(i);
    const auto answer = members.Propose(leader, text);
    for (int round = 0; round < 8; ++round) members.Round();
    if (answer->has_value() && (*answer)->ok()) answered.push_back(text);
  }
  ASSERT_GT(answered.size(), 30U);
  for (std::uint64_t id = 1; id <= 3; ++id) members.Crash(id);
  for (std::uint64_t id = 1; id <= 3; ++id) members.Restart(id);
  ASSERT_NE(members.Elect(), 0U);
  members.Settle();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    ASSERT_GE(members.texts(id).size(), answered.size());
    EXPECT_TRUE(std::equal(answered.begin(), answered.end(), members.texts(id).begin()));
  }
}

TEST(DriverTest, ARestartedMemberShowsNothingOlderThanItHadCommitted) {
  Members members(1);
  members.Settle();
  const auto answer = members.Propose(1, "a");
  members.Settle();
  ASSERT_TRUE(answer->has_value());
  members.Propose(1, "b");  // carries the commit index of a into the log
  members.Settle();
  members.Crash(1);
  members.Restart(1);
  std::size_t seen = 99;
  members.driver(1).Read(Consistency::kSerializable,
                         [&](Status /*status*/) { seen = members.texts(1).size(); });
  members.Settle();
  EXPECT_GE(seen, 1U);
  EXPECT_NE(seen, 99U);
}

// A leader that hands over found a lease expired; the word waited and went to its successor, who
// had renewed the lease meanwhile.
TEST(DriverTest, WhatOnlyALeaderMayDecideIsNotPassedOn) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.driver(leader).TransferLeadership(MemberId{Third(leader)}, [](const Status&) {});
  members.Round();
  const std::uint64_t id = members.driver(leader).NextRequestId();
  std::optional<Result<std::string>> answer;
  members.driver(leader).ProposeLeading(
      id, MakeRequest(id, "word"), [&answer](const Result<std::string>& done) { answer = done; });
  members.Settle();
  EXPECT_EQ(members.driver(leader).leader(), MemberId{Third(leader)});
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->ok());
  for (const std::uint64_t member : {1U, 2U, 3U}) {
    const auto& texts = members.texts(member);
    EXPECT_EQ(std::count(texts.begin(), texts.end(), "word"), 0) << member;
  }
}

TEST(DriverTest, LeadershipMovesOnRequest) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  auto outcome = std::make_shared<std::optional<Status>>();
  members.driver(leader).TransferLeadership(MemberId{Third(leader)},
                                            [outcome](Status status) { *outcome = status; });
  members.Settle();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_TRUE((*outcome)->ok());
  EXPECT_EQ(members.driver(leader).leader(), MemberId{Third(leader)});
  members.driver(leader).TransferLeadership(MemberId{leader},
                                            [outcome](Status status) { *outcome = status; });
  members.Settle();
  EXPECT_EQ((*outcome)->error(), node::errors::NotLeader());
  members.driver(Third(leader)).TransferLeadership(MemberId{99}, [outcome](Status status) {
    *outcome = status;
  });
  members.Settle();
  EXPECT_EQ((*outcome)->error(), node::errors::BadTransferee());
}

TEST(DriverTest, AStoppingLeaderHandsOverFirstAndAnswersEverybody) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  bool stopped = false;
  members.driver(leader).Stop([&] { stopped = true; });
  const auto parked = members.Propose(leader, "late");
  members.Settle(60);
  EXPECT_TRUE(stopped);
  EXPECT_NE(members.driver(Other(leader)).leader(), MemberId{leader});
  EXPECT_NE(members.driver(Other(leader)).leader(), MemberId{});
  ASSERT_TRUE(parked->has_value());
  const auto after = members.Propose(leader, "too late");
  ASSERT_TRUE(after->has_value());
  EXPECT_EQ((*after)->error(), node::errors::Stopped());
}

// All members are told to stop at once: the heir stepped forward, took the leader's office, and
// went away before it was elected. The old leader used to wait its whole request time, seven
// seconds, for a successor that could not come.
TEST(DriverTest, AStoppingLeaderWaitsForNoHeirThatWentAway) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  bool stopped = false;
  members.driver(leader).Stop([&] { stopped = true; });
  for (int i = 0; i < 60 && members.driver(leader).leader() == MemberId{leader}; ++i) {
    members.Round();
  }
  ASSERT_EQ(members.driver(leader).leader(), MemberId{});
  ASSERT_FALSE(stopped);
  members.Cut(Other(leader));
  members.Cut(Third(leader));
  members.Settle();
  EXPECT_TRUE(stopped);
}

TEST(DriverTest, AStoppingLeaderWaitsTwoElectionTimeoutsAtMostForAnHeirThatHangs) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.at(Other(leader)).wal_held = true;
  members.at(Third(leader)).wal_held = true;
  bool stopped = false;
  members.driver(leader).Stop([&] { stopped = true; });
  members.Settle();
  EXPECT_FALSE(stopped);
  members.Pass(2 * node::Options().election_timeout + node::Options().heartbeat_interval);
  EXPECT_TRUE(stopped);
}

TEST(DriverTest, AFailedSyncStopsTheMemberForGood) {
  Members members(1);
  members.Settle();
  members.at(1).disk->Inject({sim::Operation::kSync, "", Code::kDataLoss, 0, false});
  const auto answer = members.Propose(1, "a");
  members.Settle();
  EXPECT_EQ(members.at(1).exit, node::Exit::kDataUnusable);
  ASSERT_TRUE(answer->has_value());
  EXPECT_FALSE((*answer)->ok());
  EXPECT_FALSE(members.driver(1).Turn(std::chrono::nanoseconds(0)));
}

TEST(DriverTest, AFullDiskHasAnExitOfItsOwn) {
  Members members(1);
  members.Settle();
  members.at(1).disk->Inject({sim::Operation::kSync, "", Code::kResourceExhausted, 0, false});
  members.Propose(1, "a");
  members.Settle();
  EXPECT_EQ(members.at(1).exit, node::Exit::kDiskFull);
  EXPECT_NE(members.at(1).exit_text.find("make room on the volume"), std::string::npos);
}

TEST(DriverTest, AStateMachineThatCannotBeTrustedStopsTheMember) {
  Members members(1);
  members.Settle();
  members.Propose(1, "poison");
  members.Settle();
  EXPECT_EQ(members.at(1).exit, node::Exit::kDataUnusable);
  EXPECT_NE(members.at(1).exit_text.find("poisoned"), std::string::npos);
}

TEST(DriverTest, ALoopThatWasHeldUpDoesNotCampaignForThatAlone) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  const Term term = members.driver(leader).term();
  members.clock().Advance(std::chrono::seconds(30));  // the machine was suspended
  members.Pass(milliseconds(2000));
  EXPECT_EQ(members.driver(leader).term(), term);
}

TEST(DriverTest, StatusTellsWhatTheOperatorNeeds) {
  Members members(3);
  const std::uint64_t leader = members.Elect();
  members.Propose(leader, "a");
  members.Pass(milliseconds(200));
  const node::Status status = members.driver(leader).status();
  EXPECT_EQ(status.role, raft::Role::kLeader);
  EXPECT_EQ(status.leader, MemberId{leader});
  EXPECT_EQ(status.applied, status.committed);
  ASSERT_EQ(status.progress.size(), 3U);
  for (const auto& progress : status.progress) EXPECT_EQ(progress.match, status.committed);
}

}  // namespace
}  // namespace quorate::test
