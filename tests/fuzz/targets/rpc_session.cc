// One client's connection to the server port: any bytes, or HTTP/2 frames and gRPC messages that
// are well formed often enough to get behind the first check.
#include "base/check.h"
#include "fuzz/pipe.h"
#include "fuzz/target.h"
#include "rpc/server.h"

namespace quorate::rpc {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::uint8_t kData = 0;
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kSettings = 4;
constexpr std::string_view kPaths[] = {
    "/test.Echo/Unary", "/test.Echo/Upper", "/test.Echo/Fail", "/test.Echo/Drop",
    "/test.Echo/None",  "/health",          "/v3/kv/range",    "/"};

std::string Frame(std::uint8_t type, std::uint8_t flags, std::uint64_t stream,
                  std::string_view payload) {
  std::string frame;
  for (int shift = 16; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(stream >> shift);
  return frame.append(payload);
}

// HPACK literals: method, scheme, path, authority, content-type, and what the feed adds.
std::string HeaderBlock(fuzz::Feed& feed) {
  const std::string_view path = kPaths[feed.Below(std::size(kPaths))];
  const std::string_view type = feed.Flag() ? "application/grpc" : "application/json";
  std::string block = feed.Flag() ? "\x83\x86\x04" : "\x82\x86\x04";
  block += static_cast<char>(path.size());
  block += path;
  block += std::string_view(
      "\x01\x01"
      "a"
      "\x0f\x10",
      5);
  block += static_cast<char>(type.size());
  block += type;
  return block.append(feed.Text());
}

// A gRPC message whose prefix fits.
std::string Message(fuzz::Feed& feed) {
  const std::string_view bytes = feed.Text();
  std::string message(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) message += static_cast<char>(bytes.size() >> shift);
  return message.append(bytes);
}

std::string Frames(fuzz::Feed& feed) {
  std::string bytes(kPreface);
  bytes += Frame(kSettings, 0, 0, {});
  std::uint64_t next_stream = 1;
  while (!feed.empty() && bytes.size() < 1 << 16) {
    const std::uint8_t choice = feed.Byte();
    const std::uint8_t end_stream = choice >> 7U;
    const std::uint64_t recent = next_stream - 2 * std::min((next_stream - 1) / 2, feed.Below(4));
    switch (choice % 4) {
      case 0:
        bytes += Frame(kHeaders, 0x4 | end_stream, next_stream, HeaderBlock(feed));
        next_stream += 2;
        break;
      case 1:
        bytes += Frame(kData, end_stream, recent, Message(feed));
        break;
      case 2:
        bytes += Frame(kData, end_stream, recent, feed.Text());
        break;
      default: {
        const std::uint8_t type = feed.Byte() % 12;
        const std::uint8_t flags = feed.Byte();
        bytes += Frame(type, flags, feed.Flag() ? recent : 0, feed.Text());
      }
    }
  }
  return bytes;
}

std::shared_ptr<const Router> MakeRouter() {
  auto router = std::make_shared<Router>();
  router->Unary("/test.Echo/Unary", [](const std::shared_ptr<UnaryCall>& call) {
    call->Reply(std::move(call->request()));
  });
  router->Unary("/test.Echo/Fail", [](const std::shared_ptr<UnaryCall>& call) {
    call->Fail({Code::kFailedPrecondition, call->request()});
  });
  router->Unary("/test.Echo/Drop", [](const std::shared_ptr<UnaryCall>&) {});
  router->Streaming("/test.Echo/Upper", [](const std::shared_ptr<Stream>& stream) {
    stream->OnMessage([stream](std::string message) {
      if (message == "pause") stream->PauseMessages();
      stream->Send(std::move(message));
    });
    stream->OnHalfClose([stream] { stream->Finish(Status()); });
    stream->OnDrained([stream] { stream->ResumeMessages(); });
  });
  router->Http("/health", [](const std::shared_ptr<net::HttpExchange>& exchange) {
    exchange->Respond(net::HttpResponse::Json(200, R"({"health":"true"})"));
  });
  router->Http("/v3/", [](const std::shared_ptr<net::HttpExchange>& exchange) {
    exchange->ReadBody(4096, [exchange](Result<std::string> body) {
      exchange->Respond({body.ok() ? 200 : 413, {}, body.ok() ? *body : body.error().message});
    });
  });
  return router;
}

ServerOptions MakeOptions() {
  ServerOptions options;
  options.message_bytes_max = 4096;
  options.concurrent_streams_max = 16;
  options.output_bytes_max = 1 << 16;
  options.input_bytes_max = 1 << 16;
  options.resets_burst = 8;
  options.resets_per_second = 1;
  options.http.header_bytes_max = 8192;
  return options;
}

FUZZ_TARGET(rpc_session) {
  static Server& server = *new Server(MakeOptions(), MakeRouter());
  fuzz::Feed feed(input);
  const bool raw = feed.Below(4) == 3;
  const fuzz::Feed shape(feed.Text());
  const std::string bytes = raw ? std::string(feed.Rest()) : Frames(feed);
  fuzz::Session::Get().Run(
      [](std::shared_ptr<net::Connection> pipe) { server.Accept(std::move(pipe)); }, shape, bytes);
  CHECK(server.connection_count() == 0);
  CHECK(server.counters().streams_open == 0);
}

}  // namespace
}  // namespace quorate::rpc
