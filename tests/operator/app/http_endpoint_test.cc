#include "app/http_endpoint.h"

#include <gtest/gtest.h>

#include "app/process_facts.h"
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

// The value of a metric without labels; nullopt: it is not there.
std::optional<double> Value(const std::string& text, const std::string& name) {
  const std::size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

TEST(MetricsTest, TellWhichProgramRunsAndWhatItUses) {
  runtime::Metrics metrics;
  metrics.AboutProgram("1.2.3", ReadProcessFacts);
  const std::string text = metrics.Render();
  EXPECT_NE(text.find("quorate_operator_build_info{version=\"1.2.3\"} 1"), std::string::npos);
  EXPECT_GT(Value(text, "process_cpu_seconds_total").value_or(0), 0);
  EXPECT_GT(Value(text, "process_resident_memory_bytes").value_or(0), 1e6);
  EXPECT_GE(Value(text, "process_open_fds").value_or(0), 3);
  EXPECT_GT(Value(text, "process_max_fds").value_or(0), 3);
  const double now = static_cast<double>(time(nullptr));
  EXPECT_NEAR(Value(text, "process_start_time_seconds").value_or(0), now, 600);
  const double before = Value(text, "process_cpu_seconds_total").value_or(0);
  EXPECT_GE(Value(metrics.Render(), "process_cpu_seconds_total").value_or(0), before);
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
