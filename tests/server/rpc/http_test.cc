// One port, two protocols; and HTTP through either.
#include "server/rpc/grpc_peer.h"
#include "server/rpc/harness.h"

namespace quorate::rpc {
namespace {

Result<net::HttpResponse> Fetch(const RpcHarness& harness, net::HttpRequest request,
                                std::shared_ptr<net::TlsClient> tls = nullptr) {
  net::RunningLoop loop("client");
  net::HttpClientOptions options;
  options.tls = std::move(tls);
  net::HttpClient client(loop.loop, options);
  std::promise<Result<net::HttpResponse>> promise;
  client.Fetch(harness.listener->local(), std::move(request), std::chrono::seconds(5), 1 << 20,
               [&](Result<net::HttpResponse> response) { promise.set_value(std::move(response)); });
  return promise.get_future().get();
}

TEST(OnePortTest, ServesGrpcAndHttp1InPlaintext) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  EXPECT_EQ(peer.Call("/test.Echo/Unary", "a").message, "a");
  const auto health = Fetch(harness, {"GET", "/health", {}, ""});
  ASSERT_TRUE(health.ok()) << health.error().message;
  EXPECT_EQ(health->body, R"({"health":"true","reason":""})");
  EXPECT_EQ(health->headers.Get("content-type"), "application/json");
}

TEST(OnePortTest, ServesGrpcAndHttp1UnderTls) {
  net::Certificates files;
  net::TlsServerOptions tls = files.Server();
  tls.alpn = {"h2", "http/1.1"};
  RpcHarness harness({}, net::TlsServer::Make(tls).value());
  for (const std::vector<std::string>& alpn :
       {std::vector<std::string>{"http/1.1"}, std::vector<std::string>{}}) {
    net::TlsClientOptions client = files.Client(false);
    client.alpn = alpn;
    const auto answer =
        Fetch(harness, {"POST", "/v3/kv/put?x=1", {}, "{}"}, net::TlsClient::Make(client).value());
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->body, "/v3/kv/put?x=1:{}");
  }
}

TEST(OnePortTest, RoutesAPrefixAndRefusesTheRestAsGoDoes) {
  RpcHarness harness;
  EXPECT_EQ(Fetch(harness, {"POST", "/v3/lease/grant", {}, "b"})->body, "/v3/lease/grant:b");
  const auto other = Fetch(harness, {"GET", "/nothing", {}, ""});
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->status, 404);
  EXPECT_EQ(other->body, "404 page not found\n");
  EXPECT_EQ(other->headers.Get("X-Content-Type-Options"), "nosniff");
}

TEST(OnePortTest, KeepsEachProtocolOutWhereItIsNotServed) {
  ServerOptions grpc_only;
  grpc_only.serve_http = false;
  RpcHarness first(grpc_only);
  EXPECT_FALSE(Fetch(first, {"GET", "/health", {}, ""}).ok());
  ServerOptions http_only;
  http_only.serve_grpc = false;
  RpcHarness second(http_only);
  EXPECT_TRUE(Fetch(second, {"GET", "/health", {}, ""}).ok());
  GrpcPeer peer(second.address());
  EXPECT_FALSE(peer.Call("/test.Echo/Unary", "a").status.ok());
}

}  // namespace
}  // namespace quorate::rpc
