#include "base/digest.h"

#include "base/bytes.h"

namespace quorate {
namespace {

TEST(DigestTest, MatchesThePublishedVectors) {
  EXPECT_EQ(ToHex(std::string_view(Sha1("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(ToHex(std::string_view(Sha256::Of("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, PiecesMakeTheWholeAndTheObjectStartsOver) {
  Sha256 sum;
  sum.Update("a");
  sum.Update("bc");
  EXPECT_EQ(sum.Finish(), Sha256::Of("abc"));
  EXPECT_EQ(sum.Finish(), Sha256::Of(""));
}

}  // namespace
}  // namespace quorate
