// What a runbook forbids, the server refuses by itself: in etcd's words, with a typed exit, and
// without damage.

#include <filesystem>
#include <fstream>

#include "server/app/members.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

using testing::HasSubstr;

constexpr int kRemoved = 10;
constexpr int kDataUnusable = 11;
constexpr int kWrongIdentity = 12;
constexpr int kBadConfiguration = 14;
constexpr int kBootstrapForbidden = 15;

TEST(GuardsTest, TheClusteringGuidesMistakesEndInItsWords) {
  Members members({"a", "b"});
  EXPECT_EQ(members.Run("a", {"b"}), kBadConfiguration);
  EXPECT_THAT(members.Log("a"),
              HasSubstr("couldn't find local name \\\"a\\\" in the initial cluster configuration"));
  EXPECT_EQ(members.Run("a", {"a", "b"}, {"--initial-advertise-peer-urls=http://127.0.0.1:9"}),
            kBadConfiguration);
  EXPECT_THAT(members.Log("a"), HasSubstr("but missing from --initial-advertise-peer-urls"));
  EXPECT_FALSE(std::filesystem::exists(members.DataDirectory("a") + "/member/wal"));
}

TEST(GuardsTest, JoiningACountsItsMembers) {
  Members members({"a", "b"});
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  EXPECT_EQ(members.Run("b", {"a", "b"}, {"--initial-cluster-state=existing"}), kBadConfiguration);
  EXPECT_THAT(members.Log("b"), HasSubstr("member count is unequal"));
}

TEST(GuardsTest, JoiningWithStateNewMakesAnotherClusterThatTheFirstRefuses) {
  Members members({"a", "b"});
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  const auto client = members.Connect({"a"});
  ASSERT_EQ(Put(*client, "k", "v"), "");
  members.Start("b", {"a", "b"});
  EXPECT_TRUE(WaitFor([&] {
    return members.Log("b").find("cluster ID mismatch") != std::string::npos;
  })) << members.Log("b");
  EXPECT_EQ(Get(*client, "k"), "v");
  EXPECT_EQ(client->MemberList(true)->members_size(), 1);
}

TEST(GuardsTest, ALostVolumeIsNotBootstrappedAgain) {
  Members members({"a", "b", "c"});
  members.StartAll();
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(members.AwaitHealthy(name)) << members.Log(name);
  members.Kill("c");
  members.LoseData("c");
  EXPECT_EQ(members.Run("c", {"a", "b", "c"}), 1);
  EXPECT_THAT(members.Log("c"), HasSubstr("has already been bootstrapped"));
}

TEST(GuardsTest, ARemovedMemberStopsAndStaysStopped) {
  Members members({"a", "b"});
  members.StartAll();
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  ASSERT_TRUE(members.AwaitHealthy("b")) << members.Log("b");
  const auto client = members.Connect({"a"});
  const auto list = client->MemberList(true);
  ASSERT_TRUE(list.ok());
  // Refused until both have been connected for five seconds: the strict rules.
  for (const auto& member : list->members()) {
    if (member.name() != "b") continue;
    EXPECT_TRUE(WaitFor([&] { return client->MemberRemove(MemberId{member.id()}).ok(); },
                        std::chrono::seconds(20)));
  }
  EXPECT_EQ(members.AwaitEnd("b"), kRemoved) << members.Log("b");
  EXPECT_EQ(members.Run("b", {"a", "b"}), kRemoved) << members.Log("b");
  EXPECT_THAT(members.Log("b"), HasSubstr("permanently removed from the cluster"));
  // If it led, a write that the other had just passed on to it is lost with it, as in etcd.
  EXPECT_TRUE(
      WaitFor([&] { return Put(*client, "after", "1").empty(); }, std::chrono::seconds(20)));
}

TEST(GuardsTest, TheExpectedClusterIsTheOnlyOneServed) {
  Members members({"a"});
  EXPECT_EQ(members.Run("a", {"a"}, {"--quorate-expected-cluster-id=1"}), kWrongIdentity);
  EXPECT_FALSE(std::filesystem::exists(members.DataDirectory("a") + "/member/wal"));
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  members.Kill("a");
  EXPECT_EQ(members.Run("a", {"a"}, {"--quorate-expected-cluster-id=1"}), kWrongIdentity);
  EXPECT_THAT(members.Log("a"), HasSubstr("not to the expected 1"));
}

TEST(GuardsTest, AnotherMembersDirectoryIsRefused) {
  Members members({"a", "b"});
  members.StartAll();
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  ASSERT_TRUE(members.AwaitHealthy("b")) << members.Log("b");
  members.Terminate("a");
  members.Terminate("b");
  EXPECT_EQ(members.Run("a", {"a", "b"}, {"--data-dir=" + members.DataDirectory("b")}),
            kWrongIdentity);
  EXPECT_THAT(members.Log("a"), HasSubstr("mount that member's own volume"));
}

TEST(GuardsTest, BootstrapCanBeForbidden) {
  Members members({"a"});
  EXPECT_EQ(members.Run("a", {"a"}, {"--quorate-forbid-bootstrap"}), kBootstrapForbidden);
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  members.Kill("a");
  members.Start("a", {"a"}, {"--quorate-forbid-bootstrap"});
  EXPECT_TRUE(members.AwaitHealthy("a")) << "it has data: nothing is formed";
}

TEST(GuardsTest, OneProcessADirectory) {
  Members members({"a", "b"});
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  EXPECT_EQ(members.Run("b", {"b"}, {"--data-dir=" + members.DataDirectory("a")}), 1);
  EXPECT_THAT(members.Log("b"), HasSubstr("is in use by another process"));
}

TEST(GuardsTest, DamageInTheMiddleOfTheLogStopsTheMember) {
  Members members({"a"});
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  const auto client = members.Connect({"a"});
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(Put(*client, "k" + std::to_string(i), std::string(200, 'v')), "");
  members.Kill("a");
  const std::string log =
      members.DataDirectory("a") + "/member/wal/0000000000000000-0000000000000000.wal";
  {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(2000);
    file.put('\xee');
  }
  EXPECT_EQ(members.Run("a", {"a"}), kDataUnusable);
  EXPECT_THAT(members.Log("a"), HasSubstr("crc mismatch"));
}

TEST(GuardsTest, AStoreWithoutItsLogIsNotANewMember) {
  Members members({"a"});
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  members.Kill("a");
  std::filesystem::remove_all(members.DataDirectory("a") + "/member/wal");
  EXPECT_EQ(members.Run("a", {"a"}), kDataUnusable);
  EXPECT_THAT(members.Log("a"), HasSubstr("but no log in"));
}

}  // namespace
}  // namespace quorate::test
