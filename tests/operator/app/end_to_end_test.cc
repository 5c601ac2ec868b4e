// The whole operator in one thread, against a simulated Kubernetes that runs simulated etcd: the
// wiring, the controllers, the planner, the steps and the status are those that ship.
//
// Time passes a second a round. The operator can be stopped after any write and started again.
#include <gtest/gtest.h>

#include <map>

#include "app/wiring.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/etcd_world.h"
#include "sim/kube_api.h"
#include "sim/kube_nodes.h"

namespace quorate::app {
namespace {

using kube::Json;
using kube::ObjectRef;
namespace resources = kube::resources;

class World {
 public:
  explicit World(std::uint64_t seed = 1) : random_(seed), disk_(seed), api(clock_, seed) {
    StartOperator();
  }

  void StartOperator() { operator_ = MakeOperator("op" + std::to_string(++starts_)); }

  void StopOperator() { operator_.reset(); }

  std::unique_ptr<Wiring> MakeOperator(const std::string& name) {
    WiringOptions wiring;
    wiring.options.leader_elect = leader_elect;
    wiring.options.server_image_repository = "quorate";
    wiring.options.pod_name = name;
    wiring.identity = name;
    wiring.lease_namespace = "default";
    wiring.members_by_pod_ip = false;
    wiring.connect =
        [this](std::vector<std::string> endpoints) -> Result<std::unique_ptr<etcdclient::Client>> {
      return etcd.Connect(std::move(endpoints));
    };
    return std::make_unique<Wiring>(api, clock_, disk_, random_, std::move(wiring));
  }

  // One second of everything. A stopped operator is started again.
  void Second() {
    nodes.Tick();
    EXPECT_TRUE(!operator_ || operator_->manager().Pump()) << "the operator never rests";
    if (api.stopped()) {
      ++deaths;
      operator_.reset();
      api.Resume();
      StartOperator();
    }
    clock_.Advance(std::chrono::seconds(1));
  }
  bool Until(const std::function<bool()>& condition, int seconds = 900) {
    for (int i = 0; i < seconds && !condition(); ++i) Second();
    return condition();
  }
  void Pass(int seconds) {
    for (int i = 0; i < seconds; ++i) Second();
  }

  void Apply(int replicas) {
    if (Cluster().is_null()) {
      Json cluster = kube::MakeObject(resources::kEtcdClusters, kRef);
      cluster["spec"] = {{"replicas", replicas}, {"version", "3.6.0"}, {"tls", {{"mode", "None"}}}};
      api.Put(resources::kEtcdClusters, cluster);
      return;
    }
    api.Mutate(resources::kEtcdClusters, kRef, [&](Json& cluster) {
      cluster["spec"]["replicas"] = replicas;
      cluster["metadata"]["generation"] = kube::Number(cluster, "/metadata/generation") + 1;
    });
  }
  Json Cluster() const { return api.Peek(resources::kEtcdClusters, kRef); }
  std::string Condition(const std::string& type) const {
    const Json cluster = Cluster();
    const Json* all = kube::Find(cluster, "/status/conditions");
    if (all == nullptr) return "";
    for (const Json& condition : *all) {
      if (condition["type"] == type) return kube::Text(condition, "/status");
    }
    return "";
  }
  // As many voters as asked for, all serving, and nothing left to do.
  bool Settled(std::size_t voters) const {
    const auto members = etcd.members();
    const auto is_voter = [](const auto& member) {
      return !member.learner && !member.name.empty();
    };
    return members.size() == voters && std::ranges::all_of(members, is_voter) &&
           Condition("Ready") == "True" && Condition("Progressing") != "True" &&
           kube::Number(Cluster(), "/status/readyReplicas") == static_cast<std::int64_t>(voters);
  }
  std::string Told() const { return Cluster()["status"].dump(1) + "\n" + Crimes(); }
  std::string Crimes() const {
    std::string all;
    for (const std::string& one : etcd.violations()) all += one + "\n";
    return all;
  }
  std::vector<std::string> Names(const kube::Resource& resource) const {
    std::vector<std::string> names;
    for (const Json& object : api.All(resource, "default")) names.push_back(kube::Name(object));
    return names;
  }
  std::map<std::string, std::uint64_t> Ids() const {
    std::map<std::string, std::uint64_t> ids;
    for (const auto& member : etcd.members()) ids[member.name] = member.id;
    return ids;
  }
  sim::Clock& clock() { return clock_; }

