#include "config/config_file.h"

namespace quorate::config {
namespace {

std::string ErrorOf(const std::string& text) {
  const auto options = ParseConfigFile(text);
  return options.ok() ? "ok" : options.error().message;
}

TEST(ConfigFileTest, ReadsKeysThatAreFlagNames) {
  const auto options = ParseConfigFile(
      "name: a\n"
      "listen-client-urls: http://127.0.0.1:1,http://127.0.0.1:2\n"
      "heartbeat-interval: 200\n"
      "pre-vote: false\n");
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->name, "a");
  EXPECT_EQ(options->listen_client_urls.size(), 2U);
  EXPECT_EQ(options->heartbeat_interval, std::chrono::milliseconds(200));
  EXPECT_FALSE(options->pre_vote);
}

TEST(ConfigFileTest, ADurationWithoutAUnitIsNanoseconds) {
  EXPECT_EQ(ParseConfigFile("grpc-keepalive-min-time: 5000000000")->grpc_keepalive_min_time,
            std::chrono::seconds(5));
  EXPECT_EQ(ParseConfigFile("grpc-keepalive-min-time: 7s")->grpc_keepalive_min_time,
            std::chrono::seconds(7));
}

TEST(ConfigFileTest, MayBeJsonAndMayBeEmpty) {
  EXPECT_EQ(ParseConfigFile(R"({"name": "b"})")->name, "b");
  EXPECT_TRUE(ParseConfigFile("").ok());
}

TEST(ConfigFileTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(ErrorOf("nmae: a"), testing::HasSubstr("unknown key \"nmae\""));
  EXPECT_THAT(ErrorOf("client-transport-security: {cert-file: /x}"),
              testing::HasSubstr("--cert-file=/x: TLS is not supported yet"));
  EXPECT_THAT(ErrorOf("peer-transport-security: {client-cert-auth: true}"),
              testing::HasSubstr("--peer-client-cert-auth"));
}

TEST(ConfigFileTest, GarbageIsAnErrorAndNeverACrash) {
  for (const char* text : {"[", "a", "- a\n- b", "name: {x: 1}", "\x01\x02", "name: [[1]]", "? ? ?",
                           "heartbeat-interval: many", "pre-vote: maybe", "&a [*a]"}) {
    EXPECT_NE(ErrorOf(text), "ok") << text;
  }
}

}  // namespace
}  // namespace quorate::config
