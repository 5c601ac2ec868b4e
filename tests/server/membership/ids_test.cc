#include "membership/ids.h"

#include "base/bytes.h"
#include "membership/initial_cluster.h"
#include "membership/version.h"

namespace quorate::membership {
namespace {

TEST(IdsTest, MatchesEtcdForASingleMember) {
  const MemberId id = MakeMemberId({"http://localhost:2380"}, "etcd-cluster");
  EXPECT_EQ(ToHex(id.value), "8e9e05c52164694d");
  EXPECT_EQ(ToHex(MakeClusterId({id}).value), "cdf818194e3a8c32");
}

TEST(IdsTest, MatchesEtcdForThreeMembersWhateverTheirOrder) {
  const auto cluster = ParseInitialCluster(
      "infra3=http://127.0.0.1:32380,infra1=http://127.0.0.1:12380,infra2=http://127.0.0.1:22380");
  ASSERT_TRUE(cluster.ok());
  std::vector<MemberId> ids;
  for (const Member& m : MakeMembers(*cluster, "etcd-cluster-1")) ids.push_back(m.id);
  EXPECT_THAT(ids, testing::ElementsAre(MemberId{0x8211f1d0f64f3269}, MemberId{0x91bc3c398fb3c146},
                                        MemberId{0xfd422379fda50e48}));
  EXPECT_EQ(ToHex(MakeClusterId({ids[2], ids[0], ids[1]}).value), "ef37ad9dc622a7c4");
}

TEST(IdsTest, ARunTimeAddDependsOnTheTime) {
  EXPECT_NE(MakeMemberId({"http://a:1"}, "", 1), MakeMemberId({"http://a:1"}, "", 2));
}

TEST(VersionTest, ParsesReleasesAndRefusesGarbage) {
  EXPECT_EQ(ParseVersion("3.6.14"), (Version{3, 6, 14}));
  EXPECT_EQ(ParseVersion("3.6.14-quorate.1"), (Version{3, 6, 14}));
  EXPECT_EQ(ParseVersion("3.6.14")->Minor().ToString(), "3.6.0");
  for (const char* text : {"", "3", "3.6", "3.6.x", "3.6.1.2", "a.b.c", "-1.0.0", "3..1"}) {
    EXPECT_FALSE(ParseVersion(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace quorate::membership
