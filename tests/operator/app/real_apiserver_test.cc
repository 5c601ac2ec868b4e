// The program itself against a real kube-apiserver with our CRDs. No kubelet runs, so members never
// start; everything up to there is real: schemas, server-side apply, watches, leases, events.
#include <gtest/gtest.h>

#include <csignal>

#include "io/real_clock.h"
#include "io/real_disk.h"
#include "kube/client.h"
#include "kube/rest_client.h"
#include "peers/etcd.h"
#include "peers/kube_apiserver.h"
#include "support/root.h"
#include "support/wait.h"

namespace quorate::app {
namespace {

using kube::Json;
namespace resources = kube::resources;
using test::ChildProcess;
using test::KubeApiServer;

// One API server for all tests of this process; starting it takes seconds.
class RealApiServerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(test::Part("kube-apiserver").empty()) << "run deploy/local/parts.sh first";
    server_ = std::make_unique<KubeApiServer>();
    ASSERT_TRUE(server_->AwaitReady()) << server_->Log();
    kube::ConnectionConfig config;
    config.server = server_->url();
    config.ca.file = server_->ca_file();
    config.token.inline_text = server_->token();
    auto http = kube::RestClient::Create(config, clock_, disk_);
    ASSERT_TRUE(http.ok());
    http_ = std::move(http).value();
    client_ = std::make_unique<kube::Client>(*http_, clock_, kube::Client::Options{});
    ASSERT_EQ(WriteKubeconfig(server_->token(), "kubeconfig"), Kubeconfig());
  }
  void InstallCrds() {
    const auto applied = Kubectl({"apply", "--server-side", "-f", test::SourceRoot() + "/crds"});
    ASSERT_EQ(applied.exit, 0) << applied.err;
    ASSERT_TRUE(test::WaitFor(
        [&] { return client_->ListAll(resources::kEtcdBackupSchedules, "", {}).ok(); }));
  }
  test::CommandResult Kubectl(std::vector<std::string> words) {
    words.insert(words.begin(), {test::Part("kubectl"), "--kubeconfig", Kubeconfig()});
    return test::RunCommand(words);
  }
  std::string Kubeconfig() const { return scratch_.path() + "/kubeconfig"; }
  // A kubeconfig for that token beside the administrator's; its path.
  std::string WriteKubeconfig(const std::string& token, const std::string& name) {
    const std::string text =
        "{current-context: c, contexts: [{name: c, context: {cluster: k, user: u}}], clusters: "
        "[{name: k, cluster: {server: '" +
        server_->url() + "', certificate-authority: '" + server_->ca_file() +
        "'}}], users: [{name: u, user: {token: " + token + "}}]}";
    const std::string path = scratch_.path() + "/" + name;
    EXPECT_TRUE(io::WriteFile(disk_, path, AsBytes(text)).ok());
    return path;
  }
  std::string LogFile() const { return scratch_.path() + "/operator.log"; }
  std::string Log() { return io::ReadFile(disk_, LogFile()).value(); }
  std::unique_ptr<ChildProcess> StartOperator(std::vector<std::string> extra = {}) {
    health_port_ = test::FreePort();
    std::vector<std::string> command = {
        test::Program("quorate-operator"), "--kubeconfig=" + Kubeconfig(),
        "--metrics-bind-address=0",
        "--health-probe-bind-address=127.0.0.1:" + std::to_string(health_port_)};
    command.insert(command.end(), extra.begin(), extra.end());
    return std::make_unique<ChildProcess>(command, LogFile());
  }
  bool Ready() const { return test::HttpGet(health_port_, "/readyz") == "ok"; }
  // Applies as a user would; the error's text, or nothing.
  std::string Apply(const std::string& manifest) {
    const auto done = test::RunCommand(
        {test::Part("kubectl"), "--kubeconfig", Kubeconfig(), "apply", "--server-side", "-f", "-"},
        manifest);
    return done.exit == 0 ? "" : done.err;
  }
  Json Get(const kube::Resource& resource, const std::string& name) {
    auto object = client_->Get(resource, {"default", name});
    return object.ok() ? std::move(object).value() : Json();
  }
  std::size_t Count(const kube::Resource& resource) {
    const auto all = client_->ListAll(resource, "default", {});
    return all.ok() ? all->items.size() : 0;
  }

