#include "net/tls.h"

#include <future>

#include "foundation/net/fixture.h"
#include "support/wait.h"

namespace quorate::net {
namespace {

// Answers the client's common name.
void WhoAmI(const std::shared_ptr<HttpExchange>& exchange) {
  const auto& peer = exchange->connection().tls();
  exchange->Respond({200, {}, peer.has_value() ? "cn=" + peer->common_name : "plain"});
}

HttpClientOptions ClientOf(const TlsClientOptions& options) {
  HttpClientOptions client;
  client.tls = TlsClient::Make(options).value();
  client.idle_connections_max = 0;
  return client;
}

TEST(TlsTest, ServesAClientThatTrustsTheCa) {
  Certificates files;
  HttpHarness harness(WhoAmI, {}, TlsServer::Make(files.Server()).value(),
                      ClientOf(files.Client(false)));
  const auto response = harness.Get("/");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "cn=");
}

TEST(TlsTest, CarriesLargeBodies) {
  Certificates files;
  HttpHarness harness(
      [](const std::shared_ptr<HttpExchange>& exchange) {
        exchange->ReadBody(64 << 20, [exchange](Result<std::string> body) {
          exchange->Respond({200, {}, std::move(body).value()});
        });
      },
      {}, TlsServer::Make(files.Server()).value(), ClientOf(files.Client(false)));
  std::string large(10 << 20, 'x');
  large[5 << 20] = 'y';
  const auto response = harness.Fetch({"POST", "/", {}, large});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, large);
}

TEST(TlsTest, TellsTheServerWhoTheClientIs) {
  Certificates files;
  HttpHarness harness(WhoAmI, {}, TlsServer::Make(files.MutualServer()).value(),
                      ClientOf(files.Client(true)));
  const auto response = harness.Get("/");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "cn=alice");
}

TEST(TlsTest, RefusesAClientWithoutACertificate) {
  Certificates files;
  HttpHarness harness(WhoAmI, {}, TlsServer::Make(files.MutualServer()).value(),
                      ClientOf(files.Client(false)));
  EXPECT_FALSE(harness.Get("/").ok());
  EXPECT_EQ(harness.rejected.get_future().get().message, "tls: peer did not return a certificate");
}

TEST(TlsTest, RefusesAServerOfAnotherCa) {
  Certificates files;
  Certificates others;
  HttpHarness harness(WhoAmI, {}, TlsServer::Make(files.Server()).value(),
                      ClientOf(others.Client(false)));
  const auto response = harness.Get("/");
  ASSERT_FALSE(response.ok());
  EXPECT_THAT(response.error().message,
              ::testing::StartsWith("tls: failed to verify certificate: "));
}

TEST(TlsTest, RefusesAServerOfAnotherName) {
  Certificates files;
  files.Issue("server", "server", {"elsewhere.example"});
  HttpHarness harness(WhoAmI, {}, TlsServer::Make(files.Server()).value(),
                      ClientOf(files.Client(false)));
  const auto response = harness.Get("/");
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().message, "tls: failed to verify certificate: IP address mismatch");
}

TEST(TlsTest, AdmitsOnlyTheCommonNamesThatAreAllowed) {
  Certificates files;
  TlsServerOptions options = files.MutualServer();
  options.allowed_cns = {"bob"};
  HttpHarness refused(WhoAmI, {}, TlsServer::Make(options).value(), ClientOf(files.Client(true)));
  EXPECT_FALSE(refused.Get("/").ok());
  EXPECT_EQ(refused.rejected.get_future().get().message,
            "client certificate authentication failed");
  options.allowed_cns = {"bob", "alice"};
  HttpHarness admitted(WhoAmI, {}, TlsServer::Make(options).value(), ClientOf(files.Client(true)));
  EXPECT_TRUE(admitted.Get("/").ok());
}

