// The Core alone: what it does with messages by hand, and above all with those that no honest
// member would send.
#include "raft/core.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace quorate::raft {
namespace {

Options MakeOptions() {
  Options options;
  options.id = MemberId{1};
  options.random = [] { return std::uint64_t{3}; };
  return options;
}

Start MakeStart(std::uint64_t voters) {
  Start start;
  start.compacted = {LogIndex{1}, Term{1}};
  start.applied = LogIndex{1};
  start.hard_state = {Term{1}, MemberId{}, LogIndex{1}};
  for (std::uint64_t id = 1; id <= voters; ++id) start.conf_state.voters.push_back(MemberId{id});
  return start;
}

Message From(std::uint64_t from, MessageType type, std::uint64_t term) {
  Message message;
  message.type = type;
  message.from = MemberId{from};
  message.to = MemberId{1};
  message.term = Term{term};
  return message;
}

Message Append(std::uint64_t term, std::uint64_t previous, std::uint64_t previous_term,
               const std::vector<std::uint64_t>& terms, std::uint64_t commit = 0) {
  Message message = From(2, MessageType::kApp, term);
  message.index = LogIndex{previous};
  message.log_term = Term{previous_term};
  message.commit = LogIndex{commit};
  for (std::uint64_t entry_term : terms) {
    message.entries.push_back(
        {EntryType::kNormal, Term{entry_term}, LogIndex{++previous}, Payload("x")});
  }
  return message;
}

// Acts as a driver whose disk is instantly durable; returns what was sent.
std::vector<Message> Drive(Core& core) {
  std::vector<Message> sent;
  while (core.HasEffects()) {
    Effects effects = core.TakeEffects();
    if (effects.write_number != 0) core.Persisted(effects.write_number);
    if (!effects.committed.empty()) core.Applied(effects.committed.back().index);
    for (Message& message : effects.messages) sent.push_back(std::move(message));
  }
  return sent;
}

// Leads `start`'s cluster in term 2, elected by member 2.
Core MakeLeader(const Options& options, Start start) {
  Core core(options, std::move(start));
  core.Campaign();
  Drive(core);
  core.Step(From(2, MessageType::kPreVoteResp, 2));
  Drive(core);
  core.Step(From(2, MessageType::kVoteResp, 2));
  Drive(core);
  EXPECT_EQ(core.role(), Role::kLeader);
  return core;
}

Message Acknowledgement(std::uint64_t from, std::uint64_t term, LogIndex index) {
  Message message = From(from, MessageType::kAppResp, term);
  message.index = index;
  return message;
}

Message SnapshotAt(std::uint64_t index, std::uint64_t term,
                   const std::vector<std::uint64_t>& voters) {
  Snapshot snapshot;
  snapshot.metadata.index = LogIndex{index};
  snapshot.metadata.term = Term{term};
  for (std::uint64_t voter : voters) {
    snapshot.metadata.conf_state.voters.push_back(MemberId{voter});
  }
  Message message = From(2, MessageType::kSnap, term);
  message.snapshot = std::make_shared<const Snapshot>(std::move(snapshot));
  return message;
}

TEST(CoreTest, ALeaderAwaitsItsOwnWriteOnceItDecides) {
  Core core(MakeOptions(), MakeStart(3));
  core.Campaign();
  Drive(core);
  core.Step(From(2, MessageType::kPreVoteResp, 2));
  Drive(core);
  core.Step(From(2, MessageType::kVoteResp, 2));
  Drive(core);
  ASSERT_EQ(core.role(), Role::kLeader);
  std::vector<Payload> batch = {Payload("x")};
  core.Propose(batch);
  const Effects effects = core.TakeEffects();
  EXPECT_FALSE(core.AwaitsWrites()) << "nobody else has it yet";
  Message answer = From(2, MessageType::kAppResp, 2);
  answer.index = core.last_index();
  core.Step(answer);
  EXPECT_TRUE(core.AwaitsWrites());
  core.Persisted(effects.write_number);
  EXPECT_EQ(core.committed(), core.last_index());
}

TEST(CoreTest, ASingleVoterLeadsOnceItsVoteIsDurableAndCommitsOnceItsEntryIs) {
  Core core(MakeOptions(), MakeStart(1));
  core.Campaign();
  Effects vote = core.TakeEffects();
  ASSERT_TRUE(vote.hard_state);
  EXPECT_EQ(vote.hard_state->vote, MemberId{1});
  EXPECT_EQ(core.role(), Role::kCandidate);
  core.Persisted(vote.write_number);
  EXPECT_EQ(core.role(), Role::kLeader);
  Effects first = core.TakeEffects();
  ASSERT_EQ(first.entries.size(), 1U);
  EXPECT_TRUE(first.committed.empty());
  EXPECT_EQ(core.committed(), LogIndex{1});
  core.Persisted(first.write_number);
  EXPECT_EQ(core.committed(), LogIndex{2});
  EXPECT_EQ(core.TakeEffects().committed.size(), 1U);
}

TEST(CoreTest, AVoteLeavesOnlyAfterItIsDurable) {
  Core core(MakeOptions(), MakeStart(3));
  Message ask = From(2, MessageType::kVote, 5);
  ask.index = LogIndex{1};
  ask.log_term = Term{1};
  core.Step(ask);
  Effects effects = core.TakeEffects();
  EXPECT_TRUE(effects.messages.empty());
  EXPECT_EQ(effects.hard_state, (HardState{Term{5}, MemberId{2}, LogIndex{1}}));
  core.Persisted(effects.write_number);
  Effects after = core.TakeEffects();
  ASSERT_EQ(after.messages.size(), 1U);
  EXPECT_EQ(after.messages[0].type, MessageType::kVoteResp);
  EXPECT_FALSE(after.messages[0].reject);
}

// A refusal says what our term is, and a term that a crash takes back must not be known to anybody.
TEST(CoreTest, ARefusedVoteLeavesOnlyAfterItsTermIsDurable) {
  Start start = MakeStart(3);
  start.entries.push_back({EntryType::kNormal, Term{1}, LogIndex{2}, Payload("x")});
  Core core(MakeOptions(), start);
  Message ask = From(2, MessageType::kVote, 5);
  ask.index = LogIndex{1};  // a shorter log than ours
  ask.log_term = Term{1};
  core.Step(ask);
  Effects effects = core.TakeEffects();
  EXPECT_TRUE(effects.messages.empty());
  EXPECT_EQ(effects.hard_state, (HardState{Term{5}, MemberId{}, LogIndex{1}}));
  core.Persisted(effects.write_number);
  Effects after = core.TakeEffects();
  ASSERT_EQ(after.messages.size(), 1U);
  EXPECT_EQ(after.messages[0].type, MessageType::kVoteResp);
  EXPECT_TRUE(after.messages[0].reject);
  EXPECT_EQ(after.messages[0].term, Term{5});
}

// Who asks whether it could win must not have changed anybody by that.
TEST(CoreTest, AGrantedPreVoteMovesNeitherTermNorVote) {
  Core core(MakeOptions(), MakeStart(3));
  for (const std::uint64_t from : {2U, 3U}) {
    Message ask = From(from, MessageType::kPreVote, 7);
    ask.index = LogIndex{1};
    ask.log_term = Term{1};
    core.Step(ask);
    Effects effects = core.TakeEffects();
    EXPECT_FALSE(effects.hard_state);
    ASSERT_EQ(effects.messages.size(), 1U);
    EXPECT_FALSE(effects.messages[0].reject) << "to " << from;
    EXPECT_EQ(effects.messages[0].term, Term{7});
  }
  EXPECT_EQ(core.term(), Term{1});
}

TEST(CoreTest, ARefusedPreVoteNamesTheVotersTerm) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(From(2, MessageType::kPreVote, 7));  // a log that lacks everything
  const std::vector<Message> sent = Drive(core);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sent[0].reject);
  EXPECT_EQ(sent[0].term, Term{1});
}

