#include "wire/raftpb.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/bytes.h"

namespace quorate::wire {
namespace {

using raft::ConfChange;
using raft::Entry;
using raft::EntryType;
using raft::Message;
using raft::MessageType;
using raft::Payload;
using raft::Snapshot;

Message FullMessage() {
  Message message;
  message.type = MessageType::kApp;
  message.to = MemberId{2};
  message.from = MemberId{0x8e9e05c52164694dULL};
  message.term = Term{5};
  message.log_term = Term{4};
  message.index = LogIndex{300};
  message.entries = {{EntryType::kNormal, Term{5}, LogIndex{301}, Payload("put")},
                     {EntryType::kConfChange, Term{5}, LogIndex{302}, Payload("change")},
                     {EntryType::kNormal, Term{5}, LogIndex{303}, Payload()}};
  message.commit = LogIndex{299};
  message.reject = true;
  message.reject_hint = LogIndex{7};
  message.context = "12345678";
  Snapshot snapshot;
  snapshot.data = Payload("data");
  snapshot.metadata.index = LogIndex{9};
  snapshot.metadata.term = Term{3};
  snapshot.metadata.conf_state.voters = {MemberId{1}, MemberId{2}};
  snapshot.metadata.conf_state.learners = {MemberId{3}};
  message.snapshot = std::make_shared<const Snapshot>(snapshot);
  return message;
}

void ExpectSame(const Message& a, const Message& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.to, b.to);
  EXPECT_EQ(a.from, b.from);
  EXPECT_EQ(a.term, b.term);
  EXPECT_EQ(a.log_term, b.log_term);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.entries, b.entries);
  EXPECT_EQ(a.commit, b.commit);
  EXPECT_EQ(a.reject, b.reject);
  EXPECT_EQ(a.reject_hint, b.reject_hint);
  EXPECT_EQ(a.context, b.context);
  ASSERT_EQ(a.snapshot != nullptr, b.snapshot != nullptr);
  if (a.snapshot) {
    EXPECT_EQ(*a.snapshot, *b.snapshot);
  }
}

TEST(RaftpbTest, EveryScalarIsWrittenEvenWhenItIsZero) {
  EXPECT_EQ(ToHex(EncodeHardState({})), "080010001800");
  EXPECT_EQ(ToHex(EncodeMessage({})), "0800100018002000280030004000500058006800");
  EXPECT_EQ(ToHex(EncodeConfState({})), "2800");
  EXPECT_EQ(ToHex(EncodeConfChange({})), "080010001800");
  EXPECT_EQ(ToHex(EncodeSnapshot({})), "12080a02280010001800");
  std::string entry;
  AppendEntry(entry, {});
  EXPECT_EQ(ToHex(entry), "080010001800");
}

TEST(RaftpbTest, TheBytesAreThoseOfEtcd) {
  std::string entry;
  AppendEntry(entry, {EntryType::kConfChange, Term{1}, LogIndex{300}, Payload("ab")});
  EXPECT_EQ(ToHex(entry), "0801100118ac0222026162");
  EXPECT_EQ(ToHex(EncodeHardState({Term{2}, MemberId{0x8e9e05c52164694dULL}, LogIndex{5}})),
            "080210cdd2918bd2b881cf8e011805");
  raft::ConfState state;
  state.voters = {MemberId{1}, MemberId{2}};
  state.learners = {MemberId{3}};
  EXPECT_EQ(ToHex(EncodeConfState(state)), "0801080210032800");
  ConfChange change;
  change.id = 7;
  change.type = raft::ConfChangeType::kAddLearnerNode;
  change.member = MemberId{9};
  change.context = "{}";
  EXPECT_EQ(ToHex(EncodeConfChange(change)), "08071003180922027b7d");
}

TEST(RaftpbTest, AMessageSurvivesTheRoundTrip) {
  const Message message = FullMessage();
  const std::string bytes = EncodeMessage(message);
  EXPECT_EQ(bytes.size(), MessageSize(message));
  const Result<Message> copy = DecodeMessage(bytes);
  ASSERT_TRUE(copy.ok());
  ExpectSame(message, *copy);
}

TEST(RaftpbTest, EntriesOfADecodedBufferAreViewsThatKeepItAlive) {
  auto buffer = std::make_shared<const std::string>(EncodeMessage(FullMessage()));
  const Result<Message> message = DecodeMessage(buffer, *buffer);
  ASSERT_TRUE(message.ok());
  const std::string_view data = message->entries[0].data.view();
  EXPECT_GE(data.data(), buffer->data());
  EXPECT_LT(data.data(), buffer->data() + buffer->size());
  buffer.reset();
  EXPECT_EQ(message->entries[0].data.view(), "put");
}

TEST(RaftpbTest, UnknownFieldsAreSkippedAndOrderIsFree) {
  std::string bytes = EncodeHardState({Term{2}, MemberId{3}, LogIndex{4}});
  bytes = "\x18\x09" + bytes + "\x7a\x03xyz";
  const auto state = DecodeHardState(bytes);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(*state, (raft::HardState{Term{2}, MemberId{3}, LogIndex{4}}));
}

TEST(RaftpbTest, PackedIdsAreRead) {
  const auto state = DecodeConfState(std::string_view("\x0a\x02\x01\x02\x28\x01", 6));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->voters, (std::vector<MemberId>{MemberId{1}, MemberId{2}}));
  EXPECT_TRUE(state->auto_leave);
}

TEST(RaftpbTest, TheEmptySnapshotThatEtcd35AlwaysWritesIsNone) {
  std::string bytes = EncodeMessage({});
  const std::string empty = EncodeSnapshot({});
  bytes += "\x4a" + std::string(1, static_cast<char>(empty.size())) + empty;
  const auto message = DecodeMessage(bytes);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->snapshot, nullptr);
}

TEST(RaftpbTest, UnknownTypesAreRefused) {
  EXPECT_FALSE(DecodeEntry("\x08\x03").ok());
  EXPECT_FALSE(DecodeMessage("\x08\x18").ok());
  EXPECT_FALSE(DecodeConfChange("\x10\x04").ok());
}

TEST(RaftpbTest, NoPrefixAndNoFlippedByteBreaksTheReader) {
  const std::string bytes = EncodeMessage(FullMessage());
  std::mt19937_64 random(1);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    static_cast<void>(DecodeMessage(std::string_view(bytes).substr(0, size)));
  }
  for (int run = 0; run < 50000; ++run) {
    std::string damaged = bytes;
    for (std::uint64_t n = 1 + random() % 4; n > 0; --n) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const auto message = DecodeMessage(damaged);
    if (message.ok()) {
      EXPECT_LE(message->entries.size(), damaged.size());
    }
    static_cast<void>(DecodeConfChange(damaged));
    static_cast<void>(DecodeConfState(damaged));
  }
}

}  // namespace
}  // namespace quorate::wire
