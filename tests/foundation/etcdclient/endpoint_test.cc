#include "etcdclient/endpoint.h"

#include "etcdclient/client.h"

namespace quorate::etcdclient {
namespace {

std::string Parsed(std::string_view text, bool tls_without_scheme = false) {
  const auto endpoint = ParseEndpoint(text, tls_without_scheme);
  if (!endpoint.ok()) return endpoint.error().message;
  return endpoint->target + (endpoint->tls ? " tls" : " plain") + " host=" + endpoint->host;
}

TEST(EndpointTest, UnderstandsEveryFormUsersWrite) {
  EXPECT_EQ(Parsed("127.0.0.1:2379"), "dns:///127.0.0.1:2379 plain host=127.0.0.1");
  EXPECT_EQ(Parsed("127.0.0.1:2379", true), "dns:///127.0.0.1:2379 tls host=127.0.0.1");
  EXPECT_EQ(Parsed("http://a.b:1", true), "dns:///a.b:1 plain host=a.b");
  EXPECT_EQ(Parsed("https://a.b:2379/"), "dns:///a.b:2379 tls host=a.b");
  EXPECT_EQ(Parsed("http://[::1]:2379"), "dns:///[::1]:2379 plain host=::1");
  EXPECT_EQ(Parsed("unix:///run/e.sock"), "unix:/run/e.sock plain host=");
  EXPECT_EQ(Parsed("unixs:///run/e.sock"), "unix:/run/e.sock tls host=");
}

TEST(EndpointTest, RefusesWhatItCannotDialAndQuotesIt) {
  for (const char* text :
       {"", "localhost", "http://localhost", "a:b", "::1:2379", "http://a:1/x", ":2379"}) {
    const auto endpoint = ParseEndpoint(text, false);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint.error().code, Code::kInvalidArgument);
    EXPECT_THAT(endpoint.error().message,
                testing::HasSubstr("endpoint \"" + std::string(text) + "\""));
  }
}

TEST(EndpointTest, ClientRefusesTlsTextsThatAreNotPem) {
  Options options;
  options.endpoints = {"https://127.0.0.1:1"};
  options.tls = TlsOptions{.ca = "/etc/ca.pem"};
  const auto client = MakeClient(options);
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().message, "TLS CA is not PEM text");
}

}  // namespace
}  // namespace quorate::etcdclient
