// A data directory that went back in time: an old copy of it, as a restored volume or virtual
// machine brings it back, never votes or acknowledges again. Budget: 20 s.

#include <filesystem>

#include "peers/etcd.h"
#include "server/app/members.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

using testing::HasSubstr;

constexpr int kWentBack = 16;

class TimeTravelTest : public testing::Test {
 protected:
  void StartThree() {
    members_.StartAll();
    for (const char* name : {"a", "b", "c"}) {
      ASSERT_TRUE(members_.AwaitHealthy(name)) << members_.Log(name);
    }
  }
  // The directory of a member that does not run, as it is now.
  void KeepCopy(const std::string& name) {
    std::filesystem::copy(members_.DataDirectory(name), members_.DataDirectory(name) + ".old",
                          std::filesystem::copy_options::recursive);
  }
  void BringCopyBack(const std::string& name) {
    members_.LoseData(name);
    std::filesystem::rename(members_.DataDirectory(name) + ".old", members_.DataDirectory(name));
  }
  void Write(const std::vector<std::string>& names, int count) {
    const auto client = members_.Connect(names);
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(WaitFor([&] { return Put(*client, "k" + std::to_string(i), "v").empty(); },
                          std::chrono::seconds(20)));
    }
  }

  Members members_{{"a", "b", "c"}};
};

TEST_F(TimeTravelTest, AnOldCopyOfADirectoryIsRecognisedAndStaysCondemned) {
  StartThree();
  Write({"a", "b", "c"}, 5);
  members_.Terminate("c");
  KeepCopy("c");
  members_.Start("c", {"a", "b", "c"});
  ASSERT_TRUE(members_.AwaitHealthy("c")) << members_.Log("c");
  Write({"c"}, 20);
  members_.Terminate("c");
  BringCopyBack("c");
  EXPECT_EQ(members_.Run("c", {"a", "b", "c"}), kWentBack) << members_.Log("c");
  EXPECT_THAT(members_.Log("c"), HasSubstr("went back in time"));
  EXPECT_THAT(members_.Log("c"), HasSubstr("add it anew with an empty data directory"));
  // Even with nobody left to ask.
  members_.Terminate("a");
  members_.Terminate("b");
  EXPECT_EQ(members_.Run("c", {"a", "b", "c"}), kWentBack) << members_.Log("c");
}

// The dangerous one: nobody leads, and the old copy's vote could elect a member that lacks what was
// acknowledged. The others' files remember.
TEST_F(TimeTravelTest, AfterEverybodyStoppedAnOldCopyIsRecognisedFromTheOthersFiles) {
  StartThree();
  Write({"a", "b", "c"}, 5);
  members_.Terminate("c");
  KeepCopy("c");
  members_.Start("c", {"a", "b", "c"});
  ASSERT_TRUE(members_.AwaitHealthy("c")) << members_.Log("c");
  Write({"c"}, 20);
  for (const char* name : {"a", "b", "c"}) members_.Terminate(name);
  BringCopyBack("c");
  members_.Start("a", {"a", "b", "c"});
  members_.Start("b", {"a", "b", "c"});
  ASSERT_TRUE(members_.AwaitHealthy("a")) << members_.Log("a");
  EXPECT_EQ(members_.Run("c", {"a", "b", "c"}), kWentBack) << members_.Log("c");
}

TEST_F(TimeTravelTest, HonestRestartsAreNeverBlamed) {
  StartThree();
  for (int round = 0; round < 3; ++round) {
    Write({"a", "b", "c"}, 10);
    for (const char* name : {"a", "b", "c"}) members_.Kill(name);
    StartThree();
  }
  EXPECT_NE(members_.AwaitLeader({"a", "b", "c"}), "");
}

// A real etcd leads: it knows nothing of our questions, but its heartbeats say what it believes
// this member to hold. etcd itself would panic here: "tocommit(..) is out of range".
TEST(TimeTravelOfAMixedClusterTest, TheHeartbeatOfARealEtcdIsProofToo) {
  ASSERT_NE(Part("etcd"), "") << kNoEtcd;
  EtcdServer etcd(Part("etcd"));
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  auto client = etcdclient::MakeClient({.endpoints = {etcd.endpoint()}}).value();
  Members members({"q"});
  ASSERT_TRUE(client->MemberAdd({members.PeerUrl("q")}, true).ok());
  const std::vector<std::string> flags = {
      "--initial-cluster-state=existing",
      "--initial-cluster=default=" + etcd.peer_url() + ",q=" + members.PeerUrl("q")};
  const auto caught_up = [&](const std::string& key) {
    return WaitFor([&] { return members.Log("q").find(key) != std::string::npos; });
  };
  members.Start("q", {"q"}, flags);
  ASSERT_TRUE(caught_up("ready to serve client requests")) << members.Log("q");
  members.Terminate("q");
  const std::string directory = members.DataDirectory("q");
  std::filesystem::copy(directory, directory + ".old", std::filesystem::copy_options::recursive);
  members.Start("q", {"q"}, flags);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Put(*client, "k" + std::to_string(i), "v"), "");
  const auto own_index = [&] { return members.Connect({"q"})->StatusOf(members.Endpoint("q")); };
  const auto theirs = client->StatusOf(etcd.endpoint());
  ASSERT_TRUE(WaitFor([&] {
    const auto status = own_index();
    return status.ok() && theirs.ok() && status->raftappliedindex() >= theirs->raftappliedindex();
  })) << members.Log("q");
  members.Kill("q");
  std::filesystem::remove_all(directory);
  std::filesystem::rename(directory + ".old", directory);
  EXPECT_EQ(members.Run("q", {"q"}, flags), kWentBack) << members.Log("q");
  EXPECT_THAT(members.Log("q"), HasSubstr("the leader has its acknowledgement"));
  EXPECT_EQ(members.Run("q", {"q"}, flags), kWentBack) << "the verdict stands";
}

}  // namespace
}  // namespace quorate::test
