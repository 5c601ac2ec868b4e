// The operator's loop against a simulated Kubernetes and simulated etcd servers: what a user would
// notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kube/resource.h"
#include "operator/act/operated_cluster.h"

namespace quorate::act {
namespace {

using kube::Json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace resources = kube::resources;

std::string PhaseWordOf(const OperatedCluster& cluster) {
  return kube::Text(cluster.Status(), "/phase");
}

// Nothing was harmed, and nothing was tried in vain.
void ExpectClean(const OperatedCluster& cluster) {
  EXPECT_THAT(cluster.etcd.violations(), IsEmpty()) << cluster.Trouble();
  EXPECT_EQ(cluster.etcd.clusters_formed(), 1u);
}

TEST(LoopTest, AManifestBecomesThreeVotersOfOneCluster) {
  OperatedCluster cluster(1);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  ExpectClean(cluster);
  EXPECT_THAT(cluster.errors, IsEmpty());
  EXPECT_EQ(cluster.MemberNames().size(), 3u);
  EXPECT_EQ(cluster.etcd.members().size(), 3u);
  EXPECT_TRUE(
      std::ranges::none_of(cluster.etcd.members(), [](const auto& m) { return m.learner; }));
  EXPECT_EQ(kube::Text(cluster.Status(), "/ready"), "3/3");
}

TEST(LoopTest, AQuietClusterIsNeverWritten) {
  OperatedCluster cluster(1);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  for (int i = 0; i < 5; ++i) cluster.Pass();
  const std::size_t before = cluster.api.writes().size();
  for (int i = 0; i < 50; ++i) cluster.Pass();
  EXPECT_EQ(cluster.api.writes().size(), before);
}

TEST(LoopTest, NoPodCanFormAClusterOnceThereIsOne) {
  OperatedCluster cluster(1);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  for (const std::string& name : cluster.MemberNames()) {
    const std::string args = cluster.Pod(name)["spec"]["containers"][0]["args"].dump();
    EXPECT_THAT(args, HasSubstr("--initial-cluster-state=existing"));
    EXPECT_THAT(args, HasSubstr("--quorate-forbid-bootstrap=true"));
    EXPECT_THAT(args, HasSubstr("--quorate-expected-cluster-id="));
  }
}

TEST(LoopTest, ScalesUpAndDownOneMemberAtATime) {
  OperatedCluster cluster(2);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  for (const int replicas : {5, 3, 1, 3}) {
    cluster.ChangeSpec([&](Json& spec) { spec["replicas"] = replicas; });
    ASSERT_TRUE(cluster.Converge()) << replicas << "\n" << cluster.Trouble();
    EXPECT_EQ(cluster.etcd.members().size(), static_cast<std::size_t>(replicas));
  }
  ExpectClean(cluster);
}

TEST(LoopTest, ADeletedPodReturnsWithTheSameMemberIdOnItsVolume) {
  OperatedCluster cluster(3);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  const auto members = cluster.etcd.members();
  cluster.api.Delete(resources::kPods, {"db", cluster.MemberNames()[1]});
  cluster.Pass();
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  const auto after = cluster.etcd.members();
  EXPECT_TRUE(std::ranges::equal(
      members, after, {}, [](const auto& m) { return m.id; }, [](const auto& m) { return m.id; }));
  ExpectClean(cluster);
}

TEST(LoopTest, AllPodsDeletedAtOnceComeBack) {
  OperatedCluster cluster(4);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  for (const std::string& name : cluster.MemberNames()) {
    cluster.api.Delete(resources::kPods, {"db", name});
  }
  cluster.Pass();
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  ExpectClean(cluster);
}

TEST(LoopTest, AMemberThatLostItsVolumeIsReplacedByAFreshOne) {
  OperatedCluster cluster(5);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  const std::string victim = cluster.MemberNames()[0];
  cluster.nodes.LoseVolume({"db", victim + "-data"});
  cluster.api.Delete(resources::kPods, {"db", victim});
  for (int i = 0; i < 3; ++i) cluster.Pass();
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  EXPECT_THAT(cluster.MemberNames(), Not(Contains(victim)));
  EXPECT_EQ(cluster.etcd.members().size(), 3u);
  ExpectClean(cluster);
}

TEST(LoopTest, TwoOfThreeVolumesLostStopsEverythingAndDeletesNothing) {
  OperatedCluster cluster(6);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  const auto names = cluster.MemberNames();
  for (const std::string& name : {names[0], names[1]}) {
    cluster.nodes.LoseVolume({"db", name + "-data"});
    cluster.api.Delete(resources::kPods, {"db", name});
  }
  for (int i = 0; i < 100; ++i) cluster.Pass();
  EXPECT_EQ(PhaseWordOf(cluster), "QuorumLost") << cluster.Trouble();
  EXPECT_THAT(kube::Text(cluster.Status(), "/message"), HasSubstr("bootstrap.restore"));
  EXPECT_EQ(cluster.api.All(resources::kPersistentVolumeClaims, "db").size(), 3u);
  EXPECT_EQ(cluster.etcd.members().size(), 3u);
}

TEST(LoopTest, AMemberRemovedByHandIsReplaced) {
  OperatedCluster cluster(7);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  const auto victim = cluster.etcd.members().back();
  auto client = cluster.etcd.Connect({"http://a-client.db.svc:2379"});
  ASSERT_TRUE(client->MemberRemove(MemberId{victim.id}).ok());
  for (int i = 0; i < 3; ++i) cluster.Pass();
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  EXPECT_EQ(cluster.etcd.members().size(), 3u);
  ExpectClean(cluster);
}

TEST(LoopTest, AnAnswerThatWasLostIsFoundInTheMemberList) {
  for (const bool after : {false, true}) {
    OperatedCluster cluster(8);
    cluster.etcd.LoseAnswers(3, after);
    ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
    ExpectClean(cluster);
  }
}

TEST(LoopTest, ANewSpecRollsThroughAllMembersLeaderLast) {
  OperatedCluster cluster(9);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  cluster.steps.clear();
  cluster.ChangeSpec([](Json& spec) { spec["config"]["logLevel"] = "Debug"; });
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  for (const std::string& name : cluster.MemberNames()) {
    EXPECT_THAT(cluster.Pod(name)["spec"]["containers"][0]["args"].dump(),
                HasSubstr("--log-level=debug"));
  }
  const auto moves = std::ranges::count_if(
      cluster.steps, [](const std::string& step) { return step.starts_with("MoveLeader"); });
  EXPECT_EQ(moves, 1) << cluster.Trouble();
  ExpectClean(cluster);
}

TEST(LoopTest, HibernatesAndWakesWithTheSameMembers) {
  OperatedCluster cluster(10);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  cluster.ChangeSpec([](Json& spec) { spec["replicas"] = 0; });
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  EXPECT_THAT(cluster.MemberNames(), IsEmpty());
  EXPECT_EQ(cluster.etcd.members().size(), 3u);
  cluster.ChangeSpec([](Json& spec) { spec["replicas"] = 3; });
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  ExpectClean(cluster);
}

TEST(LoopTest, ADeletedClusterLeavesItsVolumesAndNothingElse) {
  OperatedCluster cluster(11);
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  cluster.api.Delete(resources::kEtcdClusters, {"db", "a"});
  for (int i = 0; i < 40; ++i) cluster.Pass();
  EXPECT_TRUE(cluster.api.Peek(resources::kEtcdClusters, {"db", "a"}).is_null());
  EXPECT_THAT(cluster.MemberNames(), IsEmpty());
  EXPECT_THAT(cluster.api.All(resources::kEtcdMembers, "db"), IsEmpty());
  const auto claims = cluster.api.All(resources::kPersistentVolumeClaims, "db");
  ASSERT_EQ(claims.size(), 3u);
  EXPECT_NE(kube::Annotation(claims[0], "quorate.dev/retained"), "");
}

TEST(LoopTest, WithOnDeleteDeleteTheVolumesGoToo) {
  OperatedCluster cluster(12);
  cluster.ChangeSpec([](Json& spec) { spec["storage"]["reclaim"]["onDelete"] = "Delete"; });
  ASSERT_TRUE(cluster.Converge()) << cluster.Trouble();
  cluster.api.Delete(resources::kEtcdClusters, {"db", "a"});
  for (int i = 0; i < 40; ++i) cluster.Pass();
  EXPECT_THAT(cluster.api.All(resources::kPersistentVolumeClaims, "db"), IsEmpty());
}

TEST(LoopTest, AForeignServiceOfTheSameNameIsLeftAlone) {
  OperatedCluster cluster(13);
  Json service = kube::MakeObject(resources::kServices, {"db", "a-client"});
  service["spec"] = {{"ports", Json::array({{{"port", 80}}})}};
  cluster.api.Put(resources::kServices, service);
  for (int i = 0; i < 10; ++i) cluster.Pass();
  EXPECT_EQ(PhaseWordOf(cluster), "Stopped");
  EXPECT_THAT(kube::Text(cluster.Status(), "/message"), HasSubstr("belongs to somebody else"));
}

// The operator dies after its n-th write, at every n of the story, and another one takes over.
TEST(LoopTest, AnOperatorKilledAtAnyWriteIsCarriedOnByTheNext) {
  for (std::size_t writes = 1; writes < 60; writes += 3) {
    OperatedCluster cluster(100 + writes);
    cluster.api.StopAfterWrites(writes);
    for (int i = 0; i < 60 && !cluster.api.stopped(); ++i) cluster.Pass();
    for (int i = 0; i < 5; ++i) cluster.Pass();
    cluster.api.Resume();
    ASSERT_TRUE(cluster.Converge()) << "after write " << writes << "\n" << cluster.Trouble();
    ExpectClean(cluster);
  }
}

}  // namespace
}  // namespace quorate::act
