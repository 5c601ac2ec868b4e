// HTTP/1.1 requests to a server: whatever comes, the connection ends and nothing is kept.
#include "net/http_server.h"

#include "base/check.h"
#include "fuzz/pipe.h"
#include "fuzz/target.h"

namespace quorate::net {
namespace {

constexpr std::size_t kBodyBytesMax = 4096;

void Echo(const std::shared_ptr<HttpExchange>& exchange) {
  exchange->ReadBody(kBodyBytesMax, [exchange](Result<std::string> body) {
    if (!body.ok()) return exchange->Respond(HttpResponse::Text(413, body.error().message));
    exchange->Respond({200, {}, std::move(*body)});
  });
}

// The body goes back as it comes.
void Stream(const std::shared_ptr<HttpExchange>& exchange) {
  exchange->StartResponse(200, {{"Content-Type", "text/plain"}});
  exchange->StreamBody(
      [exchange](std::string_view bytes) {
        exchange->Send(std::string(bytes));
        exchange->ResumeBody();
        return false;
      },
      [exchange](const Status& status) { status.ok() ? exchange->Finish() : exchange->Abort(); });
}

void Handle(const std::shared_ptr<HttpExchange>& exchange) {
  const std::string_view path = exchange->request().path();
  if (path == "/echo") return Echo(exchange);
  if (path == "/stream") return Stream(exchange);
  if (path == "/drop") return;
  exchange->Respond(HttpResponse::Text(404, exchange->request().query()));
}

FUZZ_TARGET(http_server) {
  static HttpServer& server = *new HttpServer({.header_bytes_max = 8192}, Handle);
  fuzz::Feed feed(input);
  const fuzz::Feed shape(feed.Text());
  fuzz::Session::Get().Run([](std::shared_ptr<Connection> pipe) { server.Serve(std::move(pipe)); },
                           shape, feed.Rest());
  CHECK(server.connection_count() == 0);
}

}  // namespace
}  // namespace quorate::net
