#include "config/flag_values.h"

namespace quorate::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(FlagValuesTest, ReadsGosDurations) {
  EXPECT_EQ(*ParseDuration("300ms"), nanoseconds(milliseconds(300)));
  EXPECT_EQ(*ParseDuration("1m30s"), nanoseconds(seconds(90)));
  EXPECT_EQ(*ParseDuration("1.5h"), nanoseconds(seconds(5400)));
  EXPECT_EQ(*ParseDuration("0"), nanoseconds(0));
  EXPECT_EQ(*ParseDuration("7ns"), nanoseconds(7));
}

TEST(FlagValuesTest, RefusesGarbageDurations) {
  for (const char* text : {"", "5", "-5s", "s", "5 s", "5x", "1e3s", "300000h300000000h", "nan"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(FlagValuesTest, RefusesNumbersThatDoNotFit) {
  EXPECT_FALSE(ParseUnsigned("-1").ok());
  EXPECT_FALSE(ParseUnsigned("18446744073709551616").ok());
  EXPECT_FALSE(ParseUnsigned("1x").ok());
  EXPECT_FALSE(ParseSigned("").ok());
  EXPECT_EQ(*ParseSigned("-1"), -1);
}

}  // namespace
}  // namespace quorate::config
