// The read gate, the request ids, the inbox and the proposer's bounds.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "node/errors.h"
#include "node/inbox.h"
#include "node/proposer.h"
#include "node/read_gate.h"
#include "node/request_ids.h"

namespace quorate::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ReadGateTest : public testing::Test {
 protected:
  ReadGate::Instant At(milliseconds time) { return ReadGate::Instant(time); }
  void Add(const std::string& name, milliseconds time = milliseconds(0)) {
    gate_.Add(
        [this, name](const quorate::Status& status) {
          log_ += name + (status.ok() ? " " : ": " + status.error().message + " ");
        },
        At(time));
  }
  void Run(std::uint64_t applied) {
    gate_.Run(LogIndex{applied}, [] { return false; });
  }

  ReadGate gate_{ReadGate::Options{}};
  std::string log_;
};

TEST_F(ReadGateTest, ReadsThatComeDuringARoundWaitForTheNext) {
  Add("a");
  Add("b");
  ASSERT_TRUE(gate_.NeedsRound(At(milliseconds(0))));
  const std::string first = gate_.Issue(1, At(milliseconds(0)));
  Add("c");
  EXPECT_FALSE(gate_.NeedsRound(At(milliseconds(1))));
  gate_.Confirm(LogIndex{5}, first);
  Run(4);
  EXPECT_EQ(log_, "");
  Run(5);
  EXPECT_EQ(log_, "a b ");
  EXPECT_TRUE(gate_.NeedsRound(At(milliseconds(1))));
}

TEST_F(ReadGateTest, AnAnswerToAnEarlierBatchServesNoLaterOne) {
  Add("a");
  const std::string first = gate_.Issue(1, At(milliseconds(0)));
  const std::string again = gate_.Issue(2, At(milliseconds(500)));
  gate_.Confirm(LogIndex{5}, again);
  Add("b");
  gate_.Issue(3, At(milliseconds(501)));
  gate_.Confirm(LogIndex{5}, first);
  Run(9);
  EXPECT_EQ(log_, "a ");
}

// The first answer may be from before the later read was asked for (etcd #20418).
TEST_F(ReadGateTest, ARepeatedRoundTakesNobodyAlongWhomItsFirstAnswerWouldServe) {
  Add("a");
  const std::string first = gate_.Issue(1, At(milliseconds(0)));
  Add("b");
  gate_.Issue(2, At(milliseconds(500)));
  gate_.Confirm(LogIndex{5}, first);
  Run(9);
  EXPECT_EQ(log_, "a ");
}

TEST_F(ReadGateTest, ARoundIsRepeatedAfterAWhile) {
  Add("a");
  gate_.Issue(1, At(milliseconds(0)));
  EXPECT_FALSE(gate_.NeedsRound(At(milliseconds(499))));
  EXPECT_TRUE(gate_.NeedsRound(At(milliseconds(500))));
}

TEST_F(ReadGateTest, AnotherLeaderFailsWhatWasAskedOfTheOldOne) {
  Add("confirmed");
  gate_.Confirm(LogIndex{5}, gate_.Issue(1, At(milliseconds(0))));
  Add("asked");
  gate_.Issue(2, At(milliseconds(0)));
  Add("waiting");
  gate_.LeaderChanged();
  EXPECT_EQ(log_, "asked: etcdserver: leader changed ");
  EXPECT_TRUE(gate_.NeedsRound(At(milliseconds(0))));
  Run(5);
  gate_.Confirm(LogIndex{5}, gate_.Issue(3, At(milliseconds(0))));
  Run(5);
  EXPECT_EQ(log_, "asked: etcdserver: leader changed confirmed waiting ");
}

TEST_F(ReadGateTest, WhatFoundNoLeaderIsAskedOfTheFirstThatAppears) {
  Add("a");
  gate_.Issue(1, At(milliseconds(0)));
  gate_.NotSent();
  EXPECT_FALSE(gate_.NeedsRound(At(milliseconds(1))));
  gate_.LeaderChanged();
  EXPECT_TRUE(gate_.NeedsRound(At(milliseconds(1))));
  gate_.Confirm(LogIndex{5}, gate_.Issue(2, At(milliseconds(1))));
  Run(5);
  EXPECT_EQ(log_, "a ");
}

TEST_F(ReadGateTest, EachReadTimesOutInItsTurnAndSaysWhatItWaitedFor) {
  Add("confirmed");
  gate_.Confirm(LogIndex{5}, gate_.Issue(1, At(milliseconds(0))));
  Add("asked", seconds(1));
  gate_.Issue(2, At(seconds(1)));
  Add("waiting", seconds(2));
  gate_.Expire(At(seconds(7)));
  EXPECT_EQ(log_,
            "confirmed: etcdserver: request timed out, waiting for the applied index took too "
            "long ");
  log_.clear();
  gate_.Expire(At(seconds(8)));
  EXPECT_EQ(log_, "asked: etcdserver: request timed out ");
  EXPECT_EQ(gate_.size(), 1U);
}

