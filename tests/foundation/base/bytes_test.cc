#include "base/bytes.h"

namespace quorate {
namespace {

TEST(HexTest, NumbersHaveNoPaddingAndComeBack) {
  EXPECT_EQ(ToHex(std::uint64_t{0x8e9e05c52164694d}), "8e9e05c52164694d");
  EXPECT_EQ(ToHex(std::uint64_t{0xab}), "ab");
  EXPECT_EQ(ParseHex("ab"), 0xabU);
  EXPECT_EQ(ParseHex("ffffffffffffffff"), ~std::uint64_t{0});
}

TEST(HexTest, RefusesWhatIsNotANumber) {
  for (const char* text : {"", "g", "0x1", " 1", "1 ", "11111111111111111", "-1"}) {
    EXPECT_FALSE(ParseHex(text).has_value()) << text;
  }
}

TEST(BigEndianTest, RoundTrips) {
  std::string out;
  AppendBigEndian64(out, 0x0102030405060708U);
  EXPECT_EQ(ToHex(std::string_view(out)), "0102030405060708");
  EXPECT_EQ(ReadBigEndian64(out), 0x0102030405060708U);
}

TEST(KeyRangeTest, MeansWhatEtcdMeans) {
  using std::string_view_literals::operator""sv;
  EXPECT_TRUE(KeyRange::FromEtcd("a", "").Contains("a"));
  EXPECT_FALSE(KeyRange::FromEtcd("a", "").Contains("aa"));
  EXPECT_TRUE(KeyRange::FromEtcd("a", "c").Contains("b"));
  EXPECT_FALSE(KeyRange::FromEtcd("a", "c").Contains("c"));
  EXPECT_TRUE(KeyRange::FromEtcd("b", "\0"sv).Contains("zzz"));
  EXPECT_FALSE(KeyRange::FromEtcd("b", "\0"sv).Contains("a"));
  EXPECT_FALSE(KeyRange::FromEtcd("c", "a").Contains("b"));  // empty, not an error
}

}  // namespace
}  // namespace quorate
