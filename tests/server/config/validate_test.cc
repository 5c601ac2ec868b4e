#include "config/validate.h"

namespace quorate::config {
namespace {

std::string ErrorOf(Options options) {
  const Status status = Complete(options);
  return status.ok() ? "ok" : status.error().message;
}

TEST(ValidateTest, TheDefaultsStartASingleMember) {
  Options options;
  ASSERT_TRUE(Complete(options).ok());
  EXPECT_EQ(options.data_dir, "default.etcd");
  EXPECT_EQ(options.wal_dir, "default.etcd/member/wal");
  EXPECT_EQ(options.initial_cluster, "default=http://localhost:2380");
}

TEST(ValidateTest, HoldsTheTimesToEtcdsRules) {
  Options options;
  options.election_timeout = std::chrono::milliseconds(400);
  EXPECT_EQ(ErrorOf(options),
            "--election-timeout[400ms] should be at least as 5 times as "
            "--heartbeat-interval[100ms]");
  options.election_timeout = std::chrono::milliseconds(50001);
  EXPECT_EQ(ErrorOf(options),
            "--election-timeout[50001ms] is too long, and should be set less than 50000ms");
  options.heartbeat_interval = std::chrono::milliseconds(0);
  EXPECT_EQ(ErrorOf(options), "--heartbeat-interval must be >0 (set to 0ms)");
}

TEST(ValidateTest, ListeningElsewhereNeedsAnAdvertisedUrl) {
  Options options;
  options.listen_client_urls = {"http://0.0.0.0:2379"};
  options.set_flags = {"listen-client-urls"};
  EXPECT_EQ(ErrorOf(options),
            "--advertise-client-urls is required when --listen-client-urls is set explicitly");
}

TEST(ValidateTest, ListenersAreAddressesNotNames) {
  Options options;
  options.listen_peer_urls = {"http://example.com:2380"};
  EXPECT_THAT(ErrorOf(options),
              testing::HasSubstr("expected IP in URL for binding (http://example.com:2380)"));
  options.listen_peer_urls = {"http://[::1]:2380"};
  EXPECT_EQ(ErrorOf(options), "ok");
  options.listen_peer_urls = {"https://127.0.0.1:2380"};
  EXPECT_THAT(ErrorOf(options), testing::HasSubstr("TLS is not supported yet"));
}

}  // namespace
}  // namespace quorate::config
