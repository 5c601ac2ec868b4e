// Members as processes: what clients keep when processes are killed, replaced and forced.

#include <thread>

#include "peers/etcd.h"
#include "server/app/members.h"
#include "support/root.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

using Names = std::vector<std::string>;

class ClusterTest : public testing::Test {
 protected:
  void StartThree() {
    members_.StartAll();
    for (const std::string& name : kAll) {
      ASSERT_TRUE(members_.AwaitHealthy(name)) << members_.Log(name);
    }
  }
  // HashKV of every member at the highest revision they all have; equal or nothing.
  void ExpectEqualHashes(const Names& names) {
    const auto client = members_.Connect(names);
    EXPECT_TRUE(WaitFor([&] {
      std::set<std::pair<std::int64_t, std::uint32_t>> hashes;
      for (const std::string& name : names) {
        const auto hash = client->HashKv(members_.Endpoint(name), Revision{});
        if (!hash.ok()) return false;
        hashes.emplace(hash->hash_revision(), hash->hash());
      }
      return hashes.size() == 1;
    }));
  }

  const Names kAll = {"a", "b", "c"};
  Members members_{kAll};
};

TEST(SingleMemberTest, AcknowledgedWritesSurviveKillAfterKill) {
  Members members({"a"});
  int written = 0;
  for (int round = 0; round < 5; ++round) {
    members.Start("a", {"a"});
    ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
    const auto client = members.Connect({"a"});
    for (int i = 0; i < written; ++i) {
      ASSERT_EQ(Get(*client, "k" + std::to_string(i)), std::to_string(i));
    }
    for (int i = 0; i < 40; ++i, ++written) {
      ASSERT_EQ(Put(*client, "k" + std::to_string(written), std::to_string(written)), "");
    }
    members.Kill("a");
  }
}

// Its name went into the log as it was, and protobuf refused to read the entry: every member ended,
// and ended again at each start.
TEST(ForeignNameTest, AMembersNameNeedNotBeUtf8) {
  const Names names = {"a\xff", "b"};
  Members members(names);
  members.StartAll();
  for (const std::string& name : names) {
    ASSERT_TRUE(members.AwaitHealthy(name)) << members.Log(name);
  }
  members.Terminate(names[0]);
  members.Start(names[0], names);
  ASSERT_TRUE(members.AwaitHealthy(names[0])) << members.Log(names[0]);
  const auto list = members.Connect(names)->MemberList(true);
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ(list->members_size(), 2);
}

TEST(SingleMemberTest, SigtermIsGracefulAndQuick) {
  Members members({"a"});
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  EXPECT_EQ(members.Terminate("a"), 128 + 15);
  EXPECT_THAT(members.Log("a"), testing::HasSubstr("closed server"));
}

