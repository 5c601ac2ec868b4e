#include "app/guard.h"

#include <utility>

#include "app/boot.h"
#include "base/bytes.h"
#include "base/log.h"
#include "peer/headers.h"

namespace quorate::app {
namespace {

constexpr std::size_t kBodyBytesMax = 1 << 20;

int StatusOf(const Error& error) {
  switch (error.code) {
    case Code::kInvalidArgument:
      return 400;
    case Code::kNotFound:
      return 404;
    default:
      return 412;
  }
}

}  // namespace

Guard::Guard(const Parts& parts, const CorruptionCheckOptions& options)
    : parts_(parts),
      condemnation_({.context = parts.context,
                     .peers = parts.peers,
                     .recollection = parts.recollection,
                     .counters = parts.counters,
                     .end = parts.end}),
      state_check_({.loop = parts.loop,
                    .peers = parts.peers,
                    .context = parts.context,
                    .recollection = parts.recollection,
                    .condemnation = &condemnation_,
                    .background = parts.background,
                    .counters = parts.counters}),
      corruption_check_({.loop = parts.loop,
                         .peers = parts.peers,
                         .context = parts.context,
                         .condemnation = &condemnation_,
                         .counters = parts.counters},
                        options) {}

std::optional<Ending> Guard::Begin(std::uint64_t nonce,
                                   const std::map<MemberId, std::vector<std::string>>& others,
                                   std::chrono::nanoseconds patience) {
  const Result<Greeting> greeting =
      BeginLife(*parts_.recollection, nonce, parts_.context->node->status(), others, patience,
                [this](const std::vector<std::string>& urls, std::string body,
                       std::function<void(Result<std::string>)> done) {
                  parts_.peers->PostTo(urls, "/quorate/hello", std::move(body), std::move(done));
                });
  if (!greeting.ok()) return ToEnding(greeting.error());
  parts_.counters->hellos_unknown += greeting->unknown;
  return greeting->ending;
}

void Guard::Start() {
  state_check_.Start();
  corruption_check_.Start();
}

void Guard::Stop() {
  state_check_.Stop();
  corruption_check_.Stop();
}

void Guard::Serve(const std::shared_ptr<net::HttpExchange>& exchange) {
  const std::string own = ToHex(parts_.context->identity.cluster.value);
  const auto respond = [exchange, own](int status, std::string text) {
    net::HttpResponse response = status == 200 ? net::HttpResponse::Json(200, std::move(text))
                                               : net::HttpResponse::Text(status, text);
    response.headers.Set(peer::kClusterIdHeader, own);
    exchange->Respond(std::move(response));
  };
  if (exchange->request().method != "POST") return respond(405, "Method Not Allowed");
  if (exchange->request().headers.Get(peer::kClusterIdHeader) != own) {
    return respond(412, std::string(peer::kClusterMismatch));
  }
  exchange->ReadBody(kBodyBytesMax, [this, exchange, respond](const Result<std::string>& body) {
    if (!body.ok()) return respond(400, "error reading body");
    Answer(std::string(exchange->request().path()), *body,
           [respond](const Result<std::string>& answer) {
             if (answer.ok()) return respond(200, *answer);
             respond(StatusOf(answer.error()), answer.error().message);
           });
  });
}

// A hello must be answered while this member itself is only starting, so not by the node.
void Guard::Answer(const std::string& path, const std::string& body,
                   std::function<void(Result<std::string>)> done) {
  if (path == "/quorate/hello") {
    return done(AnswerHello(*parts_.recollection, parts_.context->node->status(),
                            *parts_.context->cluster->roster(), body));
  }
  if (path == "/quorate/state") {
    return parts_.context->node->Post(
        [this, body, done = std::move(done)] { done(state_check_.Answer(body)); });
  }
  if (path == "/quorate/verdict") {
    return parts_.context->node->Post([this, body, done = std::move(done)]() mutable {
      condemnation_.Answer(body, [done = std::move(done)](const Status& status) {
        if (status.ok()) return done(std::string("{}"));
        done(status.error());
      });
    });
  }
  done(Error{Code::kNotFound, "404 page not found"});
}

}  // namespace quorate::app