  const test::ScratchDirectory scratch_;
  io::RealClock clock_;
  io::RealDisk disk_;
  std::unique_ptr<KubeApiServer> server_;
  std::unique_ptr<kube::RestClient> http_;
  std::unique_ptr<kube::Client> client_;
  int health_port_ = 0;
};

constexpr const char* kCluster = R"(
apiVersion: quorate.dev/v1alpha1
kind: EtcdCluster
metadata: {name: a, namespace: default}
spec: {replicas: 3, version: 3.6.0, tls: {mode: None}}
)";

TEST_F(RealApiServerTest, TheSeedIsMadeAndEverythingIsSaid) {
  InstallCrds();
  auto program = StartOperator();
  ASSERT_TRUE(test::WaitFor([&] { return Ready(); }, std::chrono::seconds(20))) << Log();
  ASSERT_EQ(Apply(kCluster), "");
  EXPECT_TRUE(test::WaitFor([&] { return Count(resources::kPods) == 1; }, std::chrono::seconds(20)))
      << Log();
  EXPECT_EQ(Count(resources::kEtcdMembers), 1U) << "one seed, the rest grows later";
  EXPECT_EQ(Count(resources::kPersistentVolumeClaims), 1U);
  EXPECT_GE(Count(resources::kServices), 2U);
  const auto status = [&](const char* pointer) {
    return kube::Text(Get(resources::kEtcdClusters, "a"), pointer);
  };
  EXPECT_TRUE(test::WaitFor([&] { return !status("/status/plan/waitingFor").empty(); })) << Log();
  EXPECT_EQ(status("/status/plan/operation"), "Bootstrap");
  EXPECT_GT(Count(resources::kEvents), 3U);
  EXPECT_NE(kube::Text(Get(resources::kLeases, "quorate-operator"), "/spec/holderIdentity"), "");
  // A signal ends it in order: the lease is free, the exit code 0.
  program->Signal(SIGTERM);
  EXPECT_EQ(program->Wait(), 0) << Log();
  EXPECT_EQ(kube::Text(Get(resources::kLeases, "quorate-operator"), "/spec/holderIdentity"), "");
  // The API server accepted everything that was sent to it.
  EXPECT_EQ(Log().find("\"level\":\"error\""), std::string::npos) << Log();
  EXPECT_EQ(Log().find("is invalid"), std::string::npos) << Log();
  EXPECT_EQ(Log().find("unknown field"), std::string::npos) << Log();
}

TEST_F(RealApiServerTest, AWaitingClusterIsNotWrittenAgainAndAgain) {
  InstallCrds();
  auto program = StartOperator({"--poll-period=1s"});
  ASSERT_EQ(Apply(kCluster), "");
  ASSERT_TRUE(test::WaitFor([&] { return Count(resources::kPods) == 1; }, std::chrono::seconds(20)))
      << Log();
  const auto versions = [&] {
    std::string all;
    for (const kube::Resource& resource :
         {resources::kEtcdClusters, resources::kEtcdMembers, resources::kPods, resources::kServices,
          resources::kPersistentVolumeClaims}) {
      const auto objects = client_->ListAll(resource, "default", {});
      for (const Json& object : objects->items) all += kube::ResourceVersion(object) + " ";
    }
    return all;
  };
  std::string before = versions();
  // Quiet for five looks in a row.
  EXPECT_TRUE(test::WaitFor(
      [&] {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (std::chrono::steady_clock::now() < until) {
          const std::string now = versions();
          if (now != before) {
            before = now;
            return false;
          }
        }
        return true;
      },
      std::chrono::seconds(40)))
      << Log();
}