TEST(CoreTest, APreVoteCountsOnlyForTheTermThatItWasAskedFor) {
  Core core(MakeOptions(), MakeStart(3));
  core.Campaign();
  Drive(core);
  core.Step(From(2, MessageType::kPreVoteResp, 3));  // of another time
  EXPECT_EQ(core.role(), Role::kPreCandidate);
  core.Step(From(2, MessageType::kPreVoteResp, 2));
  EXPECT_EQ(core.role(), Role::kCandidate);
}

TEST(CoreTest, OnlyVotersOfTheAppliedConfigurationElect) {
  Options options = MakeOptions();
  options.pre_vote = false;
  Start start = MakeStart(3);
  start.conf_state.learners = {MemberId{4}};
  Core core(options, start);
  core.Campaign();
  Drive(core);
  for (const std::uint64_t from : {4U, 9U}) core.Step(From(from, MessageType::kVoteResp, 2));
  EXPECT_EQ(core.role(), Role::kCandidate);
  core.Step(From(3, MessageType::kVoteResp, 2));
  EXPECT_EQ(core.role(), Role::kLeader);
}

TEST(CoreTest, ARepeatedAppendIsAcknowledgedOnlyOnceTheFirstIsDurable) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2}));
  const Effects first = core.TakeEffects();
  core.Step(Append(2, 1, 1, {2}));
  const Effects repeated = core.TakeEffects();
  EXPECT_TRUE(repeated.messages.empty());
  EXPECT_EQ(repeated.write_number, 0U);
  core.Persisted(first.write_number);
  const Effects after = core.TakeEffects();
  ASSERT_FALSE(after.messages.empty());
  EXPECT_EQ(after.messages.back().index, LogIndex{2});
}

