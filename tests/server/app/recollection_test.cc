#include "app/recollection.h"

#include "base/bytes.h"
#include "sim/disk.h"

namespace quorate::app {
namespace {

constexpr MemberId kSelf{7};
constexpr const char* kPath = "/member/recollection.json";

using testing::HasSubstr;

class RecollectionTest : public testing::Test {
 protected:
  RecollectionTest() { EXPECT_TRUE(disk_.MakeDirectories("/member").ok()); }
  std::unique_ptr<Recollection> Open() { return Recollection::Open(disk_, kPath).value(); }

  sim::Disk disk_{1};
};

TEST(WhyWentBackTest, OnlyWhatAnHonestDiskCannotLoseIsHeldAgainstIt) {
  const Claim claim{kSelf, 5, 0xabc, LogIndex{100}, Term{3}};
  EXPECT_EQ(WhyWentBack(claim, {}), "") << "nobody knows anything";
  EXPECT_EQ(WhyWentBack(claim, {4, 0xdef, LogIndex{100}, Term{3}}), "");
  EXPECT_EQ(WhyWentBack(claim, {5, 0xabc, LogIndex{90}, Term{2}}), "") << "the same life";
  EXPECT_THAT(WhyWentBack(claim, {4, 1, LogIndex{101}, Term{3}}), HasSubstr("up to 101"));
  EXPECT_THAT(WhyWentBack(claim, {4, 1, LogIndex{100}, Term{4}}), HasSubstr("in term 4"));
  EXPECT_THAT(WhyWentBack(claim, {6, 1, LogIndex{1}, Term{1}}), HasSubstr("number 6"));
  EXPECT_THAT(WhyWentBack(claim, {5, 1, LogIndex{1}, Term{1}}), HasSubstr("another copy"));
}

TEST(WhyWentBackTest, ClaimsAndKnowledgeTravelAsJson) {
  const Claim claim{kSelf, 5, 0xfedcba9876543210U, LogIndex{100}, Term{3}};
  const Claim back = ParseClaim(ToJson(claim)).value();
  EXPECT_EQ(back.member, claim.member);
  EXPECT_EQ(back.nonce, claim.nonce);
  EXPECT_EQ(back.last, claim.last);
  const Known known{5, 0xfedcba9876543210U, LogIndex{7}, Term{9}};
  EXPECT_EQ(ParseKnown(ToJson(known)).value(), known);
  EXPECT_FALSE(ParseClaim("{}").ok());
  EXPECT_FALSE(ParseClaim("[").ok());
  EXPECT_FALSE(ParseKnown("404 page not found").ok());
  EXPECT_EQ(ParseKnown(R"({"index":"x","term":-1,"nonce":3})").value(), Known{});
}

TEST_F(RecollectionTest, EveryLifeHasANumberOfItsOwnThatSurvivesACrash) {
  ASSERT_TRUE(Open()->BeginLife(11).ok());
  disk_.Crash();
  const auto second = Open();
  EXPECT_EQ(second->incarnation(), 1U);
  ASSERT_TRUE(second->BeginLife(12).ok());
  disk_.Crash();
  EXPECT_EQ(Open()->incarnation(), 2U);
  EXPECT_EQ(Open()->nonce(), 12U);
}

TEST_F(RecollectionTest, OfEachMemberTheHighestIsKept) {
  const auto first = Open();
  ASSERT_TRUE(first->BeginLife(1).ok());
  first->Note(MemberId{8}, {3, 33, LogIndex{50}, Term{4}});
  first->Note(MemberId{8}, {2, 22, LogIndex{60}, Term{3}});
  first->Note(MemberId{9}, {.index = LogIndex{5}, .term = Term{1}});
  first->Forget(MemberId{9});
  ASSERT_TRUE(first->SaveChanges().ok());
  const auto second = Open();
  EXPECT_EQ(second->Of(MemberId{8}), (Known{3, 33, LogIndex{60}, Term{4}}));
  EXPECT_EQ(second->Of(MemberId{9}), Known{});
}

// One digit of what is remembered of another member was enough to have it condemned for ever.
TEST_F(RecollectionTest, AFlippedBitIsRefusedWhereverItIs) {
  const auto first = Open();
  ASSERT_TRUE(first->BeginLife(1).ok());
  first->Note(MemberId{8}, {3, 33, LogIndex{50}, Term{4}});
  ASSERT_TRUE(first->SaveChanges().ok());
  const std::size_t size = disk_.Stat(kPath)->size;
  for (std::size_t bit = 0; bit < size * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
    disk_.Damage(kPath, bit / 8, mask);
    EXPECT_EQ(Recollection::Open(disk_, kPath).error().code, Code::kDataLoss) << "bit " << bit;
    disk_.Damage(kPath, bit / 8, mask);
  }
  EXPECT_TRUE(Recollection::Open(disk_, kPath).ok());
}

// As it was written before it had a checksum.
TEST_F(RecollectionTest, AFileWithoutAChecksumIsRead) {
  const std::string text = R"({"incarnation":7,"nonce":"9f","members":{}})"
                           "\n";
  ASSERT_TRUE(io::WriteFile(disk_, kPath, AsBytes(text)).ok());
  EXPECT_EQ(Open()->incarnation(), 7U);
}

TEST_F(RecollectionTest, AVerdictIsFinal) {
  const auto first = Open();
  ASSERT_TRUE(first->BeginLife(1).ok());
  EXPECT_FALSE(first->verdict());
  ASSERT_TRUE(first->Condemn({ExitCode::kWentBack, "old"}).ok());
  ASSERT_TRUE(first->Condemn({ExitCode::kDataUnusable, "later"}).ok());
  disk_.Crash();
  const auto verdict = Open()->verdict();
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->code, ExitCode::kWentBack);
  EXPECT_EQ(verdict->message, "old");
}

TEST_F(RecollectionTest, ADamagedFileIsNotANewMember) {
  ASSERT_TRUE(io::WriteFile(disk_, kPath, AsBytes("{\"incar")).ok());
  const auto opened = Recollection::Open(disk_, kPath);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kDataLoss);
  EXPECT_THAT(opened.error().message, HasSubstr("add it anew"));
}

}  // namespace
}  // namespace quorate::app
