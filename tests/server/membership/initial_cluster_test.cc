#include "membership/initial_cluster.h"

namespace quorate::membership {
namespace {

constexpr const char* kText = "a=http://1.1.1.1:2380,b=http://2.2.2.2:2380";

std::string CheckText(const std::string& text, const std::string& name,
                      std::vector<std::string> advertised) {
  const auto cluster = ParseInitialCluster(text);
  if (!cluster.ok()) return cluster.error().message;
  const Status status = CheckInitialCluster(*cluster, text, name, advertised);
  return status.ok() ? "ok" : status.error().message;
}

TEST(InitialClusterTest, ANameMayHaveSeveralUrls) {
  const auto cluster = ParseInitialCluster("a=http://b:2,a=http://a:1");
  ASSERT_TRUE(cluster.ok());
  EXPECT_THAT(cluster->at("a"), testing::ElementsAre("http://a:1", "http://b:2"));
}

TEST(InitialClusterTest, TheErrorsOfTheClusteringGuide) {
  EXPECT_EQ(CheckText(kText, "a", {"http://1.1.1.1:2380"}), "ok");
  EXPECT_EQ(CheckText(kText, "c", {"http://1.1.1.1:2380"}),
            "couldn't find local name \"c\" in the initial cluster configuration");
  EXPECT_EQ(CheckText(kText, "a", {"http://9.9.9.9:2380"}),
            "--initial-cluster has a=http://1.1.1.1:2380 but missing from "
            "--initial-advertise-peer-urls=http://9.9.9.9:2380");
  EXPECT_EQ(CheckText(kText, "a", {"http://1.1.1.1:2380", "http://9.9.9.9:2380"}),
            std::string("--initial-advertise-peer-urls has http://9.9.9.9:2380 but missing from "
                        "--initial-cluster=") +
                kText);
  EXPECT_THAT(CheckText("a=http://1.1.1.1:1,b=http://1.1.1.1:1", "a", {"http://1.1.1.1:1"}),
              testing::HasSubstr("has duplicate url"));
}

TEST(InitialClusterTest, RefusesGarbage) {
  for (const char* text :
       {"", "a", "=http://a:1", "a=", "a=b", "a=ftp://x:1", "a=http://x", "a=http://x:1/path",
        "a=http://x:99999", "a=http://:1", "a=http://x:1,"}) {
    EXPECT_FALSE(ParseInitialCluster(text).ok()) << text;
  }
}

TEST(InitialClusterTest, JoiningTakesTheRunningClustersIds) {
  const std::vector<Member> local = MakeMembers(*ParseInitialCluster(kText), "t");
  std::vector<Member> running = {{.id = MemberId{5}, .peer_urls = {"http://2.2.2.2:2380"}},
                                 {.id = MemberId{9}, .peer_urls = {"http://1.1.1.1:2380"}}};
  auto matched = MatchExisting(local, running);
  ASSERT_TRUE(matched.ok());
  for (const Member& m : *matched) EXPECT_EQ(m.id, m.name == "a" ? MemberId{9} : MemberId{5});

  running.pop_back();
  EXPECT_EQ(MatchExisting(local, running).error().message, "member count is unequal");
  running.push_back({.id = MemberId{9}, .peer_urls = {"http://3.3.3.3:2380"}});
  EXPECT_THAT(MatchExisting(local, running).error().message,
              testing::HasSubstr("no match found for existing member"));
}

}  // namespace
}  // namespace quorate::membership