TEST(SingleMemberTest, CompactsByItselfWhenAsked) {
  Members members({"a"});
  members.Start("a", {"a"}, {"--auto-compaction-mode=periodic", "--auto-compaction-retention=1s"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  const auto client = members.Connect({"a"});
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Put(*client, "k", std::to_string(i)), "");
  EXPECT_TRUE(WaitFor([&] {
    return members.Http("a", "/quorate/status").find("\"compactRevision\":21") != std::string::npos;
  })) << members.Http("a", "/quorate/status");
  EXPECT_EQ(Get(*client, "k"), "19");
}

// The value of a text field of a member's status.
std::string FieldOf(const std::string& status, const std::string& name) {
  const std::string mark = "\"" + name + "\":\"";
  const std::size_t begin = status.find(mark);
  if (begin == std::string::npos) return "";
  return status.substr(begin + mark.size(),
                       status.find('"', begin + mark.size()) - begin - mark.size());
}

TEST(SingleMemberTest, AStatusCanBeWaitedFor) {
  Members members({"a"});
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  const std::string state = FieldOf(members.Http("a", "/quorate/status"), "state");
  ASSERT_NE(state, "");
  EXPECT_EQ(FieldOf(members.Http("a", "/quorate/status?since=another"), "state"), state)
      << "what is not the present state is answered at once";
  std::string changed;
  std::thread waiter(
      [&] { changed = FieldOf(members.Http("a", "/quorate/status?since=" + state), "state"); });
  const auto client = members.Connect({"a"});
  EXPECT_TRUE(client->MemberAdd({"http://127.0.0.1:1"}, true).ok());
  waiter.join();
  EXPECT_NE(changed, "");
  EXPECT_NE(changed, state);
}

TEST_F(ClusterTest, WritesGoOnWhenTheLeaderIsKilledAndItCatchesUpLater) {
  StartThree();
  const std::string leader = members_.AwaitLeader(kAll);
  ASSERT_NE(leader, "");
  const auto all = members_.Connect(kAll);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Put(*all, "k" + std::to_string(i), "v"), "");
  members_.Kill(leader);
  Names rest = kAll;
  std::erase(rest, leader);
  const auto client = members_.Connect(rest);
  EXPECT_TRUE(WaitFor([&] { return Put(*client, "after", "kill").empty(); }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get(*client, "k" + std::to_string(i)), "v");
  members_.Start(leader, kAll);
  ASSERT_TRUE(members_.AwaitHealthy(leader)) << members_.Log(leader);
  ExpectEqualHashes(kAll);
}

// Kubernetes asks for a leader on every watch. When there was none for long the member ended the
// stream, but its watchers stayed and told the next event to memory that was gone.
TEST_F(ClusterTest, AWatchThatAskedForALeaderEndsWithoutOneAndLeavesNothingBehind) {
  StartThree();
  const auto client = members_.Connect({"a"});
  etcdclient::CallOptions options;
  options.require_leader = true;
  const auto stream = client->Open(etcdclient::kWatch, options).value();
  etcdserverpb::WatchRequest request;
  request.mutable_create_request()->set_key("k");
  ASSERT_TRUE(stream->Write(request).ok());
  etcdserverpb::WatchResponse response;
  ASSERT_TRUE(stream->Next(response, std::chrono::seconds(20)).ok());
  ASSERT_TRUE(response.created());
  for (const char* name : {"b", "c"}) members_.Kill(name);
  const auto ended = stream->Next(response, std::chrono::seconds(30));
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().message, "etcdserver: no leader");
  for (const char* name : {"b", "c"}) members_.Start(name, kAll);
  for (const std::string& name : kAll) ASSERT_TRUE(members_.AwaitHealthy(name));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Put(*client, "k", std::to_string(i)), "");
  EXPECT_TRUE(members_.Running("a")) << members_.Log("a");
  EXPECT_THAT(members_.Metrics("a"),
              testing::HasSubstr("\netcd_debugging_mvcc_watch_stream_total 0"));
}

TEST_F(ClusterTest, ComesBackWithAllDataWhenEverybodyIsKilledAtOnce) {
  StartThree();
  const auto client = members_.Connect(kAll);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Put(*client, "k" + std::to_string(i), "v"), "");
  for (const std::string& name : kAll) members_.Kill(name);
  members_.StartAll();
  for (const std::string& name : kAll)
    ASSERT_TRUE(members_.AwaitHealthy(name)) << members_.Log(name);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Get(*client, "k" + std::to_string(i)), "v");
  ExpectEqualHashes(kAll);
}

TEST_F(ClusterTest, AFailedMemberIsReplacedThroughALearner) {
  StartThree();
  const auto client = members_.Connect({"a", "b"});
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Put(*client, "k" + std::to_string(i), "v"), "");
  members_.Kill("c");
  members_.LoseData("c");
  const auto list = client->MemberList(true);
  for (const auto& member : list->members()) {
    if (member.name() == "c") {
      EXPECT_TRUE(WaitFor([&] { return client->MemberRemove(MemberId{member.id()}).ok(); }));
    }
  }
  const auto added = client->MemberAdd({members_.PeerUrl("c")}, true);
  ASSERT_TRUE(added.ok()) << added.error().message << members_.Log("a") << members_.Log("b");
  members_.Start("c", kAll, {"--initial-cluster-state=existing"});
  const MemberId id{added->member().id()};
  ASSERT_TRUE(WaitFor([&] { return client->MemberPromote(id).ok(); }, std::chrono::seconds(30)))
      << members_.Log("c");
  ASSERT_TRUE(members_.AwaitHealthy("c")) << members_.Log("c");
  ExpectEqualHashes(kAll);
}

