#include "app/http_endpoint.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "net/endpoint.h"

namespace quorate::app {
namespace {

net::HttpServerOptions ServerOptions() {
  net::HttpServerOptions options;
  options.header_bytes_max = 16 << 10;
  options.header_timeout = std::chrono::seconds(10);
  options.idle_timeout = std::chrono::minutes(2);
  return options;
}

void Answer(const runtime::Health& health, net::HttpExchange& exchange) {
  const net::HttpRequest& request = exchange.request();
  if (request.method != "GET" && request.method != "HEAD") {
    exchange.Respond(net::HttpResponse::Text(405, "method not allowed; use GET"));
    return;
  }
  const runtime::Health::Answer answer = health.Get(request.target);
  net::HttpResponse response;
  response.status = answer.status;
  response.headers = {{"Content-Type", answer.content_type}};
  response.body = answer.body;
  exchange.Respond(std::move(response));
}

}  // namespace

HttpEndpoint::HttpEndpoint(const runtime::Health& health)
    : server_(ServerOptions(), [&health](const std::shared_ptr<net::HttpExchange>& exchange) {
        Answer(health, *exchange);
      }) {}

HttpEndpoint::~HttpEndpoint() {
  if (listener_) listener_->Stop();
  server_.Drain(std::chrono::seconds(1));
}

Result<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(net::EventLoop& loop,
                                                          const std::string& address,
                                                          const runtime::Health& health) {
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(health));
  net::ListenOptions options;
  options.endpoint = TRY(net::ParseHostPort(address));
  options.connections_max = 64;
  endpoint->listener_ = TRY(net::Listener::Bind({&loop}, std::move(options)));
  endpoint->listener_->Start([raw = endpoint.get()](std::shared_ptr<net::Connection> connection) {
    raw->server_.Serve(std::move(connection));
  });
  return endpoint;
}

std::string HttpEndpoint::address() const {
  return net::ToHostPort(listener_->local());
}

}  // namespace quorate::app
