#include "runtime/manager.h"

#include <gtest/gtest.h>

#include "io/real_clock.h"
#include "runtime/health.h"
#include "sim/clock.h"
#include "sim/kube_api.h"
#include "support/wait.h"

namespace quorate::runtime {
namespace {

using kube::Json;
using kube::ObjectRef;
namespace resources = kube::resources;

// Copies data.in to data.out of every config map, and remembers its calls.
class Copier : public Reconciler {
 public:
  explicit Copier(kube::Client& client) : client_(client) {}

  Result<Requeue> Reconcile(const ObjectRef& ref) override {
    ++calls;
    auto object = client_.Get(resources::kConfigMaps, ref);
    if (!object.ok() && kube::IsNotFound(object.error())) return Requeue{};
    if (!object.ok()) return std::move(object).error();
    const std::string in = kube::Text(*object, "/data/in");
    if (kube::Text(*object, "/data/out") == in) return Requeue{};
    (*object)["data"]["out"] = in;
    TRY(client_.Update(resources::kConfigMaps, *object));
    return Requeue{};
  }
  std::atomic<int> calls{0};

 private:
  kube::Client& client_;
};

std::vector<ObjectRef> Itself(const Json& object) {
  return {kube::RefOf(object)};
}

void PutMap(sim::KubeApi& api, const std::string& name) {
  Json object = kube::MakeObject(resources::kConfigMaps, {"default", name});
  object["data"]["in"] = name;
  api.Put(resources::kConfigMaps, object);
}

std::string OutOf(const sim::KubeApi& api, const std::string& name) {
  return kube::Text(api.Peek(resources::kConfigMaps, {"default", name}), "/data/out");
}

TEST(ManagerTest, PumpDoesEverythingAndThenNothing) {
  sim::Clock clock;
  sim::Prng random(1);
  sim::KubeApi api(clock, 1);
  kube::Client client(api, clock, {});
  Metrics metrics;
  Manager manager(client, clock, random, metrics, nullptr, {});
  Copier copier(client);
  manager.Watch(resources::kConfigMaps, "", manager.AddController("copy", copier), Itself);
  PutMap(api, "a");
  EXPECT_TRUE(manager.Pump());
  EXPECT_EQ(OutOf(api, "a"), "a");
  const auto writes = api.writes().size();
  const auto reads = api.reads();
  EXPECT_TRUE(manager.Pump());
  EXPECT_EQ(api.writes().size(), writes);
  EXPECT_EQ(api.reads(), reads) << "a settled world costs nothing";
}

TEST(ManagerTest, AFailureIsTriedAgainLater) {
  sim::Clock clock;
  sim::Prng random(1);
  sim::KubeApi api(clock, 1);
  kube::Client client(api, clock, {});
  Metrics metrics;
  Manager manager(client, clock, random, metrics, nullptr, {});
  Copier copier(client);
  manager.Watch(resources::kConfigMaps, "", manager.AddController("copy", copier), Itself);
  PutMap(api, "a");
  api.Inject({.method = "PUT", .status = 409, .times = 2, .reason = "Conflict"});
  EXPECT_TRUE(manager.Pump());
  EXPECT_EQ(OutOf(api, "a"), "");
  for (int i = 0; i < 5; ++i) {
    clock.Advance(std::chrono::milliseconds(50));
    EXPECT_TRUE(manager.Pump());
  }
  EXPECT_EQ(OutOf(api, "a"), "a");
}

TEST(ManagerTest, OnlyTheLeaderActsAndAStandbyIsReady) {
  sim::Clock clock;
  sim::Prng random(1);
  sim::KubeApi api(clock, 1);
  kube::Client client(api, clock, {});
  Metrics metrics;
  LeaderElection::Options options;
  options.identity = "other";
  LeaderElection other(client, clock, random, options);
  other.Step();
  options.identity = "mine";
  LeaderElection mine(client, clock, random, options);
  Manager manager(client, clock, random, metrics, &mine, {});
  Copier copier(client);
  manager.Watch(resources::kConfigMaps, "", manager.AddController("copy", copier), Itself);
  Health health(metrics);
  manager.AddChecks(health);
  EXPECT_EQ(health.Get("/readyz").status, 500);
  PutMap(api, "a");
  EXPECT_TRUE(manager.Pump());
  EXPECT_EQ(copier.calls, 0);
  EXPECT_EQ(health.Get("/readyz").status, 200);
  other.Release();
  clock.Advance(std::chrono::seconds(5));
  EXPECT_TRUE(manager.Pump());
  EXPECT_EQ(OutOf(api, "a"), "a") << "what came before its turn is not forgotten";
}

TEST(ManagerTest, RunWorksInThreadsUntilItIsStopped) {
  io::RealClock clock;
  sim::Prng random(1);
  sim::KubeApi api(clock, 1);
  kube::Client client(api, clock, {});
  Metrics metrics;
  Manager manager(client, clock, random, metrics, nullptr, {});
  Copier copier(client);
  manager.Watch(resources::kConfigMaps, "", manager.AddController("copy", copier), Itself);
  Status ended = Error{Code::kUnknown, "still running"};
  std::thread runner([&] { ended = manager.Run(); });
  for (int i = 0; i < 20; ++i) PutMap(api, "m" + std::to_string(i));
  const auto all_copied = [&] {
    for (int i = 0; i < 20; ++i) {
      if (OutOf(api, "m" + std::to_string(i)).empty()) return false;
    }
    return true;
  };
  EXPECT_TRUE(test::WaitFor(all_copied));
  manager.Stop();
  runner.join();
  EXPECT_TRUE(ended.ok());
  EXPECT_EQ(api.open_watches(), 0U);
}

TEST(ManagerTest, ALostLeaseEndsTheRun) {
  io::RealClock clock;
  sim::Prng random(1);
  sim::KubeApi api(clock, 1);
  kube::Client client(api, clock, {});
  Metrics metrics;
  LeaderElection::Options options;
  options.identity = "me";
  options.renew_deadline = std::chrono::milliseconds(300);
  options.retry = std::chrono::milliseconds(50);
  LeaderElection election(client, clock, random, options);
  Manager manager(client, clock, random, metrics, &election, {});
  Copier copier(client);
  manager.Watch(resources::kConfigMaps, "", manager.AddController("copy", copier), Itself);
  Status ended;
  std::thread runner([&] { ended = manager.Run(); });
  PutMap(api, "a");
  EXPECT_TRUE(test::WaitFor([&] { return OutOf(api, "a") == "a"; }));
  api.SetReachable(false);
  runner.join();
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code, Code::kFailedPrecondition);
}

TEST(HealthTest, LivenessAsksNothingOfTheOutsideWorld) {
  Metrics metrics;
  Health health(metrics);
  health.AddReady({"informers", [] { return std::string("pods: not listed yet"); }});
  EXPECT_EQ(health.Get("/healthz").status, 200);
  EXPECT_EQ(health.Get("/healthz").body, "ok");
  EXPECT_EQ(health.Get("/livez?verbose").body, "[+]ping ok\nlivez check passed\n");
  EXPECT_EQ(health.Get("/readyz").status, 500);
  EXPECT_EQ(health.Get("/readyz").body,
            "[+]ping ok\n[-]informers failed: pods: not listed yet\nreadyz check failed\n");
  EXPECT_EQ(health.Get("/readyz/ping").status, 200);
  EXPECT_EQ(health.Get("/readyz/nothing").status, 404);
  EXPECT_EQ(health.Get("/").status, 404);
}

TEST(MetricsTest, NamesAreThoseOfDashboards) {
  Metrics metrics;
  metrics.ReconcileDone("cluster", "success", std::chrono::milliseconds(7));
  metrics.ReconcileDone("cluster", "error", std::chrono::milliseconds(7));
  metrics.QueueState("cluster", {5, 2, 3, 1, 1});
  metrics.QueueState("cluster", {6, 2, 0, 1, 1});
  metrics.QueueWait("cluster", std::chrono::milliseconds(2));
  metrics.RestRequest("GET", 200);
  metrics.Leading("quorate-operator", true);
  metrics.ClusterCondition("default", "a", "Available", 1);
  metrics.ClusterCondition("default", "b", "Available", 0);
  metrics.ForgetCluster("default", "b");
  const std::string text = metrics.Render();
  for (const char* line :
       {"controller_runtime_reconcile_total{controller=\"cluster\",result=\"success\"} 1",
        "controller_runtime_reconcile_errors_total{controller=\"cluster\"} 1",
        "controller_runtime_reconcile_time_seconds_count{controller=\"cluster\"} 2",
        "workqueue_depth{controller=\"cluster\",name=\"cluster\"} 0",
        "workqueue_adds_total{controller=\"cluster\",name=\"cluster\"} 6",
        "workqueue_retries_total{controller=\"cluster\",name=\"cluster\"} 2",
        "rest_client_requests_total{code=\"200\",method=\"GET\"} 1",
        "leader_election_master_status{name=\"quorate-operator\"} 1",
        "quorate_operator_cluster_condition{condition=\"Available\",name=\"a\","
        "namespace=\"default\"} 1"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " not in\n" << text;
  }
  EXPECT_EQ(text.find("name=\"b\""), std::string::npos);
}

}  // namespace
}  // namespace quorate::runtime
