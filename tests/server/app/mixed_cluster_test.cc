// A member of ours and a real etcd 3.6 in one cluster: what speaks to etcd speaks to Quorate, peers
// included.

#include "peers/etcd.h"
#include "server/app/members.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

TEST(MixedClusterTest, OursJoinsARealEtcdFollowsItAndTakesOver) {
  ASSERT_NE(Part("etcd"), "") << kNoEtcd;
  EtcdServer etcd(Part("etcd"));
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  auto client = etcdclient::MakeClient({.endpoints = {etcd.endpoint()}}).value();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Put(*client, "k" + std::to_string(i), "v"), "");

  Members members({"q"});
  const auto added = client->MemberAdd({members.PeerUrl("q")}, true);
  ASSERT_TRUE(added.ok()) << added.error().message;
  std::vector<std::string> flags = {
      "--initial-cluster-state=existing",
      "--initial-cluster=default=" + etcd.peer_url() + ",q=" + members.PeerUrl("q")};
  members.Start("q", {"q"}, flags);
  const MemberId id{added->member().id()};
  ASSERT_TRUE(WaitFor([&] { return client->MemberPromote(id).ok(); }, std::chrono::seconds(30)))
      << members.Log("q");
  ASSERT_TRUE(members.AwaitHealthy("q")) << members.Log("q");

  const auto ours = members.Connect({"q"});
  EXPECT_EQ(Get(*ours, "k7"), "v");
  EXPECT_EQ(Put(*ours, "through-us", "1"), "") << "a proposal passed on to the real leader";
  EXPECT_EQ(Get(*client, "through-us"), "1");
  const auto equal = [&] {
    const auto theirs = client->HashKv(etcd.endpoint(), Revision{});
    const auto own = ours->HashKv(members.Endpoint("q"), Revision{});
    return theirs.ok() && own.ok() && theirs->hash() == own->hash();
  };
  EXPECT_TRUE(WaitFor(equal));

  EXPECT_TRUE(WaitFor([&] { return client->MoveLeader(etcd.endpoint(), id).ok(); }))
      << members.Log("q");
  EXPECT_EQ(Put(*client, "under-us", "2"), "") << "etcd passes it on to our leader";
  EXPECT_EQ(Get(*ours, "under-us"), "2");
  EXPECT_TRUE(WaitFor(equal));
}

}  // namespace
}  // namespace quorate::test