TEST(TlsTest, ChecksThatAPeersCertificateNamesItsAddress) {
  Certificates files;
  TlsServerOptions options = files.MutualServer();
  options.verify_client_address = true;
  HttpHarness admitted(WhoAmI, {}, TlsServer::Make(options).value(), ClientOf(files.Client(true)));
  EXPECT_TRUE(admitted.Get("/").ok());
  files.Issue("client", "alice", {"10.9.8.7"});
  HttpHarness refused(WhoAmI, {}, TlsServer::Make(options).value(), ClientOf(files.Client(true)));
  EXPECT_FALSE(refused.Get("/").ok());
  EXPECT_EQ(refused.rejected.get_future().get().message,
            "tls: \"127.0.0.1\" does not match any of the certificate's addresses");
}

// A rotated certificate is served without a restart; a broken file leaves the former one in use.
TEST(TlsTest, RereadsItsFilesWhenTheyChange) {
  Certificates files;
  HttpHarness harness(WhoAmI, {}, TlsServer::Make(files.MutualServer()).value(),
                      ClientOf(files.Client(true)));
  ASSERT_TRUE(harness.Get("/").ok());
  files.Issue("client", "carol", {"127.0.0.1"});
  EXPECT_TRUE(test::WaitFor([&] {
    const auto response = harness.Get("/");
    return response.ok() && response->body == "cn=carol";
  }));
  files.folder().Write("client.pem", "garbage");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(harness.Get("/").ok());
}

TEST(TlsTest, RefusesVersionsBelowTheLeast) {
  Certificates files;
  TlsServerOptions server = files.Server();
  server.min_version = "TLS1.3";
  TlsClientOptions client = files.Client(false);
  client.max_version = "TLS1.2";
  HttpHarness harness(WhoAmI, {}, TlsServer::Make(server).value(), ClientOf(client));
  EXPECT_FALSE(harness.Get("/").ok());
}

TEST(TlsTest, TakesGosCipherNames) {
  Certificates files;
  TlsServerOptions server = files.Server();
  server.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"};
  EXPECT_TRUE(TlsServer::Make(server).ok());
  server.cipher_suites = {"TLS_NO_SUCH"};
  EXPECT_EQ(TlsServer::Make(server).error().message, "unexpected TLS cipher suite \"TLS_NO_SUCH\"");
}

TEST(TlsTest, EndsAHandshakeThatNeverComes) {
  Certificates files;
  RunningLoop running("loop");
  ListenOptions listen;
  listen.endpoint = ParseUrl("https://127.0.0.1:0").value();
  listen.tls = TlsServer::Make(files.Server()).value();
  listen.handshake_timeout = std::chrono::milliseconds(30);
  std::promise<Error> rejected;
  listen.on_rejected = [&](const std::string&, const std::string&, const Error& error) {
    rejected.set_value(error);
  };
  auto listener = Listener::Bind({&running.loop}, listen).value();
  listener->Start([](const std::shared_ptr<Connection>&) {});
  DialOptions dial;
  dial.endpoint = listener->local();
  dial.endpoint.tls = false;
  std::promise<std::shared_ptr<Connection>> dialled;
  Dial(running.loop, dial, [&](auto connection) { dialled.set_value(connection.value()); });
  const auto connection = dialled.get_future().get();
  EXPECT_EQ(rejected.get_future().get().code, Code::kDeadlineExceeded);
  running.loop.RunSync([&] { connection->Close(); });
}

TEST(TlsTest, SaysWhichFileIsMissing) {
  TlsServerOptions options;
  options.cert_file = "/nonexistent/cert.pem";
  options.key_file = "/nonexistent/key.pem";
  EXPECT_EQ(TlsServer::Make(options).error().message,
            "load /nonexistent/cert.pem: no such file or directory");
}

TEST(CertificateTest, TellsItsDates) {
  Certificates files;
  const CertificateDates dates = ReadCertificateDates(files.folder().File("server.pem")).value();
  EXPECT_EQ(dates.common_name, "server");
  const auto length = dates.not_after - dates.not_before;
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::hours>(length).count(), 24 * 365 + 1);
}

}  // namespace
}  // namespace quorate::net