  static inline const ObjectRef kRef{"default", "a"};
  bool leader_elect = false;
  int deaths = 0;

 private:
  sim::Clock clock_;
  sim::Prng random_;
  sim::Disk disk_;
  int starts_ = 0;

 public:
  sim::KubeApi api;
  sim::EtcdWorld etcd;
  sim::KubeNodes nodes{api, etcd, clock_, {"node-1", "node-2", "node-3", "node-4", "node-5"}};

 private:
  std::unique_ptr<Wiring> operator_;
};

// The story most tests begin with.
void Form(World& world, int replicas) {
  world.Apply(replicas);
  ASSERT_TRUE(world.Until([&] { return world.Settled(static_cast<std::size_t>(replicas)); }))
      << world.Told();
}

TEST(OperatorStoryTest, GrowsFromOneToThreeToFiveAndBackToThree) {
  World world;
  Form(world, 1);
  const std::string id = kube::Text(world.Cluster(), "/status/clusterID");
  EXPECT_NE(id, "");
  for (const int replicas : {3, 5, 3}) {
    world.Apply(replicas);
    ASSERT_TRUE(world.Until([&] { return world.Settled(static_cast<std::size_t>(replicas)); }))
        << world.Told();
  }
  EXPECT_EQ(kube::Text(world.Cluster(), "/status/clusterID"), id);
  EXPECT_EQ(world.etcd.clusters_formed(), 1U);
  EXPECT_EQ(world.Crimes(), "");
}

TEST(OperatorStoryTest, ASettledClusterCostsNoWrites) {
  World world;
  Form(world, 3);
  world.Pass(60);
  const auto writes = world.api.writes().size();
  const auto reads = world.api.reads();
  world.Pass(600);
  const auto all = world.api.writes();
  EXPECT_EQ(all.size(), writes) << all.back().method << " " << all.back().target;
  EXPECT_LE(world.api.reads() - reads, 20U) << "watches, not lists";
}

TEST(OperatorStoryTest, AMissingPodComesBackAsTheSameMemberOnItsVolume) {
  World world;
  Form(world, 3);
  const auto before = world.Ids();
  const auto claims = world.Names(resources::kPersistentVolumeClaims);
  const std::string pod = world.Names(resources::kPods).front();
  world.api.Delete(resources::kPods, {"default", pod});
  world.Pass(3);
  ASSERT_TRUE(world.Until([&] { return world.Settled(3); })) << world.Told();
  EXPECT_EQ(world.Ids(), before);
  EXPECT_EQ(world.Names(resources::kPersistentVolumeClaims), claims);
  EXPECT_EQ(world.Crimes(), "");
}

TEST(OperatorStoryTest, AllPodsDeletedAtOnceComeBackWithAllData) {
  World world;
  Form(world, 3);
  const auto before = world.Ids();
  for (const std::string& pod : world.Names(resources::kPods)) {
    world.api.Delete(resources::kPods, {"default", pod});
  }
  world.Pass(3);
  ASSERT_TRUE(world.Until([&] { return world.Settled(3); })) << world.Told();
  EXPECT_EQ(world.Ids(), before);
  EXPECT_EQ(world.Crimes(), "");
}

TEST(OperatorStoryTest, AMemberWithoutItsVolumeIsReplacedByAFreshOne) {
  World world;
  Form(world, 3);
  const auto before = world.Ids();
  const std::string claim = world.Names(resources::kPersistentVolumeClaims).front();
  world.nodes.LoseVolume({"default", claim});
  world.Pass(5);
  ASSERT_TRUE(world.Until([&] { return world.Settled(3); }, 3600)) << world.Told();
  const auto after = world.Ids();
  std::size_t kept = 0;
  for (const auto& [name, id] : before) kept += after.contains(name) ? 1U : 0U;
  EXPECT_EQ(kept, 2U) << "one member is new, with a new name and id";
  EXPECT_EQ(world.etcd.clusters_formed(), 1U);
  EXPECT_EQ(world.Crimes(), "");
}

TEST(OperatorStoryTest, TwoLostVolumesOfThreeAreAskedAboutNotActedOn) {
  World world;
  Form(world, 3);
  const auto before = world.Ids();
  const auto claims = world.Names(resources::kPersistentVolumeClaims);
  world.nodes.LoseVolume({"default", claims[0]});
  world.nodes.LoseVolume({"default", claims[1]});
  world.Pass(1800);
  EXPECT_EQ(world.Condition("QuorumLost"), "True") << world.Told();
  EXPECT_EQ(world.Condition("Available"), "False");
  EXPECT_EQ(world.Ids(), before) << "nobody was removed";
  EXPECT_EQ(world.Names(resources::kPersistentVolumeClaims), claims) << "nothing was deleted";
  EXPECT_NE(kube::Text(world.Cluster(), "/status/plan/waitingFor"), "");
  EXPECT_EQ(world.Crimes(), "");
}

TEST(OperatorStoryTest, AnApiServerThatIsAwayIsWaitedFor) {
  World world;
  Form(world, 3);
  world.api.SetReachable(false);
  world.Pass(300);
  world.api.Resume();
  world.Apply(5);
  ASSERT_TRUE(world.Until([&] { return world.Settled(5); })) << world.Told();
  EXPECT_EQ(world.Crimes(), "");
}

TEST(OperatorStoryTest, LostAnswersOfEtcdNeverMakeTwoMembersOfOne) {
  for (const bool after : {false, true}) {
    World world;
    Form(world, 1);
    world.etcd.LoseAnswers(3, after);
    world.Apply(3);
    ASSERT_TRUE(world.Until([&] { return world.Settled(3); })) << world.Told();
    EXPECT_EQ(world.Crimes(), "");
  }
}

TEST(OperatorStoryTest, ConflictsAndErrorsOfTheApiOnlyDelay) {
  World world;
  for (const int status : {409, 500, 0}) {
    world.api.Inject({.method = "POST", .status = status, .times = 4, .reason = "Conflict"});
    world.api.Inject({.method = "PATCH", .status = status, .times = 4, .reason = "Conflict"});
  }
  Form(world, 3);
  EXPECT_EQ(world.Crimes(), "");
}

TEST(OperatorStoryTest, ADeletedClusterKeepsItsVolumesByDefault) {
  World world;
  Form(world, 3);
  const auto claims = world.Names(resources::kPersistentVolumeClaims);
  world.api.Delete(resources::kEtcdClusters, World::kRef);
  ASSERT_TRUE(world.Until([&] {
    return world.Cluster().is_null() && world.Names(resources::kPods).empty();
  })) << world.Told();
  world.Pass(5);
  EXPECT_EQ(world.Names(resources::kPersistentVolumeClaims), claims);
  EXPECT_TRUE(world.Names(resources::kEtcdMembers).empty());
  EXPECT_TRUE(world.Names(resources::kServices).empty());
}

TEST(OperatorStoryTest, AnInvalidSpecIsRefusedInWordsAndHealsWhenCorrected) {
  World world;
  world.Apply(11);
  world.Pass(10);
  EXPECT_EQ(world.Condition("Ready"), "False") << world.Told();
  EXPECT_NE(world.Told().find("replicas"), std::string::npos);
  EXPECT_TRUE(world.Names(resources::kPods).empty());
  world.Apply(1);
  EXPECT_TRUE(world.Until([&] { return world.Settled(1); })) << world.Told();
}

// Every step is written down as an event that a person can read.
TEST(OperatorStoryTest, EveryStepIsAnEvent) {
  World world;
  Form(world, 1);
  world.Apply(3);
  ASSERT_TRUE(world.Until([&] { return world.Settled(3); })) << world.Told();
  std::map<std::string, int> reasons;
  for (const Json& event : world.api.All(resources::kEvents, "default")) {
    ++reasons[kube::Text(event, "/reason")];
  }
  for (const char* reason : {"CreateSlot", "CreatePod", "MemberAdd", "MemberPromote", "Ready"}) {
    EXPECT_GT(reasons[reason], 0) << reason;
  }
}

// The operator dies right after its n-th write, for every n that the story has; a shard takes every
// eighth n.
class OperatorCrashTest : public testing::TestWithParam<std::size_t> {};

TEST_P(OperatorCrashTest, DiesAfterAnyWriteAndTheStoryStillEndsWell) {
  constexpr std::size_t kShards = 8;
  std::size_t stop = GetParam() + 1;
  for (;; stop += kShards) {
    SCOPED_TRACE("stopped after write " + std::to_string(stop));
    World world;
    world.api.StopAfterWrites(stop);
    Form(world, 1);
    for (const std::size_t replicas : {3U, 1U}) {
      world.Apply(static_cast<int>(replicas));
      ASSERT_TRUE(world.Until([&] { return world.Settled(replicas); })) << world.Told();
    }
    ASSERT_EQ(world.Crimes(), "");
    ASSERT_EQ(world.etcd.clusters_formed(), 1U);
    if (world.deaths == 0) break;  // the story has fewer writes than that
  }
  EXPECT_GT(stop, 40U);
}
INSTANTIATE_TEST_SUITE_P(Shard, OperatorCrashTest, testing::Range<std::size_t>(0, 8));

// It dies again and again, at moments that a seed chooses, while things are taken away from it.
class OperatorTroubleTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(OperatorTroubleTest, DiesOftenUnderTroubleAndTheStoryStillEndsWell) {
  World world(GetParam());
  sim::Prng dice(GetParam());
  Form(world, 3);
  for (int round = 0; round < 30; ++round) {
    world.api.StopAfterWrites(1 + dice.Below(6));
    const auto pods = world.Names(resources::kPods);
    switch (dice.Below(7)) {
      case 0:
        world.Apply(static_cast<int>(1 + 2 * dice.Below(3)));
        break;
      case 1:
        if (!pods.empty()) {
          world.api.Delete(resources::kPods, {"default", pods[dice.Below(pods.size())]});
        }
        break;
      case 2:
        world.api.DropWatches();
        break;
      case 3:
        world.api.Compact();
        break;
      case 4:
        world.etcd.LoseAnswers(1, dice.Below(2) == 0);
        break;
      case 5:
        world.api.Inject({.method = "PATCH", .status = 0, .after = dice.Below(2) == 0});
        break;
      default:
        break;
    }
    world.Pass(static_cast<int>(dice.Below(20)));
  }
  world.api.StopAfterWrites(0);
  world.api.ClearFaults();
  world.Apply(3);
  ASSERT_TRUE(world.Until([&] { return world.Settled(3); }, 3600)) << world.Told();
  ASSERT_EQ(world.Crimes(), "");
  ASSERT_EQ(world.etcd.clusters_formed(), 1U);
}
INSTANTIATE_TEST_SUITE_P(Seed, OperatorTroubleTest, testing::Range<std::uint64_t>(1, 21));

// Two operators at once, because a lease is no fence: whatever order they come in, no harm is done.
TEST(OperatorStoryTest, TwoOperatorsAtOnceDoNoHarm) {
  World world;
  const auto second = world.MakeOperator("second");
  const auto both_until = [&](std::size_t replicas) {
    return world.Until([&] {
      EXPECT_TRUE(second->manager().Pump());
      return world.Settled(replicas);
    });
  };
  for (const std::size_t replicas : {1U, 3U, 5U, 3U}) {
    world.Apply(static_cast<int>(replicas));
    ASSERT_TRUE(both_until(replicas)) << world.Told();
  }
  EXPECT_EQ(world.Crimes(), "");
  EXPECT_EQ(world.etcd.clusters_formed(), 1U);
}

// With a lease, a second operator takes over from a dead one, and only then.
TEST(OperatorStoryTest, AStandbyTakesOverFromADeadLeader) {
  World world;
  world.leader_elect = true;
  world.StartOperator();
  Form(world, 1);
  auto standby = world.MakeOperator("standby");
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(standby->manager().Pump());
    world.Second();
  }
  world.StopOperator();
  world.Apply(3);
  EXPECT_TRUE(world.Until([&] {
    EXPECT_TRUE(standby->manager().Pump());
    return world.Settled(3);
  })) << world.Told();
}

}  // namespace
}  // namespace quorate::app
