#include "contracts/kube_contract.h"

#include <gtest/gtest.h>

#include "io/real_clock.h"
#include "io/real_disk.h"
#include "kube/rest_client.h"
#include "peers/kube_apiserver.h"
#include "sim/clock.h"
#include "sim/kube_api.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

kube::ConnectionConfig ConnectionTo(const KubeApiServer& server) {
  kube::ConnectionConfig config;
  config.server = server.url();
  config.ca.file = server.ca_file();
  config.token.inline_text = server.token();
  return config;
}

class KubeContractSimTest : public testing::TestWithParam<KubeCheck> {};

TEST_P(KubeContractSimTest, Holds) {
  sim::Clock clock;
  sim::KubeApi api(clock, 1);
  api.AddKind({kWidgets, true, true, true});
  api.Put(kube::resources::kNamespaces, kube::MakeObject(kube::resources::kNamespaces, {"", "c"}));
  kube::Client client(api, clock, {});
  KubeWorld world{client, "c", [&](std::chrono::seconds time) { clock.Advance(time); }};
  GetParam().run(world);
}

INSTANTIATE_TEST_SUITE_P(Kube, KubeContractSimTest, testing::ValuesIn(KubeContract()),
                         [](const auto& check) { return check.param.name; });

TEST(KubeContractRealTest, ARealApiServerPassesTheSameSuite) {
  ASSERT_FALSE(Part("kube-apiserver").empty()) << "run deploy/local/parts.sh first";
  KubeApiServer server;
  ASSERT_TRUE(server.AwaitReady()) << server.Log();
  io::RealClock clock;
  io::RealDisk disk;
  auto http = kube::RestClient::Create(ConnectionTo(server), clock, disk);
  ASSERT_TRUE(http.ok()) << http.error().message;
  kube::Client client(**http, clock, {});
  ASSERT_TRUE(client.Create(kube::resources::kCustomResourceDefinitions, WidgetDefinition()).ok());
  ASSERT_TRUE(WaitFor([&] { return client.ListAll(kWidgets, "", {}).ok(); }));
  int number = 0;
  for (const KubeCheck& check : KubeContract()) {
    SCOPED_TRACE(check.name);
    const std::string ns = "c" + std::to_string(++number);
    ASSERT_TRUE(client
                    .Create(kube::resources::kNamespaces,
                            kube::MakeObject(kube::resources::kNamespaces, {"", ns}))
                    .ok());
    KubeWorld world{client, ns, [](std::chrono::seconds) {}};
    check.run(world);
  }
}

TEST(KubeContractRealTest, AStrangerIsRefusedAndAServerThatIsGoneIsUnavailable) {
  ASSERT_FALSE(Part("kube-apiserver").empty()) << "run deploy/local/parts.sh first";
  io::RealClock clock;
  io::RealDisk disk;
  kube::ConnectionConfig config;
  {
    KubeApiServer server;
    ASSERT_TRUE(server.AwaitReady()) << server.Log();
    config = ConnectionTo(server);
    auto mine = kube::RestClient::Create(config, clock, disk);
    ASSERT_TRUE(mine.ok());
    kube::Client client(**mine, clock, {});
    ASSERT_TRUE(client.ListAll(kube::resources::kPods, "", {}).ok());
    config.token.inline_text = "wrong";
    auto stranger = kube::RestClient::Create(config, clock, disk);
    ASSERT_TRUE(stranger.ok());
    kube::Client refused(**stranger, clock, {});
    EXPECT_EQ(kube::ReasonOf(refused.ListAll(kube::resources::kPods, "", {}).error()),
              kube::Reason::kUnauthorized);
    // A server whose certificate another authority signed is not spoken to.
    config = ConnectionTo(server);
    config.ca = {server.OtherAuthority(), ""};
    auto wary = kube::RestClient::Create(config, clock, disk);
    ASSERT_TRUE(wary.ok());
    kube::Client distrusting(**wary, clock, {});
    EXPECT_FALSE(distrusting.ListAll(kube::resources::kPods, "", {}).ok());
    auto watch = client.Watch(kube::resources::kPods, "", {});
    ASSERT_TRUE(watch->Next(std::chrono::milliseconds(200)).ok());
    server.Kill();
    bool broken = false;
    for (int i = 0; i < 100 && !broken; ++i) {
      broken = !watch->Next(std::chrono::milliseconds(100)).ok();
    }
    EXPECT_TRUE(broken) << "a watch must not outlive its server";
    EXPECT_EQ(kube::ReasonOf(client.ListAll(kube::resources::kPods, "", {}).error()),
              kube::Reason::kServiceUnavailable);
  }
}

}  // namespace
}  // namespace quorate::test