TEST_F(ClusterTest, ForceNewClusterKeepsTheDataAndTheIds) {
  StartThree();
  const auto client = members_.Connect({"a"});
  ASSERT_EQ(Put(*client, "k", "v"), "");
  ExpectEqualHashes(kAll);
  const std::uint64_t cluster = client->MemberList(true)->header().cluster_id();
  for (const std::string& name : kAll) members_.Kill(name);
  members_.Start("a", kAll, {"--force-new-cluster"});
  ASSERT_TRUE(members_.AwaitHealthy("a")) << members_.Log("a");
  EXPECT_EQ(Get(*client, "k"), "v");
  const auto list = client->MemberList(true);
  EXPECT_EQ(list->members_size(), 1);
  EXPECT_EQ(list->header().cluster_id(), cluster);
  members_.Kill("a");
  members_.Start("a", kAll);
  ASSERT_TRUE(members_.AwaitHealthy("a")) << "it stays a cluster of one without the flag";
  EXPECT_EQ(Put(*client, "k", "w"), "");
}

TEST_F(ClusterTest, ALeaseExpiresAlthoughItsLeaderDied) {
  StartThree();
  const std::string leader = members_.AwaitLeader(kAll);
  const auto client = members_.Connect(kAll);
  const auto granted = client->LeaseGrant(std::chrono::seconds(2));
  ASSERT_TRUE(granted.ok()) << granted.error().message;
  etcdserverpb::PutRequest put;
  put.set_key("leased");
  put.set_lease(granted->id());
  ASSERT_TRUE(client->Put(put).ok());
  members_.Kill(leader);
  Names rest = kAll;
  std::erase(rest, leader);
  const auto survivors = members_.Connect(rest);
  EXPECT_TRUE(
      WaitFor([&] { return Get(*survivors, "leased") == "(none)"; }, std::chrono::seconds(20)));
}

TEST_F(ClusterTest, TakesOverADirectoryThatEtcdutlRestored) {
  ASSERT_NE(Part("etcdutl"), "") << kNoEtcd;
  Members source({"s"});
  source.Start("s", {"s"});
  ASSERT_TRUE(source.AwaitHealthy("s")) << source.Log("s");
  const auto client = source.Connect({"s"});
  for (int i = 0; i < 30; ++i) ASSERT_EQ(Put(*client, "k" + std::to_string(i), "v"), "");
  ScratchDirectory scratch;
  const std::string snapshot = scratch.path() + "/s.db";
  ASSERT_EQ(RunCommand({Part("etcdctl"), "--endpoints", source.Endpoint("s"), "snapshot", "save",
                        snapshot})
                .exit,
            0);
  const CommandResult restored = RunCommand(
      {Part("etcdutl"), "snapshot", "restore", snapshot, "--name", "a", "--data-dir",
       members_.DataDirectory("a"), "--initial-cluster", "a=" + members_.PeerUrl("a"),
       "--initial-advertise-peer-urls", members_.PeerUrl("a"), "--initial-cluster-token", "other"});
  ASSERT_EQ(restored.exit, 0) << restored.err;
  members_.Start("a", {"a"});
  ASSERT_TRUE(members_.AwaitHealthy("a")) << members_.Log("a");
  const auto taken = members_.Connect({"a"});
  for (int i = 0; i < 30; ++i) EXPECT_EQ(Get(*taken, "k" + std::to_string(i)), "v");
  EXPECT_NE(taken->MemberList(true)->header().cluster_id(),
            client->MemberList(true)->header().cluster_id());
  EXPECT_EQ(Put(*taken, "new", "1"), "");
}

}  // namespace
}  // namespace quorate::test
