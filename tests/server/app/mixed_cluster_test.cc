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

// The follower joins so late that the leader has forgotten the entries it would need, and gets a
// snapshot: a database, and within the message the JSON of etcd's old store, without which etcd
// panics. It must also start again from what it kept of that.
TEST(MixedClusterTest, ARealEtcdTakesASnapshotFromUsAndStartsAgainFromIt) {
  ASSERT_NE(Part("etcd"), "") << kNoEtcd;
  Members members({"q"});
  members.Start("q", {"q"}, {"--snapshot-count=50", "--snapshot-catchup-entries=5"});
  ASSERT_TRUE(members.AwaitHealthy("q")) << members.Log("q");
  const auto ours = members.Connect({"q"});
  for (int i = 0; i < 300; ++i) ASSERT_EQ(Put(*ours, "k" + std::to_string(i), "v"), "");
  // etcd joins no cluster that has not agreed on a version yet.
  ASSERT_TRUE(WaitFor(
      [&] { return members.Http("q", "/version").find("not_decided") == std::string::npos; }));

  const EtcdServer::Ports ports;
  const std::string url = "http://127.0.0.1:" + std::to_string(ports.peer);
  const auto added = ours->MemberAdd({url}, true);
  ASSERT_TRUE(added.ok()) << added.error().message;
  EtcdServer etcd(Part("etcd"),
                  {"--initial-cluster-state=existing",
                   "--initial-cluster=default=" + url + ",q=" + members.PeerUrl("q")},
                  ports);
  const MemberId id{added->member().id()};
  const int peer_port = std::stoi(members.PeerUrl("q").substr(sizeof("http://127.0.0.1:") - 1));
  EXPECT_EQ(HttpGet(peer_port, "/downgrade/enabled"), "false");
  ASSERT_TRUE(WaitFor([&] { return ours->MemberPromote(id).ok(); }, std::chrono::seconds(30)))
      << etcd.Log() << members.Log("q");
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  EXPECT_NE(etcd.Log().find("applied snapshot"), std::string::npos) << etcd.Log();
  const auto theirs = etcdclient::MakeClient({.endpoints = {etcd.endpoint()}}).value();
  EXPECT_EQ(Get(*theirs, "k7"), "v");
  EXPECT_EQ(Put(*theirs, "after", "1"), "");

  etcd.Kill();
  etcd.Restart();
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  EXPECT_EQ(Get(*theirs, "k299"), "v");
  EXPECT_EQ(theirs->MemberList(true)->members_size(), 2);
  EXPECT_TRUE(WaitFor([&] {
    const auto there = theirs->HashKv(etcd.endpoint(), Revision{});
    const auto here = ours->HashKv(members.Endpoint("q"), Revision{});
    return there.ok() && here.ok() && there->hash() == here->hash();
  }));
}

}  // namespace
}  // namespace quorate::test
