#include <gtest/gtest.h>

#include <string>

#include "operator/plan/world.h"
#include "status/cluster_status.h"
#include "status/conditions.h"

namespace quorate::status {
namespace {

using api::ConditionStatus;
using plan::World;
using std::chrono::minutes;
using std::chrono::seconds;

// One pass of the loop without carrying the step out; the status is kept, as the operator writes
// it.
api::ClusterStatus Look(World& world, const Outcome& outcome = {},
                        const BackupSummary& backups = {}) {
  const plan::Observed seen = world.Look();
  const plan::Plan plan = plan::MakePlan(world.WhatIsDesired(), seen, world.now);
  world.cluster.status = MakeStatus(world.WhatIsDesired(), seen, plan, outcome, backups, world.now);
  return world.cluster.status;
}

void Advance(World& world, int passes = 200) {
  for (int i = 0; i < passes; ++i) {
    const plan::Observed seen = world.Look();
    const plan::Plan plan = plan::MakePlan(world.WhatIsDesired(), seen, world.now);
    world.cluster.status = MakeStatus(world.WhatIsDesired(), seen, plan, {}, {}, world.now);
    if (plan.next) world.Do(*plan.next);
    world.Settle();
    world.Pass(seconds(1));
    if (world.IsConverged()) return;
  }
}

std::string StatusOf(const api::ClusterStatus& status, std::string_view type) {
  const api::Condition* condition = FindCondition(status.conditions, type);
  return condition ? std::string(api::Word(condition->status)) : "absent";
}

TEST(StatusTest, AFreshClusterIsNotReadyAndSaysWhatItWaitsFor) {
  World world(3);
  world.cluster.meta.generation = 1;
  const api::ClusterStatus status = Look(world);
  EXPECT_EQ(StatusOf(status, "Ready"), "False");
  EXPECT_EQ(StatusOf(status, "Available"), "False");
  EXPECT_EQ(StatusOf(status, "QuorumLost"), "False") << "what was never had is not lost";
  EXPECT_EQ(status.observed_generation, 1);
  EXPECT_EQ(status.ready, "0/3");
}

// The seed's pod is made again once the cluster id is on record. That used to be told as a lost
// quorum.
TEST(StatusTest, ForMakingTheSeedsPodAgainNoQuorumIsCalledLost) {
  World world(1);
  bool restarted = false;
  for (int i = 0; i < 100 && !world.IsConverged(); ++i) {
    const plan::Observed seen = world.Look();
    const plan::Plan plan = plan::MakePlan(world.WhatIsDesired(), seen, world.now);
    Look(world);
    if (plan.next) world.Do(*plan.next);
    if (plan.next && std::holds_alternative<plan::DeletePod>(*plan.next)) {
      restarted = true;
      const api::ClusterStatus stopping = Look(world);
      EXPECT_EQ(StatusOf(stopping, "QuorumLost"), "False");
      EXPECT_EQ(stopping.phase, "Forming");
      EXPECT_EQ(StatusOf(stopping, "Ready"), "False");
    }
    world.Settle();
    EXPECT_EQ(StatusOf(Look(world), "QuorumLost"), "False") << "pass " << i;
  }
  EXPECT_TRUE(restarted);
  EXPECT_EQ(StatusOf(Look(world), "Ready"), "True");
  world.DeletePod(world.names[0]);
  EXPECT_EQ(StatusOf(Look(world), "QuorumLost"), "True") << "later it is";
}

TEST(StatusTest, AConvergedClusterIsReadyAndIdle) {
  World world(3);
  Advance(world);
  const api::ClusterStatus status = Look(world);
  EXPECT_EQ(StatusOf(status, "Ready"), "True");
  EXPECT_EQ(StatusOf(status, "Available"), "True");
  EXPECT_EQ(StatusOf(status, "Progressing"), "False");
  EXPECT_EQ(StatusOf(status, "Degraded"), "False");
  EXPECT_EQ(StatusOf(status, "Reconciling"), "absent");
  EXPECT_EQ(StatusOf(status, "Stalled"), "absent");
  EXPECT_EQ(StatusOf(status, "BackupHealthy"), "absent");
  EXPECT_EQ(status.phase, "Ready");
  EXPECT_EQ(status.ready, "3/3");
  EXPECT_EQ(status.members.size(), 3u);
  EXPECT_FALSE(status.leader.empty());
  EXPECT_EQ(status.endpoints.client, "http://a-client.db.svc:2379");
  EXPECT_EQ(status.updated_replicas, 3);
}

TEST(StatusTest, AQuietClusterGivesTheSameStatusToTheByte) {
  World world(3);
  Advance(world);
  Look(world);
  const api::ClusterStatus before = Look(world);
  world.Pass(minutes(90));
  EXPECT_EQ(Look(world), before) << "otherwise the operator would write for ever";
}

TEST(StatusTest, ATransitionTimeMovesOnlyWhenTheStatusFlips) {
  World world(3);
  Advance(world);
  const api::Time ready_since = *FindCondition(Look(world).conditions, "Ready")->last_transition;
  world.Pass(minutes(5));
  world.DeletePod(world.names[0]);
  const api::ClusterStatus broken = Look(world);
  EXPECT_EQ(StatusOf(broken, "Ready"), "False");
  EXPECT_EQ(FindCondition(broken.conditions, "Ready")->last_transition, world.now);
  EXPECT_LT(ready_since, world.now);
  world.Pass(minutes(1));
  EXPECT_EQ(FindCondition(Look(world).conditions, "Ready")->last_transition,
            world.now - minutes(1));
}

TEST(StatusTest, AMissingPodIsRecoveryNotLossOfTheCluster) {
  World world(3);
  Advance(world);
  world.DeletePod(world.names[1]);
  const api::ClusterStatus status = Look(world);
  EXPECT_EQ(status.phase, "Recovering");
  EXPECT_EQ(StatusOf(status, "Available"), "True");
  EXPECT_EQ(StatusOf(status, "Degraded"), "True");
  EXPECT_EQ(StatusOf(status, "Reconciling"), "True");
  EXPECT_EQ(status.plan.step, "CreatePod");
  EXPECT_EQ(status.plan.member, world.names[1]);
  EXPECT_EQ(status.plan.operation, api::Operation::kRecreate);
}

TEST(StatusTest, LostQuorumIsSaidWithWhoIsMissingAndWhatToDo) {
  World world(3);
  Advance(world);
  world.LoseVolume(world.names[0]);
  world.LoseVolume(world.names[1]);
  const api::ClusterStatus status = Look(world);
  EXPECT_EQ(StatusOf(status, "QuorumLost"), "True");
  EXPECT_EQ(StatusOf(status, "Available"), "False");
  EXPECT_EQ(status.phase, "QuorumLost");
  const std::string& message = FindCondition(status.conditions, "QuorumLost")->message;
  EXPECT_NE(message.find(world.names[0] + ": it has no volume"), std::string::npos) << message;
  EXPECT_NE(message.find("bootstrap.restore"), std::string::npos) << message;
}

TEST(StatusTest, APauseIsNotAStall) {
  World world(3);
  Advance(world);
  world.cluster.spec.paused = true;
  const api::ClusterStatus status = Look(world);
  EXPECT_EQ(status.phase, "Paused");
  EXPECT_EQ(StatusOf(status, "Stalled"), "absent");
  EXPECT_EQ(StatusOf(status, "Available"), "True");
}

TEST(StatusTest, ZeroReplicasAreReadyOnceThePodsAreGone) {
  World world(3);
  Advance(world);
  world.cluster.spec.replicas = 0;
  EXPECT_EQ(StatusOf(Look(world), "Ready"), "False");
  for (int i = 0; i < 10; ++i) {
    const plan::Plan plan = plan::MakePlan(world.WhatIsDesired(), world.Look(), world.now);
    if (plan.next) world.Do(*plan.next);
    world.Settle();
  }
  const api::ClusterStatus status = Look(world);
  EXPECT_EQ(StatusOf(status, "Ready"), "True");
  EXPECT_EQ(StatusOf(status, "QuorumLost"), "False");
  EXPECT_EQ(status.phase, "Hibernated");
}

TEST(StatusTest, AFailedStepIsInThePlanWithItsError) {
  World world(3);
  const api::ClusterStatus status =
      Look(world, {Error{Code::kPermissionDenied, "create pod a: exceeded quota"}});
  EXPECT_EQ(status.plan.waiting_for, "this step to succeed: create pod a: exceeded quota");
}

TEST(StatusTest, SinceIsKeptWhileTheStepIsTheSame) {
  World world(3);
  const api::ClusterStatus first = Look(world);
  world.Pass(minutes(3));
  EXPECT_EQ(Look(world).plan.since, first.plan.since);
  const plan::Plan plan = plan::MakePlan(world.WhatIsDesired(), world.Look(), world.now);
  world.Do(*plan.next);
  EXPECT_EQ(Look(world).plan.since, world.now);
}

TEST(StatusTest, AnInvalidSpecStallsWithTheReasonAndKeepsWhatWasKnown) {
  World world(3);
  Advance(world);
  Look(world);
  world.cluster.meta.generation = 9;
  const api::ClusterStatus status = MakeInvalidStatus(
      world.cluster, {Code::kInvalidArgument, "spec.replicas: must be between 0 and 9"}, world.now);
  EXPECT_EQ(StatusOf(status, "Stalled"), "True");
  EXPECT_EQ(status.observed_generation, 9);
  EXPECT_EQ(status.cluster_id, world.cluster.status.cluster_id);
  EXPECT_EQ(status.message, "spec.replicas: must be between 0 and 9");
}

TEST(StatusTest, BackupsShowOnlyWhereTheyAreAskedFor) {
  World world(1);
  Advance(world);
  BackupSummary backups;
  backups.wanted = true;
  EXPECT_EQ(StatusOf(Look(world, {}, backups), "BackupHealthy"), "Unknown");
  backups.last.last_successful_name = "nightly-1";
  EXPECT_EQ(StatusOf(Look(world, {}, backups), "BackupHealthy"), "True");
  backups.problem = "store s: access denied";
  EXPECT_EQ(StatusOf(Look(world, {}, backups), "BackupHealthy"), "False");
  EXPECT_EQ(StatusOf(Look(world), "BackupHealthy"), "absent");
}

TEST(MemberStatusTest, IdsAreLatchedAndIllnessHasABeginning) {
  World world(3);
  Advance(world);
  const std::string name = world.names[0];
  const api::MemberStatus well =
      MakeMemberStatus(world.WhatIsDesired(), world.Look(), name, world.now);
  EXPECT_EQ(well.phase, api::MemberPhase::kReady);
  EXPECT_FALSE(well.member_id.empty());
  EXPECT_FALSE(well.pvc_uid.empty());
  EXPECT_EQ(well.unhealthy_since, std::nullopt);
  world.Silence(name);
  const api::Time since = world.now;
  world.Look();
  world.Pass(minutes(2));
  const api::MemberStatus ill =
      MakeMemberStatus(world.WhatIsDesired(), world.Look(), name, world.now);
  EXPECT_EQ(ill.phase, api::MemberPhase::kUnhealthy);
  EXPECT_EQ(ill.unhealthy_since, since);
  EXPECT_EQ(ill.member_id, well.member_id);
  EXPECT_EQ(ill.message, "its server does not answer");
}

TEST(ConditionsTest, AFreshConditionHasAllThatIsRequired) {
  Conditions conditions({}, 4, api::Time(seconds(100)));
  conditions.Set("Ready", true, "Because", "a sentence");
  const auto list = conditions.Take();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0], (api::Condition{"Ready", ConditionStatus::kTrue, 4, api::Time(seconds(100)),
                                     "Because", "a sentence"}));
}

}  // namespace
}  // namespace quorate::status