TEST(CoreTest, OneWriteIsAcknowledgedOnceHoweverManyMessagesBroughtIt) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2}));
  core.Step(Append(2, 2, 2, {2}));
  core.Step(Append(2, 3, 2, {2}));
  const std::vector<Message> sent = Drive(core);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].index, LogIndex{4});
}

// Figure 8 of the Raft paper: an entry of an earlier term that a majority has may still be
// replaced, until one of the leader's own term is behind it.
TEST(CoreTest, AnEntryOfAnEarlierTermIsNotCommittedByCounting) {
  Options options = MakeOptions();
  options.pre_vote = false;
  options.message_bytes_max = 1;  // one entry a message
  Start start = MakeStart(3);
  start.entries.push_back({EntryType::kNormal, Term{1}, LogIndex{2}, Payload("x")});
  start.hard_state.term = Term{3};
  Core core(options, start);
  core.Campaign();
  Drive(core);
  core.Step(From(2, MessageType::kVoteResp, 4));
  Drive(core);
  ASSERT_EQ(core.role(), Role::kLeader);
  ASSERT_EQ(core.last_index(), LogIndex{3});
  Message answer = From(2, MessageType::kAppResp, 4);
  answer.index = LogIndex{2};
  core.Step(answer);
  Drive(core);
  EXPECT_EQ(core.committed(), LogIndex{1}) << "two of three have entry 2, which is of term 1";
  answer.index = LogIndex{3};
  core.Step(answer);
  Drive(core);
  EXPECT_EQ(core.committed(), LogIndex{3});
}

TEST(CoreTest, ACommitIndexAloneNeedsNoSync) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2}));
  Drive(core);
  core.Step(Append(2, 2, 2, {}, 2));
  const Effects effects = core.TakeEffects();
  EXPECT_EQ(effects.write_number, 0U);
  ASSERT_TRUE(effects.hard_state);
  EXPECT_EQ(effects.hard_state->commit, LogIndex{2});
  EXPECT_EQ(effects.committed.size(), 1U);
  core.Step(Append(2, 2, 2, {2}, 2));
  EXPECT_NE(core.TakeEffects().write_number, 0U);
}

TEST(CoreTest, AFollowerDoesNotAnswerTheMereWordThatWhatItAcknowledgedIsCommitted) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2, 2}));
  ASSERT_EQ(Drive(core).size(), 1U);
  core.Step(Append(2, 3, 2, {}, 2));
  EXPECT_TRUE(Drive(core).empty());
  EXPECT_EQ(core.committed(), LogIndex{2});
  // Without news it is a question: our acknowledgement may have been lost.
  core.Step(Append(2, 3, 2, {}, 2));
  const std::vector<Message> again = Drive(core);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].index, LogIndex{3});
}

TEST(CoreTest, AFollowerAnswersNewsOfACommitWhenThisLeaderWasNotToldWhatItHas) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2, 2}));
  Drive(core);
  Message next_leader = Append(3, 3, 2, {}, 3);
  next_leader.from = MemberId{3};
  core.Step(next_leader);
  const std::vector<Message> sent = Drive(core);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].to, MemberId{3});
  EXPECT_EQ(sent[0].index, LogIndex{3});
}

TEST(CoreTest, AFollowerCommitsNoFurtherThanItsLogMatches) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2, 2, 2}));
  core.Step(Append(3, 1, 1, {3}, 4));  // cuts 3 and 4
  Drive(core);
  EXPECT_EQ(core.committed(), LogIndex{2});
}

// A new leader probes: its log agrees up to 1, and what we have behind that it has not seen yet.
TEST(CoreTest, AFollowerCommitsNothingThatItsLeaderHasNotCompared) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2, 2, 2}));
  core.Step(Append(3, 1, 1, {}, 4));
  Drive(core);
  EXPECT_EQ(core.committed(), LogIndex{1});
}