// The manifests' own account, with the rights that the chart gives and no others.
TEST_F(RealApiServerTest, TheChartsRightsAreEnough) {
  InstallCrds();
  const std::string manifests = test::SourceRoot() + "/deploy/manifests/operator.yaml";
  const auto applied = Kubectl({"apply", "--server-side", "-f", manifests});
  ASSERT_EQ(applied.exit, 0) << applied.err;
  auto made = Kubectl({"create", "token", "quorate-operator", "-n", "quorate-system"});
  ASSERT_EQ(made.exit, 0) << made.err;
  if (made.out.ends_with("\n")) made.out.pop_back();
  const std::string kubeconfig = WriteKubeconfig(made.out, "account");
  auto program =
      StartOperator({"--kubeconfig=" + kubeconfig, "--leader-elect-namespace=quorate-system"});
  ASSERT_EQ(Apply(kCluster), "");
  EXPECT_TRUE(test::WaitFor(
      [&] {
        return !kube::Text(Get(resources::kEtcdClusters, "a"), "/status/plan/waitingFor").empty();
      },
      std::chrono::seconds(30)))
      << Log();
  EXPECT_EQ(Count(resources::kPods), 1U);
  EXPECT_GT(Count(resources::kEvents), 3U);
  ASSERT_TRUE(client_->Delete(resources::kEtcdClusters, {"default", "a"}, {}).ok());
  EXPECT_TRUE(test::WaitFor([&] { return Get(resources::kEtcdClusters, "a").is_null(); },
                            std::chrono::seconds(30)))
      << Log();
  EXPECT_EQ(Log().find("forbidden"), std::string::npos) << Log();
}

TEST_F(RealApiServerTest, MissingCrdsAreSaidAndWaitedFor) {
  auto program = StartOperator();
  ASSERT_TRUE(test::WaitFor([&] {
    return test::HttpGet(health_port_, "/readyz").find("CustomResourceDefinitions") !=
           std::string::npos;
  })) << test::HttpGet(health_port_, "/readyz");
  EXPECT_EQ(test::HttpGet(health_port_, "/healthz"), "ok");
  InstallCrds();
  EXPECT_TRUE(test::WaitFor([&] { return Ready(); }, std::chrono::seconds(60))) << Log();
}

TEST_F(RealApiServerTest, BrokenManifestsGiveErrorsAUserCanActOn) {
  InstallCrds();
  std::string text = kCluster;
  text.replace(text.find("replicas: 3"), 11, "replicas: 11");
  EXPECT_NE(Apply(text).find("spec.replicas"), std::string::npos) << Apply(text);
  text = kCluster;
  text.replace(text.find("replicas: 3"), 11, "replicaz: 3");
  EXPECT_NE(Apply(text).find("replicaz"), std::string::npos) << Apply(text);
  auto program = StartOperator();
  ASSERT_EQ(Apply(kCluster), "");
  ASSERT_EQ(Apply(R"(
apiVersion: quorate.dev/v1alpha1
kind: EtcdBackup
metadata: {name: b, namespace: default}
spec: {clusterRef: {name: a}, storeRef: {name: nowhere}}
)"),
            "");
  EXPECT_TRUE(test::WaitFor(
      [&] {
        return kube::Text(Get(resources::kEtcdBackups, "b"), "/status/message") ==
               "EtcdBackupStore nowhere does not exist; create it";
      },
      std::chrono::seconds(20)))
      << Get(resources::kEtcdBackups, "b").dump(1) << Log();
  const std::string bad_schedule = R"(
apiVersion: quorate.dev/v1alpha1
kind: EtcdBackupSchedule
metadata: {name: s, namespace: default}
spec: {clusterRef: {name: a}, storeRef: {name: nowhere}, schedule: "61 * * * *"}
)";
  const std::string refused = Apply(bad_schedule);
  if (!refused.empty()) return;  // the schema says it already
  EXPECT_TRUE(test::WaitFor([&] {
    return kube::Text(Get(resources::kEtcdBackupSchedules, "s"), "/status/conditions/0/status") ==
           "False";
  })) << Log();
}

}  // namespace
}  // namespace quorate::app
