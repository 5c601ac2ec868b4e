#include "peer/frames.h"

#include "base/bytes.h"
#include "sim/prng.h"

namespace quorate::peer {
namespace {

using raft::Message;
using raft::MessageType;

constexpr MemberId kFrom{7};
constexpr MemberId kTo{8};

raft::Entry MakeEntry(std::uint64_t index, std::uint64_t term, const std::string& data) {
  raft::Entry entry;
  entry.index = LogIndex{index};
  entry.term = Term{term};
  entry.data = raft::Payload(data);
  return entry;
}

Message MakeAppend(std::uint64_t after, std::uint64_t term, std::vector<raft::Entry> entries) {
  Message m;
  m.type = MessageType::kApp;
  m.from = kFrom;
  m.to = kTo;
  m.term = m.log_term = Term{term};
  m.index = LogIndex{after};
  m.entries = std::move(entries);
  m.commit = LogIndex{after};
  return m;
}

void ExpectSame(const Message& a, const Message& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.from, b.from);
  EXPECT_EQ(a.to, b.to);
  EXPECT_EQ(a.term, b.term);
  EXPECT_EQ(a.log_term, b.log_term);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.entries, b.entries);
  EXPECT_EQ(a.commit, b.commit);
}

std::vector<Message> AppendStream() {
  return {MakeAppend(5, 2, {MakeEntry(6, 2, "a")}),
          MakeAppend(6, 2, {MakeEntry(7, 2, "b"), MakeEntry(8, 2, "")}), MakeAppend(8, 2, {}),
          MakeAppend(8, 3, {MakeEntry(9, 3, std::string(1000, 'x'))}),
          MakeAppend(9, 3, {MakeEntry(10, 3, "c")})};
}

TEST(FramesTest, ContinuingAppendsTravelWithoutTheirHeads) {
  const auto encoder = MakeEncoder(StreamKind::kAppend);
  std::string first;
  encoder->Append(first, MakeAppend(5, 2, {MakeEntry(6, 2, "a")}));
  EXPECT_EQ(first[0], 2) << "a whole message: the stream does not know where it is";
  std::string second;
  encoder->Append(second, MakeAppend(6, 2, {MakeEntry(7, 2, "b")}));
  EXPECT_EQ(second[0], 1) << "entries alone";
  EXPECT_EQ(ToHex(std::string_view(second).substr(1, 8)), "0000000000000001");
  std::string beat;
  encoder->AppendHeartbeat(beat);
  EXPECT_EQ(beat, std::string(1, '\0'));
}

TEST(FramesTest, EverySplitGivesTheSameMessages) {
  const auto encoder = MakeEncoder(StreamKind::kAppend);
  std::string bytes;
  for (const Message& m : AppendStream()) {
    encoder->Append(bytes, m);
    encoder->AppendHeartbeat(bytes);
  }
  for (std::size_t cut = 0; cut <= bytes.size(); cut += 13) {
    const auto decoder = MakeDecoder(StreamKind::kAppend, kFrom, kTo);
    std::vector<Message> got;
    ASSERT_TRUE(decoder->Take(std::string_view(bytes).substr(0, cut), got).ok());
    ASSERT_TRUE(decoder->Take(std::string_view(bytes).substr(cut), got).ok());
    const auto expected = AppendStream();
    ASSERT_EQ(got.size(), expected.size()) << "cut at " << cut;
    for (std::size_t i = 0; i < got.size(); ++i) ExpectSame(got[i], expected[i]);
  }
}

TEST(FramesTest, MessagesTravelOneByOneAndHeartbeatsAreNotDelivered) {
  const auto encoder = MakeEncoder(StreamKind::kMessage);
  Message vote;
  vote.type = MessageType::kVote;
  vote.from = kFrom;
  vote.to = kTo;
  vote.term = Term{9};
  std::string bytes;
  encoder->AppendHeartbeat(bytes);
  encoder->Append(bytes, vote);
  const auto decoder = MakeDecoder(StreamKind::kMessage, kFrom, kTo);
  std::vector<Message> got;
  for (const char c : bytes) ASSERT_TRUE(decoder->Take(std::string_view(&c, 1), got).ok());
  ASSERT_EQ(got.size(), 1U);
  ExpectSame(got[0], vote);
}

TEST(FramesTest, ASizeNoSenderMakesIsRefusedBeforeItIsAllocated) {
  for (const StreamKind kind : {StreamKind::kAppend, StreamKind::kMessage}) {
    const auto decoder = MakeDecoder(kind, kFrom, kTo);
    std::vector<Message> got;
    std::string bytes = kind == StreamKind::kAppend ? "\x02" : "";
    bytes += std::string(8, '\xff');
    EXPECT_FALSE(decoder->Take(bytes, got).ok());
  }
}

TEST(FramesTest, GarbageNeverCrashesNorHangs) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    sim::Prng prng(seed);
    const auto encoder = MakeEncoder(StreamKind::kAppend);
    std::string bytes;
    for (const Message& m : AppendStream()) encoder->Append(bytes, m);
    for (int flips = 0; flips < 3; ++flips) {
      bytes[prng.Below(bytes.size())] = static_cast<char>(prng.Next());
    }
    for (const StreamKind kind : {StreamKind::kAppend, StreamKind::kMessage}) {
      const auto decoder = MakeDecoder(kind, kFrom, kTo);
      std::vector<Message> got;
      if (decoder->Take(bytes, got).ok()) decoder->Take(bytes, got).ok();
      EXPECT_LE(got.size(), 2 * bytes.size());
    }
  }
}

}  // namespace
}  // namespace quorate::peer