// What a leader thinks that we have acknowledged, and we do not have.
TEST(CoreTest, ACommitIndexBeyondTheLogIsSaidAndNotBelieved) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2}));
  Drive(core);
  Message beat = From(2, MessageType::kHeartbeat, 2);
  beat.commit = LogIndex{9};
  core.Step(beat);
  const Effects effects = core.TakeEffects();
  EXPECT_EQ(effects.lost_index, LogIndex{9});
  EXPECT_TRUE(effects.messages.empty());
  EXPECT_EQ(core.committed(), LogIndex{1});
}

TEST(CoreTest, AStaleLeaderIsToldSoWithPreVoteOrCheckQuorum) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(From(2, MessageType::kHeartbeat, 5));
  Drive(core);
  core.Step(From(3, MessageType::kHeartbeat, 4));
  const std::vector<Message> sent = Drive(core);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].type, MessageType::kAppResp);
  EXPECT_EQ(sent[0].term, Term{5});
  EXPECT_EQ(sent[0].to, MemberId{3});
}

// A leader that loses its disk's last writes is told by those who heard of them. What the others
// made committed without its own disk it does not claim.
TEST(CoreTest, ALeaderSaysWhatOfTheCommittedItsDiskHolds) {
  Core core(MakeOptions(), MakeStart(3));
  core.Campaign();
  Drive(core);
  core.Step(From(2, MessageType::kPreVoteResp, 2));
  Drive(core);
  core.Step(From(2, MessageType::kVoteResp, 2));
  Drive(core);
  std::vector<Payload> batch = {Payload("x")};
  core.Propose(batch);
  const std::uint64_t write = core.TakeEffects().write_number;
  for (const std::uint64_t from : {2U, 3U}) {
    Message answer = From(from, MessageType::kAppResp, 2);
    answer.index = core.last_index();
    core.Step(answer);
  }
  EXPECT_EQ(core.committed(), LogIndex{3});
  const auto said = [&] {
    std::vector<LogIndex> indexes;
    core.Tick();
    for (const Message& message : core.TakeEffects().messages) {
      if (message.type == MessageType::kHeartbeat) indexes.push_back(message.index);
    }
    return indexes;
  };
  EXPECT_EQ(said(), std::vector(2, LogIndex{2}));
  core.Persisted(write);
  EXPECT_EQ(said(), std::vector(2, LogIndex{3}));
}

TEST(CoreTest, AFollowerRemembersTheMostItsLeaderSaid) {
  Core follower(MakeOptions(), MakeStart(3));
  Message beat = From(2, MessageType::kHeartbeat, 5);
  beat.index = LogIndex{7};
  follower.Step(beat);
  Drive(follower);
  beat.index = LogIndex{6};
  follower.Step(beat);  // overtaken on its way
  Drive(follower);
  EXPECT_EQ(follower.heard().leader, MemberId{2});
  EXPECT_EQ(follower.heard().term, Term{5});
  EXPECT_EQ(follower.heard().durable, LogIndex{7});
  follower.Step(From(3, MessageType::kHeartbeat, 6));  // etcd's leader says nothing
  Drive(follower);
  EXPECT_EQ(follower.heard().leader, MemberId{2});
}

// An address was given to another member, or a proxy mixed two connections up.
TEST(CoreTest, WhatIsMeantForAnotherMemberCountsForNobody) {
  Core core(MakeOptions(), MakeStart(3));
  core.Campaign();
  Drive(core);
  Message vote = From(2, MessageType::kPreVoteResp, 2);
  vote.to = MemberId{3};
  core.Step(vote);
  EXPECT_EQ(core.role(), Role::kPreCandidate);
  Message append = Append(4, 1, 1, {4});
  append.to = MemberId{3};
  core.Step(append);
  EXPECT_TRUE(Drive(core).empty());
  EXPECT_EQ(core.last_index(), LogIndex{1});
  EXPECT_EQ(core.term(), Term{1});
}

TEST(CoreTest, AStalePreVoteIsRefusedInWordsNotInSilence) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(From(2, MessageType::kHeartbeat, 5));
  Drive(core);
  core.Step(From(3, MessageType::kPreVote, 4));
  const std::vector<Message> sent = Drive(core);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sent[0].reject);
  EXPECT_EQ(sent[0].term, Term{5});
}

TEST(CoreTest, ALearnerVotesButNeverCampaigns) {
  Start start = MakeStart(3);
  start.conf_state.voters = {MemberId{2}, MemberId{3}};
  start.conf_state.learners = {MemberId{1}};
  Core core(MakeOptions(), start);
  for (int tick = 0; tick < 50; ++tick) core.Tick();
  core.Campaign();
  EXPECT_EQ(core.role(), Role::kFollower);
  Message ask = From(2, MessageType::kVote, 5);
  ask.index = LogIndex{1};
  ask.log_term = Term{1};
  core.Step(ask);
  const std::vector<Message> sent = Drive(core);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].reject);
}

