#include "app/http_endpoint.h"

#include <gtest/gtest.h>

#include "peers/etcd.h"
#include "runtime/metrics.h"

namespace quorate::app {
namespace {

TEST(HttpEndpointTest, AnswersProbesAndMetrics) {
  net::EventLoop loop("http");
  loop.Start();
  runtime::Metrics metrics;
  metrics.Leading("l", true);
  runtime::Health health(metrics);
  auto endpoint = HttpEndpoint::Start(loop, "127.0.0.1:0", health);
  ASSERT_TRUE(endpoint.ok()) << endpoint.error().message;
  const std::string address = (*endpoint)->address();
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  EXPECT_EQ(test::HttpGet(port, "/healthz"), "ok");
  EXPECT_NE(test::HttpGet(port, "/metrics").find("leader_election_master_status"),
            std::string::npos);
  EXPECT_EQ(test::HttpGet(port, "/nothing"), "not found\n");
}

TEST(HttpEndpointTest, APortInUseIsSaidAtOnce) {
  net::EventLoop loop("http");
  loop.Start();
  runtime::Metrics metrics;
  runtime::Health health(metrics);
  auto first = HttpEndpoint::Start(loop, "127.0.0.1:0", health);
  ASSERT_TRUE(first.ok());
  const auto second = HttpEndpoint::Start(loop, (*first)->address(), health);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("address already in use"), std::string::npos);
}

}  // namespace
}  // namespace quorate::app
