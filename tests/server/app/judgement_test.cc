#include "app/judgement.h"

#include <gtest/gtest.h>

namespace quorate::app {
namespace {

using Kind = Judgement::Kind;

const std::set<MemberId> kThree = {MemberId{1}, MemberId{2}, MemberId{3}};

TEST(JudgeTest, AgreementOfThoseWhoSpokeIsNoDifference) {
  EXPECT_EQ(Judge({}, kThree).kind, Kind::kEqual);
  EXPECT_EQ(Judge({{MemberId{1}, 7}}, kThree).kind, Kind::kEqual);
  EXPECT_EQ(Judge({{MemberId{1}, 7}, {MemberId{2}, 7}, {MemberId{3}, 7}}, kThree).kind,
            Kind::kEqual);
}

TEST(JudgeTest, WhatAMajorityOfAllVotersHoldsIsRight) {
  const Judgement judgement = Judge({{MemberId{1}, 7}, {MemberId{2}, 8}, {MemberId{3}, 7}}, kThree);
  EXPECT_EQ(judgement.kind, Kind::kMinority);
  EXPECT_EQ(judgement.right, 7U);
  EXPECT_EQ(judgement.wrong, std::vector<MemberId>{MemberId{2}});
}

TEST(JudgeTest, TwoOfThreeThatDifferAreUndecidedUntilTheThirdSpeaks) {
  EXPECT_EQ(Judge({{MemberId{1}, 7}, {MemberId{2}, 8}}, kThree).kind, Kind::kUndecided);
  EXPECT_EQ(Judge({{MemberId{1}, 7}, {MemberId{2}, 8}, {MemberId{3}, 9}}, kThree).kind,
            Kind::kUndecided);
  EXPECT_EQ(Judge({{MemberId{1}, 7}, {MemberId{2}, 8}}, {MemberId{1}, MemberId{2}}).kind,
            Kind::kUndecided);
}

TEST(JudgeTest, ALearnerIsJudgedButDoesNotVote) {
  const Judgement judgement = Judge({{MemberId{1}, 7}, {MemberId{2}, 7}, {MemberId{4}, 8}}, kThree);
  EXPECT_EQ(judgement.kind, Kind::kMinority);
  EXPECT_EQ(judgement.wrong, std::vector<MemberId>{MemberId{4}});
  EXPECT_EQ(Judge({{MemberId{1}, 7}, {MemberId{4}, 8}, {MemberId{5}, 8}}, kThree).kind,
            Kind::kUndecided);
}

}  // namespace
}  // namespace quorate::app