TEST(RequestIdsTest, AreMadeOfTheMemberAndACounterThatStartsAnywhere) {
  RequestIds ids(MemberId{0x12345678}, 0xabcd'ffff'ffff'fffe);
  EXPECT_EQ(ids.Next(), 0x5678'ffff'ffff'ffffULL);
  EXPECT_EQ(ids.Next(), 0x5678'0000'0000'0000ULL) << "the member's bits stay";
}

TEST(InboxTest, WhatDoesNotFitIsRefusedUntouched) {
  InboxLimits limits;
  limits.proposals_max = 1;
  limits.messages_max = 2;
  Inbox inbox(limits);
  EXPECT_TRUE(inbox.Add(Proposal{.id = 1}));
  Proposal second{.id = 2, .data = raft::Payload("kept")};
  EXPECT_FALSE(inbox.Add(std::move(second)));
  EXPECT_EQ(second.data.view(), "kept");
  std::vector<raft::Message> messages(3);
  EXPECT_EQ(inbox.Add(messages), 1U);
  Arrivals arrivals;
  inbox.Take(arrivals, milliseconds(0));
  EXPECT_EQ(arrivals.proposals.size(), 1U);
  EXPECT_EQ(arrivals.messages.size(), 2U);
}

TEST(InboxTest, ReadsAreBounded) {
  InboxLimits limits;
  limits.reads_max = 2;
  Inbox inbox(limits);
  EXPECT_TRUE(inbox.Add(ReadCall{}));
  EXPECT_TRUE(inbox.Add(ReadCall{}));
  EXPECT_FALSE(inbox.Add(ReadCall{}));
}

TEST(InboxTest, BytesAreBoundedToo) {
  InboxLimits limits;
  limits.proposal_bytes_max = 10;
  limits.message_bytes_max = 10;
  Inbox inbox(limits);
  const auto proposal = [](std::size_t bytes) {
    return Proposal{.id = 1, .data = raft::Payload(std::string(bytes, 'x'))};
  };
  EXPECT_TRUE(inbox.Add(proposal(100))) << "one always fits, or nothing large ever would";
  EXPECT_FALSE(inbox.Add(proposal(1)));
  std::vector<raft::Message> messages(3);
  for (raft::Message& message : messages) {
    message.entries.emplace_back().data = raft::Payload(std::string(6, 'x'));
  }
  EXPECT_EQ(inbox.Add(messages), 2U);
  Arrivals arrivals;
  inbox.Take(arrivals, milliseconds(0));
  EXPECT_TRUE(inbox.Add(proposal(6))) << "taken: there is room again";
  EXPECT_FALSE(inbox.Add(proposal(6)));
}

TEST(InboxTest, WakesOncePerBatch) {
  Inbox inbox{InboxLimits{}};
  int woken = 0;
  inbox.OnArrival([&] { ++woken; });
  inbox.Add([] {});
  inbox.AddWritten(3, LogIndex{2}, Inbox::Instant{});
  EXPECT_EQ(woken, 1);
  Arrivals arrivals;
  inbox.Take(arrivals, milliseconds(0));
  EXPECT_EQ(arrivals.written, 3U);
  inbox.Add([] {});
  EXPECT_EQ(woken, 2);
}

TEST(InboxTest, WhatIsWrittenWakesNobodyWhileNobodyWaitsForIt) {
  Inbox inbox{InboxLimits{}};
  int woken = 0;
  inbox.OnArrival([&] { ++woken; });
  inbox.WakeForWritten(false);
  inbox.AddWritten(3, LogIndex{2}, Inbox::Instant{} + seconds(1));
  EXPECT_EQ(woken, 0);
  Arrivals arrivals;
  inbox.Take(arrivals, milliseconds(0));
  EXPECT_EQ(arrivals.written, 3U) << "whatever comes next brings it along";
  EXPECT_EQ(arrivals.written_at, Inbox::Instant{} + seconds(1));
  inbox.AddWritten(4, LogIndex{2}, Inbox::Instant{} + seconds(2));
  inbox.WakeForWritten(true);
  EXPECT_EQ(woken, 1) << "it was there before somebody began to wait";
  inbox.Take(arrivals, milliseconds(0));
  inbox.AddWritten(5, LogIndex{2}, Inbox::Instant{} + seconds(3));
  EXPECT_EQ(woken, 2);
}

TEST(ProposerTest, WhatNobodyTakesIsBoundedInNumberAndBytes) {
  Proposer proposer(seconds(7), {.waiting_max = 3, .queued_bytes_max = 10});
  std::string log;
  const auto take = [&](std::uint64_t id, std::size_t bytes) {
    Proposal proposal{.id = id, .data = raft::Payload(std::string(bytes, 'x'))};
    proposal.done = [&log, id](const Result<std::string>& answer) {
      log += std::to_string(id) + ": " + answer.error().message + " ";
    };
    proposer.Take(std::move(proposal), Proposer::Instant{});
  };
  take(1, 100);
  take(2, 1);
  EXPECT_EQ(log, "2: etcdserver: too many requests ");
  EXPECT_EQ(proposer.queued_bytes(), 100U);
  log.clear();
  take(3, 0);
  EXPECT_EQ(log, "3: etcdserver: too many requests ") << "the first alone is over the bytes";
  EXPECT_EQ(proposer.waiting(), 1U);
  EXPECT_EQ(proposer.failed(), 2U);
}

TEST(ProposerTest, AnswersOwedAreBounded) {
  Proposer proposer(seconds(7), {.waiting_max = 2});
  int refused = 0;
  for (std::uint64_t id = 1; id <= 5; ++id) {
    Proposal proposal{.id = id};
    proposal.done = [&refused](const Result<std::string>&) { ++refused; };
    proposer.Take(std::move(proposal), Proposer::Instant{});
  }
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(proposer.waiting(), 2U);
}

}  // namespace
}  // namespace quorate::node
