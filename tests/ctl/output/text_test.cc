#include "output/text.h"

#include "output/go_json.h"
#include "output/progress.h"
#include "proto/rpc.pb.h"

namespace quorate::output {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(TextTest, QuotesAsGoDoes) {
  EXPECT_EQ(Quote("a\tb\"\\\xff"), "\"a\\tb\\\"\\\\\\xff\"");
  EXPECT_EQ(Quote("é\x01"), "\"é\\x01\"");
  EXPECT_EQ(Quote(std::string(1, '\0')), "\"\\x00\"");
}

TEST(TextTest, UnquoteUndoesQuote) {
  for (const std::string text : {"", "plain", "a\tb\"\\\xff\x01\n", "é"}) {
    EXPECT_EQ(Unquote(Quote(text)), text);
  }
  EXPECT_EQ(Unquote("plain"), std::nullopt);
  EXPECT_EQ(Unquote("\"bad \\q\""), std::nullopt);
  EXPECT_EQ(Unquote("\"two\" words\""), std::nullopt);
}

TEST(TextTest, FormatsDurationsAsGoDoes) {
  EXPECT_EQ(FormatDuration(nanoseconds(0)), "0s");
  EXPECT_EQ(FormatDuration(nanoseconds(3926744)), "3.926744ms");
  EXPECT_EQ(FormatDuration(nanoseconds(5000580622)), "5.000580622s");
  EXPECT_EQ(FormatDuration(nanoseconds(1500)), "1.5µs");
  EXPECT_EQ(FormatDuration(seconds(62) + nanoseconds(500000000)), "1m2.5s");
  EXPECT_EQ(FormatDuration(seconds(7200)), "2h0m0s");
}

TEST(TextTest, ParsesDurationsAsGoDoes) {
  EXPECT_EQ(ParseDuration("5s"), seconds(5));
  EXPECT_EQ(ParseDuration("1m30s"), seconds(90));
  EXPECT_EQ(ParseDuration("1.5h"), seconds(5400));
  EXPECT_EQ(ParseDuration("0"), nanoseconds(0));
  EXPECT_EQ(ParseDuration("2562047h"), std::chrono::hours(2562047));
  // More than 292 years became a negative time, found by the fuzzer.
  for (const char* bad : {"", "5", "s", "5 s", "5x", "-5s", ".s", "1.2.3s", "2562048h",
                          "711111111111m", "99999999999999999999s"})
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
}

TEST(TextTest, FormatsSizesInThousands) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(20480), "20 kB");
  EXPECT_EQ(FormatBytes(2147483648U), "2.1 GB");
  EXPECT_EQ(FormatBytes(1000), "1.0 kB");
}

TEST(TextTest, EncodesBase64) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("k"), "aw==");
  EXPECT_EQ(Base64("v2"), "djI=");
  EXPECT_EQ(Base64("foo"), "Zm9v");
}

TEST(ProgressTest, IsSilentForASecondThenSpeaksOnceASecond) {
  Progress progress("Saving", true);
  EXPECT_EQ(progress.Update(std::chrono::milliseconds(900), 1, 2), std::nullopt);
  EXPECT_EQ(progress.Update(seconds(1), 500000, 1000000),
            "Saving: 500 kB of 1.0 MB (50%), 500 kB/s");
  EXPECT_EQ(progress.Update(std::chrono::milliseconds(1900), 600000, 1000000), std::nullopt);
  EXPECT_EQ(progress.Update(seconds(2), 800000, 0), "Saving: 800 kB, 400 kB/s");
}

TEST(GoJsonTest, PrintsTextsAsTextsAndBytesInBase64) {
  etcdserverpb::MemberListResponse members;
  auto& member = *members.add_members();
  member.set_name("a");
  member.add_peerurls("http://a:1");
  EXPECT_EQ(GoJson(members), R"({"members":[{"name":"a","peerURLs":["http://a:1"]}]})");
  etcdserverpb::RangeResponse range;
  range.add_kvs()->set_key("k");
  EXPECT_EQ(GoJson(range), R"({"kvs":[{"key":"aw=="}]})");
  etcdserverpb::StatusResponse status;
  status.set_version("3.6.14");
  EXPECT_EQ(GoJson(status), R"({"version":"3.6.14"})");
}

}  // namespace
}  // namespace quorate::output