TEST(CoreTest, AMemberThatItsConfigurationDoesNotNameVotesButNeverCampaigns) {
  Start start = MakeStart(3);
  start.conf_state.voters = {MemberId{2}, MemberId{3}};
  Core core(MakeOptions(), start);
  for (int tick = 0; tick < 50; ++tick) core.Tick();
  core.Campaign();
  EXPECT_EQ(core.role(), Role::kFollower);
  Message ask = From(2, MessageType::kVote, 5);
  ask.index = LogIndex{1};
  ask.log_term = Term{1};
  core.Step(ask);
  const std::vector<Message> sent = Drive(core);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].reject);
}

TEST(CoreTest, NoCampaignWhileACommittedChangeIsNotApplied) {
  Core core(MakeOptions(), MakeStart(3));
  Message append = Append(2, 1, 1, {2}, 2);
  append.entries[0].type = EntryType::kConfChange;
  core.Step(append);
  Effects effects = core.TakeEffects();
  core.Persisted(effects.write_number);
  core.TakeEffects();
  core.Campaign();
  EXPECT_EQ(core.role(), Role::kFollower);
  core.Applied(LogIndex{2});
  core.Campaign();
  EXPECT_EQ(core.role(), Role::kPreCandidate);
}

TEST(CoreTest, NoCampaignWhileASnapshotIsBeingInstalled) {
  Core core(MakeOptions(), MakeStart(3));
  Snapshot snapshot;
  snapshot.metadata.index = LogIndex{9};
  snapshot.metadata.term = Term{2};
  snapshot.metadata.conf_state = MakeStart(3).conf_state;
  Message message = From(2, MessageType::kSnap, 2);
  message.snapshot = std::make_shared<const Snapshot>(snapshot);
  core.Step(message);
  core.Persisted(core.TakeEffects().write_number);
  core.Campaign();
  EXPECT_EQ(core.role(), Role::kFollower);
  core.Applied(LogIndex{9});
  core.Campaign();
  EXPECT_EQ(core.role(), Role::kPreCandidate);
}

TEST(CoreTest, ASnapshotThatBringsNothingIsIgnored) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2, 2}, 2));
  Drive(core);
  core.CompactLog(LogIndex{2});
  Message late = SnapshotAt(1, 1, {1, 2});
  late.term = Term{2};
  core.Step(late);
  const Effects effects = core.TakeEffects();
  EXPECT_FALSE(effects.snapshot);
  ASSERT_EQ(effects.messages.size(), 1U);
  EXPECT_EQ(effects.messages[0].index, LogIndex{2});
  EXPECT_EQ(core.last_index(), LogIndex{3});
  EXPECT_EQ(core.config().voters().size(), 3U);
}

TEST(CoreTest, ASnapshotThatTheLogMatchesOnlyMovesTheCommitIndex) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2, 2, 2}, 2));
  Drive(core);
  core.Step(SnapshotAt(3, 2, {1, 2}));
  EXPECT_FALSE(core.TakeEffects().snapshot);
  EXPECT_EQ(core.committed(), LogIndex{3});
  EXPECT_EQ(core.last_index(), LogIndex{4});
}

TEST(CoreTest, ASnapshotReplacesLogAndConfigurationTogether) {
  Core core(MakeOptions(), MakeStart(3));
  core.Step(Append(2, 1, 1, {2, 2, 2, 2}));
  Drive(core);
  core.Step(SnapshotAt(3, 3, {1, 2}));
  const Effects effects = core.TakeEffects();
  ASSERT_TRUE(effects.snapshot);
  EXPECT_EQ(core.last_index(), LogIndex{3}) << "4 and 5 contradict it";
  EXPECT_EQ(core.committed(), LogIndex{3});
  EXPECT_EQ(core.config().voters(), (std::vector{MemberId{1}, MemberId{2}}));
}

TEST(CoreTest, ASnapshotsArrivalIsAlsoLearnedFromTheAcknowledgement) {
  Core core = MakeLeader(MakeOptions(), MakeStart(3));
  core.Step(Acknowledgement(3, 2, core.last_index()));
  Drive(core);
  core.CompactLog(core.last_index());
  core.Step(From(2, MessageType::kHeartbeatResp, 2));
  Message refusal = Acknowledgement(2, 2, core.last_index() - 1);
  refusal.reject = true;
  core.Step(refusal);
  Drive(core);
  const auto state_of_2 = [&] { return core.Members()[1].state; };
  ASSERT_EQ(state_of_2(), Progress::State::kSnapshot);
  core.Step(Acknowledgement(2, 2, core.last_index()));
  EXPECT_EQ(state_of_2(), Progress::State::kReplicate);
}

