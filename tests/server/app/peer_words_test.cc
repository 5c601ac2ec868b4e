#include "app/peer_words.h"

namespace quorate::app {
namespace {

// Each of these ended the process: the first by running out of stack, the others by an exception
// about a field's type that nobody caught. Any of them needed no more than reach of the peer port.
TEST(PeerWordsTest, WhatNobodySaysIsRefusedNotFatal) {
  std::string deep = R"({"acknowledged":)";
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":)";
  deep += "1" + std::string(100'001, '}');
  EXPECT_EQ(ParseStateQuestion(deep).error().message, "error unmarshalling request");
  EXPECT_FALSE(ParseHashKvQuestion(deep).ok());
  EXPECT_FALSE(ParseClaim(deep).ok());
  EXPECT_FALSE(ParseHashKvQuestion(R"({"revision":"1"})").ok());
  EXPECT_FALSE(ParseHashKvAnswer(R"({"hash":1,"compact_revision":"x"})").ok());
  EXPECT_FALSE(ParseStateAnswer(R"({"applied":"x","windows":{}})").ok());
  EXPECT_FALSE(ParseStateAnswer(R"({"applied":1,"windows":5})").ok());
  EXPECT_FALSE(ParseStateQuestion(R"({"acknowledged":{"1":{"index":[]}}})").ok());
  EXPECT_FALSE(ParseAccusation(R"({"at":1.5})").ok());
  EXPECT_FALSE(ParseAccusation(R"({"at":1,"kind":5})")->hash_kv);
}

TEST(PeerWordsTest, BracketsInTextsDoNotNest) {
  EXPECT_TRUE(CheckNesting(R"({"a":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})").ok());
  EXPECT_TRUE(CheckNesting("[[]" + std::string(500, ' ') + ",[]]").ok());
  EXPECT_FALSE(CheckNesting(std::string(33, '[')).ok());
}

TEST(PeerWordsTest, ReadsWhatIsSaid) {
  EXPECT_EQ(*ParseHashKvQuestion(R"({"revision":7})"), Revision{7});
  EXPECT_EQ(*ParseHashKvQuestion("{}"), Revision{0});
  const auto hash = ParseHashKvAnswer(R"({"hash":5,"compact_revision":2,"hash_revision":3})");
  EXPECT_EQ(hash->hash, 5U);
  EXPECT_EQ(hash->compact_revision, 2);
  EXPECT_EQ(hash->hash_revision, 3);
  const auto told = ParseStateQuestion(
      R"({"from":"1","acknowledged":{"a1":{"index":9,"term":2},"none":{},"b":4}})");
  ASSERT_EQ(told->size(), 1U);
  EXPECT_EQ(told->at(MemberId{0xa1}), (Known{.index = LogIndex{9}, .term = Term{2}}));
  const auto state = ParseStateAnswer(R"({"applied":90,"windows":{"64":"ff","x":"1","128":7}})");
  EXPECT_EQ(state->applied, LogIndex{90});
  EXPECT_EQ(state->windows, (std::map<LogIndex, std::uint64_t>{{LogIndex{64}, 0xff}}));
  const auto blamed = ParseAccusation(R"({"at":64,"kind":"hashKV","hash":"a","majority":"b"})");
  EXPECT_EQ(blamed->at, 64);
  EXPECT_TRUE(blamed->hash_kv);
  EXPECT_EQ(blamed->hash, 0xaU);
  EXPECT_EQ(blamed->majority, 0xbU);
}

}  // namespace
}  // namespace quorate::app
