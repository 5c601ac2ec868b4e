#include "runtime/leader.h"

#include <gtest/gtest.h>

#include "sim/clock.h"
#include "sim/kube_api.h"

namespace quorate::runtime {
namespace {

class LeaderTest : public testing::Test {
 protected:
  static LeaderElection::Options OptionsOf(const std::string& identity) {
    LeaderElection::Options options;
    options.identity = identity;
    return options;
  }
  void Pass(std::chrono::milliseconds time) { clock_.Advance(time); }
  std::string Holder() {
    return kube::Text(api_.Peek(kube::resources::kLeases, {"default", "quorate-operator"}),
                      "/spec/holderIdentity");
  }

  sim::Clock clock_;
  sim::Prng random_{3};
  sim::KubeApi api_{clock_, 1};
  kube::Client client_{api_, clock_, {}};
  LeaderElection a_{client_, clock_, random_, OptionsOf("a")};
  LeaderElection b_{client_, clock_, random_, OptionsOf("b")};
};

TEST_F(LeaderTest, TheFirstLeadsAndTheOtherWaits) {
  EXPECT_EQ(a_.Step(), LeaderElection::State::kLeading);
  EXPECT_EQ(b_.Step(), LeaderElection::State::kWaiting);
  for (int i = 0; i < 100; ++i) {
    Pass(std::chrono::seconds(1));
    a_.Step();
    b_.Step();
    EXPECT_TRUE(a_.leading());
    EXPECT_FALSE(b_.leading());
  }
  EXPECT_EQ(b_.holder(), "a");
}

TEST_F(LeaderTest, ADeadLeaderIsFollowedAfterItsLease) {
  a_.Step();
  b_.Step();
  int seconds = 0;
  while (!b_.leading() && seconds < 60) {
    Pass(std::chrono::seconds(1));
    b_.Step();
    ++seconds;
    EXPECT_FALSE(a_.leading() && b_.leading()) << "never two";
  }
  EXPECT_GE(seconds, 15);
  EXPECT_LE(seconds, 20);
  EXPECT_EQ(kube::Number(api_.Peek(kube::resources::kLeases, {"default", "quorate-operator"}),
                         "/spec/leaseTransitions"),
            1);
}

TEST_F(LeaderTest, WhoCannotRenewStopsBeforeItsLeaseRunsOut) {
  a_.Step();
  api_.SetReachable(false);
  int seconds = 0;
  while (a_.leading()) {
    Pass(std::chrono::seconds(1));
    a_.Step();
    ++seconds;
  }
  EXPECT_EQ(seconds, 10);
  EXPECT_EQ(a_.Step(), LeaderElection::State::kLost);
  api_.Resume();
  Pass(std::chrono::seconds(60));
  EXPECT_EQ(a_.Step(), LeaderElection::State::kLost) << "for good: the process is to end";
}

TEST_F(LeaderTest, LeadershipEndsByTimeEvenWhenNobodySteps) {
  a_.Step();
  Pass(std::chrono::seconds(10));
  EXPECT_FALSE(a_.leading());
}

TEST_F(LeaderTest, ALostAnswerDoesNotMakeTwoLeaders) {
  api_.Inject({.method = "POST", .after = true});
  EXPECT_EQ(a_.Step(), LeaderElection::State::kWaiting) << "it does not know that it holds it";
  EXPECT_EQ(b_.Step(), LeaderElection::State::kWaiting);
  Pass(std::chrono::seconds(3));
  EXPECT_EQ(a_.Step(), LeaderElection::State::kLeading);
}

TEST_F(LeaderTest, ABriefFailureToRenewIsNoLoss) {
  a_.Step();
  Pass(std::chrono::seconds(3));
  api_.Inject({.method = "PUT", .status = 500});
  EXPECT_EQ(a_.Step(), LeaderElection::State::kLeading);
  Pass(std::chrono::seconds(3));
  EXPECT_EQ(a_.Step(), LeaderElection::State::kLeading);
  EXPECT_TRUE(a_.leading());
}

TEST_F(LeaderTest, AReleasedLeaseIsTakenAtOnce) {
  a_.Step();
  b_.Step();
  a_.Release();
  EXPECT_FALSE(a_.leading());
  EXPECT_EQ(Holder(), "");
  Pass(std::chrono::seconds(3));
  EXPECT_EQ(b_.Step(), LeaderElection::State::kLeading);
}

TEST_F(LeaderTest, AHolderWithAWrongClockIsJudgedByOurs) {
  a_.Step();
  api_.Mutate(kube::resources::kLeases, {"default", "quorate-operator"}, [](kube::Json& lease) {
    lease["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z";
  });
  EXPECT_EQ(b_.Step(), LeaderElection::State::kWaiting);
}

}  // namespace
}  // namespace quorate::runtime
