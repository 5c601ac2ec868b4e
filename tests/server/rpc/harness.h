// RpcHarness: a server with an echo service on a free port of loopback.
//
//   /test.Echo/Unary   answers the request
//   /test.Echo/Upper   a bidi stream, each message upper case
//   /test.Echo/Fail    refuses with its text
//   /test.Echo/Never   gives no answer until told
//   /test.Echo/Who     metadata "token" and the client's CN
#pragma once

#include <algorithm>
#include <atomic>
#include <cctype>
#include <mutex>
#include <thread>

#include "foundation/net/fixture.h"
#include "rpc/server.h"

namespace quorate::rpc {

class RpcHarness {
 public:
  explicit RpcHarness(ServerOptions options = {}, std::shared_ptr<net::TlsServer> tls = nullptr)
      : router_(std::make_shared<Router>()) {
    AddEcho();
    Listen(options, std::move(tls));
  }
  // With a router of the test's own.
  RpcHarness(ServerOptions options, std::shared_ptr<Router> router) : router_(std::move(router)) {
    Listen(options, nullptr);
  }
  ~RpcHarness() {
    listener->Stop();
    loop.loop.RunSync([this] { kept.clear(); });
  }
  RpcHarness(const RpcHarness&) = delete;
  RpcHarness& operator=(const RpcHarness&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(listener->local().port); }

  net::RunningLoop loop{"rpc"};
  std::atomic<int> cancelled{0};
  std::atomic<int> half_closed{0};
  std::vector<std::shared_ptr<UnaryCall>> kept;  // of Never; on the loop
  std::atomic<int> kept_count{0};
  std::unique_ptr<Server> server;
  std::unique_ptr<net::Listener> listener;

 private:
  void Listen(const ServerOptions& options, std::shared_ptr<net::TlsServer> tls) {
    server = std::make_unique<Server>(options, router_);
    net::ListenOptions listen;
    listen.endpoint = net::ParseHostPort("127.0.0.1:0").value();
    listen.endpoint.tls = tls != nullptr;
    listen.tls = std::move(tls);
    listener = net::Listener::Bind({&loop.loop}, std::move(listen)).value();
    listener->Start([this](std::shared_ptr<net::Connection> connection) {
      server->Accept(std::move(connection));
    });
  }

  void AddEcho() {
    router_->Unary("/test.Echo/Unary", [](const std::shared_ptr<UnaryCall>& call) {
      call->Reply(std::move(call->request()));
    });
    router_->Unary("/test.Echo/Fail", [](const std::shared_ptr<UnaryCall>& call) {
      call->Fail({Code::kFailedPrecondition, call->request()});
    });
    router_->Unary("/test.Echo/Who", [](const std::shared_ptr<UnaryCall>& call) {
      call->Reply(std::string(call->metadata("token")) + "/" +
                  (call->tls().has_value() ? call->tls()->common_name : "plain"));
    });
    router_->Unary("/test.Echo/Drop", [](const std::shared_ptr<UnaryCall>&) {});
    router_->Unary("/test.Echo/Never", [this](const std::shared_ptr<UnaryCall>& call) {
      call->OnCancel([this] { ++cancelled; });
      kept.push_back(call);
      ++kept_count;
    });
    router_->Streaming("/test.Echo/Upper", [this](const std::shared_ptr<Stream>& stream) {
      const std::weak_ptr<Stream> weak = stream;
      stream->OnMessage([stream](std::string message) {
        std::transform(message.begin(), message.end(), message.begin(), [](char c) {
          return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        });
        stream->Send(std::move(message));
      });
      stream->OnHalfClose([this, stream] {
        ++half_closed;
        stream->Finish(Status());
      });
      stream->OnCancel([this] { ++cancelled; });
    });
    router_->Http("/health", [](const std::shared_ptr<net::HttpExchange>& exchange) {
      exchange->Respond(net::HttpResponse::Json(200, R"({"health":"true","reason":""})"));
    });
    router_->Http("/v3/", [](const std::shared_ptr<net::HttpExchange>& exchange) {
      exchange->ReadBody(1 << 20, [exchange](Result<std::string> body) {
        exchange->Respond({200, {}, exchange->request().target + ":" + body.value()});
      });
    });
  }

  std::shared_ptr<Router> router_;
};

}  // namespace quorate::rpc