TEST(CoreTest, TheElectionTimeoutIsDrawnAnewWithinItsRange) {
  std::uint64_t drawn = 0;
  Options options = MakeOptions();
  options.random = [&drawn] { return drawn++; };
  Core core(options, MakeStart(3));
  std::set<std::uint32_t> timeouts;
  for (int election = 0; election < 30; ++election) {
    std::uint32_t ticks = 0;
    do {
      core.Tick();
      ++ticks;
    } while (Drive(core).empty());  // until it asks for pre-votes
    timeouts.insert(ticks);
    EXPECT_GE(ticks, options.election_ticks);
    EXPECT_LT(ticks, 2 * options.election_ticks);
  }
  EXPECT_GE(timeouts.size(), 5U);
}

TEST(CoreTest, AnotherLeaderOfOurOwnTermIsNotBelieved) {
  Options options = MakeOptions();
  options.pre_vote = false;
  Core core(options, MakeStart(3));
  core.Campaign();
  Drive(core);
  core.Step(From(2, MessageType::kVoteResp, 2));
  Drive(core);
  ASSERT_EQ(core.role(), Role::kLeader);
  core.Step(Append(2, 1, 1, {2, 2}, 3));
  EXPECT_EQ(core.role(), Role::kLeader);
  EXPECT_EQ(core.last_index(), LogIndex{2});
  EXPECT_EQ(core.committed(), LogIndex{1});
  EXPECT_FALSE(core.TakeEffects().notes.empty());
}

TEST(CoreTest, OfTwoChangesInTheLogTheEarlierIsCommitted) {
  Start start = MakeStart(3);
  for (std::uint64_t index = 2; index <= 5; ++index) {
    start.entries.push_back({index % 2 == 0 ? EntryType::kConfChange : EntryType::kNormal, Term{1},
                             LogIndex{index}, Payload("x")});
  }
  const Core core(MakeOptions(), start);
  EXPECT_EQ(core.committed(), LogIndex{2});
}

// etcd #4246: of two voters one was removed, and what waited for its acknowledgement waited for
// ever.
TEST(CoreTest, ASmallerMajorityCommitsWhatWaited) {
  Core core(MakeOptions(), MakeStart(2));
  core.Campaign();
  Drive(core);
  Message vote = From(2, MessageType::kPreVoteResp, 2);
  core.Step(vote);
  Drive(core);
  vote.type = MessageType::kVoteResp;
  core.Step(vote);
  Drive(core);
  ASSERT_EQ(core.role(), Role::kLeader);
  Message acknowledged = From(2, MessageType::kAppResp, 2);
  acknowledged.index = LogIndex{2};
  core.Step(acknowledged);
  Drive(core);
  Payload last("x");
  ASSERT_EQ(core.Propose({&last, 1}), Proposed::kAppended);
  Drive(core);
  ASSERT_EQ(core.committed(), LogIndex{2});
  ASSERT_TRUE(core.ApplyConfChange({1, ConfChangeType::kRemoveNode, MemberId{2}, ""}).ok());
  EXPECT_EQ(core.committed(), LogIndex{3});
}

// Nobody took over: those who could may be gone as well.
TEST(CoreTest, ARemovedLeaderLeadsForAnElectionTimeoutAtMost) {
  const Options options = MakeOptions();
  Core core = MakeLeader(options, MakeStart(3));
  ASSERT_TRUE(core.ApplyConfChange({1, ConfChangeType::kRemoveNode, MemberId{1}, ""}).ok());
  for (std::uint32_t tick = 1; tick < options.election_ticks; ++tick) {
    core.Tick();
    for (const std::uint64_t from : {2U, 3U}) core.Step(From(from, MessageType::kHeartbeatResp, 2));
    EXPECT_EQ(core.role(), Role::kLeader);
  }
  core.Tick();
  EXPECT_EQ(core.role(), Role::kFollower);
}

