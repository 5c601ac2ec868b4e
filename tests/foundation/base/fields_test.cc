#include "base/fields.h"

#include <gtest/gtest.h>

namespace quorate::fields {
namespace {

TEST(FieldsTest, VarintsRoundTripAtTheirBoundaries) {
  for (std::uint64_t number : {0ULL, 1ULL, 127ULL, 128ULL, 16383ULL, 16384ULL, 1ULL << 63, ~0ULL}) {
    std::string out;
    AppendVarint(out, number);
    EXPECT_EQ(out.size(), VarintSize(number));
    std::string_view rest = out;
    EXPECT_EQ(TakeVarint(rest), number);
    EXPECT_TRUE(rest.empty());
  }
}

TEST(FieldsTest, AVarintOfMoreThan64BitsIsRefused) {
  const std::string too_large(10, '\xff');
  std::string_view rest = too_large;
  EXPECT_EQ(TakeVarint(rest), std::nullopt);
  std::string_view cut = std::string_view(too_large).substr(0, 3);
  EXPECT_EQ(TakeVarint(cut), std::nullopt);
}

TEST(FieldsTest, ALengthBeyondTheMessageIsMalformed) {
  Reader reader(std::string_view("\x0a\x05hi", 4));
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.malformed());
}

TEST(FieldsTest, FixedNumbersAreSkippedAndGroupsRefused) {
  Reader fixed(std::string_view("\x09\1\2\3\4\5\6\7\x08\x15\1\2\3\4", 14));
  EXPECT_TRUE(fixed.Next());
  EXPECT_TRUE(fixed.Next());
  EXPECT_FALSE(fixed.Next());
  EXPECT_FALSE(fixed.malformed());
  Reader group(std::string_view("\x0b\x0c", 2));
  EXPECT_FALSE(group.Next());
  EXPECT_TRUE(group.malformed());
}

}  // namespace
}  // namespace quorate::fields