TEST(CoreTest, AChangeThatWaitsTwoElectionTimeoutsIsForgotten) {
  Options options = MakeOptions();
  options.check_quorum = false;
  Core core = MakeLeader(options, MakeStart(3));
  core.Step(Acknowledgement(2, 2, LogIndex{2}));
  Drive(core);
  ASSERT_EQ(core.ProposeConfChange(Payload("first")), Proposed::kAppended);
  ASSERT_EQ(core.ProposeConfChange(Payload("second")), Proposed::kAppended);
  EXPECT_EQ(core.last_index(), LogIndex{3}) << "the second waits";
  for (std::uint32_t tick = 0; tick < 2 * options.election_ticks; ++tick) core.Tick();
  core.Step(Acknowledgement(2, 2, LogIndex{3}));
  Drive(core);
  EXPECT_EQ(core.applied(), LogIndex{3});
  EXPECT_EQ(core.last_index(), LogIndex{3});
}

// A candidate asked for votes, crashed before its term was on disk, lost the end of its log with
// it, and asked again in the same term: votes for the longer log must not count for the shorter.
TEST(CoreTest, AVoteIsAskedForOnlyOnceTermAndLogAreDurable) {
  Options options = MakeOptions();
  options.pre_vote = false;
  Core core(options, MakeStart(3));
  core.Step(Append(1, 1, 1, {1}));
  core.Campaign();
  Effects effects = core.TakeEffects();
  EXPECT_NE(effects.write_number, 0U);
  EXPECT_TRUE(effects.messages.empty());
  core.Persisted(effects.write_number);
  effects = core.TakeEffects();
  ASSERT_EQ(effects.messages.size(), 3U);  // the acknowledgement of the append, then the requests
  EXPECT_EQ(effects.messages[1].type, MessageType::kVote);
  EXPECT_EQ(effects.messages[1].index, LogIndex{2});
}

TEST(CoreTest, ALogThatLacksCommittedEntriesIsDataLoss) {
  Start start = MakeStart(3);
  start.hard_state.commit = LogIndex{9};
  const Status status = Core::Validate(MakeOptions(), start);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kDataLoss);
}

TEST(CoreTest, AStateMachineAheadOfItsLogIsDataLoss) {
  Start start = MakeStart(3);
  start.applied = LogIndex{9};
  const Status status = Core::Validate(MakeOptions(), start);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kDataLoss);
}

TEST(CoreTest, ProposalsBeyondTheUncommittedLimitAreRefusedUnlessNothingElseIsPending) {
  Options options = MakeOptions();
  options.uncommitted_bytes_max = 10;
  Core core(options, MakeStart(1));
  core.Campaign();
  Drive(core);
  Payload large(std::string(50, 'x'));
  EXPECT_EQ(core.Propose({&large, 1}), Proposed::kAppended);
  Payload small("y");
  EXPECT_EQ(core.Propose({&small, 1}), Proposed::kTooMuchPending);
  EXPECT_EQ(small.view(), "y");
  Drive(core);
  EXPECT_EQ(core.uncommitted_bytes(), 0U);
  EXPECT_EQ(core.Propose({&small, 1}), Proposed::kAppended);
}

TEST(CoreTest, ReadsThatWaitAreBounded) {
  Options options = MakeOptions();
  options.reads_max = 2;
  Core core = MakeLeader(options, MakeStart(3));
  core.Step(Acknowledgement(2, 2, core.last_index()));
  Drive(core);
  for (const char* context : {"a", "b", "c"}) core.ReadIndex(context);
  const Effects round = core.TakeEffects();
  EXPECT_FALSE(round.notes.empty());
  Message answer = From(2, MessageType::kHeartbeatResp, 2);
  for (const Message& message : round.messages) {
    if (message.type == MessageType::kHeartbeat) answer.context = message.context;
  }
  core.Step(answer);
  EXPECT_EQ(core.TakeEffects().reads.size(), 2U);
}

TEST(CoreTest, WithoutALeaderNothingIsProposedOrRead) {
  Core core(MakeOptions(), MakeStart(3));
  Payload payload("x");
  EXPECT_EQ(core.Propose({&payload, 1}), Proposed::kNoLeader);
  EXPECT_EQ(core.ProposeConfChange(Payload("c")), Proposed::kNoLeader);
  EXPECT_FALSE(core.ReadIndex("12345678"));
}

TEST(CoreTest, CommittedEntriesComeInBoundedPortionsWithoutGaps) {
  Options options = MakeOptions();
  options.apply_bytes_max = 100;
  Core core(options, MakeStart(1));
  core.Campaign();
  Drive(core);
  std::vector<Payload> batch(50, Payload(std::string(30, 'x')));
  core.Propose(batch);
  LogIndex next = core.applied() + 1;
  while (core.HasEffects()) {
    const Effects effects = core.TakeEffects();
    if (effects.write_number != 0) core.Persisted(effects.write_number);
    EXPECT_LE(effects.committed.size(), 2U);
    for (const Entry& entry : effects.committed) {
      EXPECT_EQ(entry.index, next);
      ++next;
    }
    if (!effects.committed.empty()) core.Applied(effects.committed.back().index);
  }
  EXPECT_EQ(core.applied(), core.last_index());
}

// One such number would be the last: the next term, or the next index, would be 0.
TEST(CoreTest, NumbersBeyondReasonAndMessagesWithoutATermAreDropped) {
  constexpr std::uint64_t kHuge = 1ULL << 63U;
  std::vector<Message> messages = {
      From(2, MessageType::kHeartbeat, kHuge), From(2, MessageType::kVote, kHuge),
      From(2, MessageType::kHeartbeat, 0), Append(0, 1, 1, {1}), SnapshotAt(kHuge, 2, {1, 2, 3})};
  messages.push_back(Acknowledgement(2, 2, LogIndex{kHuge}));
  for (const Message& message : messages) {
    Core core(MakeOptions(), MakeStart(3));
    core.Step(message);
    const Effects effects = core.TakeEffects();
    ASSERT_EQ(effects.notes.size(), 1U) << ToString(message.type);
    EXPECT_EQ(effects.notes[0].level, Note::Level::kWarn);
    EXPECT_TRUE(effects.messages.empty());
    EXPECT_FALSE(effects.snapshot);
    EXPECT_EQ(core.term(), Term{1});
    EXPECT_EQ(core.leader(), MemberId{});
    EXPECT_EQ(core.last_index(), LogIndex{1});
  }
}

TEST(CoreTest, AnAppendWhoseEntriesDoNotFollowOnIsDropped) {
  Message gap = Append(3, 1, 1, {3, 3});
  gap.entries[1].index = LogIndex{7};
  const Message back_in_time = Append(3, 1, 1, {3, 2});
  const Message from_the_future = Append(3, 1, 1, {4});
  for (const Message& message : {gap, back_in_time, from_the_future}) {
    Core core(MakeOptions(), MakeStart(3));
    core.Step(message);
    EXPECT_TRUE(Drive(core).empty());
    EXPECT_EQ(core.last_index(), LogIndex{1});
  }
}

// No sequence of remote messages may stop the process or move the commit index past the log.
TEST(CoreTest, ArbitraryMessagesNeverBreakIt) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    const auto small = [&] {
      static constexpr std::uint64_t kOdd[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 1ULL << 62, ~0ULL};
      return kOdd[random() % (random() % 8 == 0 ? 11 : 9)];
    };
    Core core(MakeOptions(), MakeStart(1 + seed % 4));
    for (int step = 0; step < 300; ++step) {
      Message message;
      message.type = static_cast<MessageType>(random() % (kMessageTypeLast + 2));
      message.to = MemberId{random() % 10 == 0 ? 2U : 1U};
      message.from = MemberId{random() % 5};
      message.term = Term{random() % 3 == 0 ? small() : core.term().value};
      message.log_term = Term{small()};
      message.index = LogIndex{small()};
      message.commit = LogIndex{small()};
      message.reject = random() % 2 == 0;
      message.reject_hint = LogIndex{small()};
      for (std::uint64_t n = random() % 4; n > 0; --n) {
        Entry entry;
        entry.type = static_cast<EntryType>(random() % 3);
        entry.term = random() % 3 == 0 ? Term{small()} : message.log_term;
        entry.index = message.index + message.entries.size() + 1;
        message.entries.push_back(entry);
      }
      if (random() % 2 == 0) {
        Snapshot snapshot;
        snapshot.metadata.index = LogIndex{small()};
        snapshot.metadata.term = Term{small()};
        for (std::uint64_t n = random() % 4; n > 0; --n) {
          snapshot.metadata.conf_state.voters.push_back(MemberId{random() % 4});
        }
        message.snapshot = std::make_shared<const Snapshot>(std::move(snapshot));
      }
      if (random() % 4 == 0) message.context = std::string(random() % 17, 'c');
      core.Step(std::move(message));
      if (random() % 4 == 0) core.Tick();
      if (random() % 8 == 0) core.Campaign();
      if (random() % 2 != 0) continue;
      const Effects effects = core.TakeEffects();
      if (effects.write_number != 0) core.Persisted(effects.write_number);
      if (effects.snapshot) core.Applied(effects.snapshot->metadata.index);
      if (!effects.committed.empty()) core.Applied(effects.committed.back().index);
    }
    ASSERT_LE(core.committed(), core.last_index());
  }
}

}  // namespace
}  // namespace quorate::raft
