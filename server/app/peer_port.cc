#include "app/peer_port.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/cluster_service.h"
#include "api/info.h"
#include "api/lease_service.h"
#include "api/maintenance_service.h"
#include "app/peer_words.h"
#include "base/bytes.h"
#include "peer/headers.h"

namespace quorate::app {
namespace {

using ExchangePtr = std::shared_ptr<net::HttpExchange>;

constexpr std::size_t kBodyBytesMax = 1 << 20;

void Respond(const api::Context& context, const ExchangePtr& exchange, net::HttpResponse response) {
  response.headers.Set(peer::kClusterIdHeader, ToHex(context.identity.cluster.value));
  exchange->Respond(std::move(response));
}

void RespondText(const api::Context& context, const ExchangePtr& exchange, int status,
                 std::string_view text) {
  Respond(context, exchange, net::HttpResponse::Text(status, text));
}

bool Expect(const api::Context& context, const ExchangePtr& exchange, const char* method) {
  if (exchange->request().method == method) return true;
  RespondText(context, exchange, 405, "Method Not Allowed");
  return false;
}

void Members(const api::Context& context, const ExchangePtr& exchange) {
  if (!Expect(context, exchange, "GET")) return;
  api::AnswerPeerMembers(context, [&context, exchange](const std::string& members) {
    Respond(context, exchange, net::HttpResponse::Json(200, members + "\n"));
  });
}

// The status of a lease question's error: etcd's members match on it.
int LeaseStatus(const Error& error) {
  if (error.code == Code::kNotFound) return 404;
  if (error.code == Code::kUnavailable) return 408;
  return 400;
}

using LeaseAnswerer = void (*)(const api::Context&, std::string_view, api::PeerAnswer);

void Lease(const api::Context& context, const ExchangePtr& exchange, LeaseAnswerer answer) {
  if (!Expect(context, exchange, "POST")) return;
  exchange->ReadBody(kBodyBytesMax, [&context, exchange, answer](const Result<std::string>& body) {
    if (!body.ok()) return RespondText(context, exchange, 400, "error reading body");
    answer(context, *body, [&context, exchange](Result<std::string> answered) {
      if (!answered.ok()) {
        return RespondText(context, exchange, LeaseStatus(answered.error()),
                           answered.error().message);
      }
      net::HttpResponse response;
      response.headers.Set("Content-Type", "application/protobuf");
      response.body = std::move(*answered);
      Respond(context, exchange, std::move(response));
    });
  });
}

void Promote(const api::Context& context, const ExchangePtr& exchange, std::string_view id_text) {
  if (!Expect(context, exchange, "POST")) return;
  std::uint64_t id = 0;
  const char* const end = id_text.data() + id_text.size();
  const auto parsed = std::from_chars(id_text.data(), end, id);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    return RespondText(context, exchange, 404,
                       "member " + std::string(id_text) + " not found in cluster");
  }
  api::AnswerPeerPromote(context, MemberId{id}, [&context, exchange](Result<std::string> members) {
    if (members.ok()) {
      return Respond(context, exchange, net::HttpResponse::Json(200, std::move(*members)));
    }
    const Code code = members.error().code;
    const int status = code == Code::kNotFound             ? 404
                       : code == Code::kFailedPrecondition ? 412
                                                           : 500;
    RespondText(context, exchange, status, members.error().message);
  });
}

void HashKv(const api::Context& context, const ExchangePtr& exchange) {
  if (!Expect(context, exchange, "GET")) return;
  const std::string own = ToHex(context.identity.cluster.value);
  const std::string_view theirs = exchange->request().headers.Get(peer::kClusterIdHeader);
  if (!theirs.empty() && theirs != own) {
    return RespondText(context, exchange, 412, peer::kClusterMismatch);
  }
  exchange->ReadBody(kBodyBytesMax, [&context, exchange](const Result<std::string>& body) {
    const auto at = ParseHashKvQuestion(body.ok() ? *body : "");
    if (!at.ok()) return RespondText(context, exchange, 400, at.error().message);
    context.node->Post([&context, exchange, at = *at] {
      api::ComputeHashKv(context, at, [&context, exchange](const Result<api::HashKv>& hash) {
        if (!hash.ok()) return RespondText(context, exchange, 400, hash.error().message);
        const nlohmann::ordered_json answer = {{"header",
                                                {{"cluster_id", context.identity.cluster.value},
                                                 {"member_id", context.identity.member.value},
                                                 {"revision", hash->current.value},
                                                 {"raft_term", context.node->term().value}}},
                                               {"hash", hash->hash},
                                               {"compact_revision", hash->compact_revision.value},
                                               {"hash_revision", hash->revision.value}};
        Respond(context, exchange, net::HttpResponse::Json(200, answer.dump()));
      });
    });
  });
}

}  // namespace

net::HttpServer::Handler MakePeerHandler(const api::Context& context, peer::Transport& transport,
                                         Guard& guard) {
  constexpr std::string_view kPromote = "/members/promote/";
  return [&context, &transport, &guard, kPromote](ExchangePtr exchange) {
    const std::string_view path = exchange->request().path();
    if (path.starts_with("/raft")) return transport.Serve(std::move(exchange));
    if (path.starts_with("/quorate/")) return guard.Serve(exchange);
    if (path == "/members") return Members(context, exchange);
    if (path == "/members/hashkv") return HashKv(context, exchange);
    if (path.starts_with(kPromote)) return Promote(context, exchange, path.substr(kPromote.size()));
    if (path == "/leases") return Lease(context, exchange, api::AnswerPeerKeepAlive);
    if (path == "/leases/internal") return Lease(context, exchange, api::AnswerPeerTimeToLive);
    if (path == "/version") {
      return Respond(context, exchange,
                     net::HttpResponse::Json(200, api::VersionJson(*context.cluster)));
    }
    if (path == "/downgrade/enabled") {
      net::HttpResponse no;
      no.body = "false";  // etcd parses all of it: not even a newline may follow
      return Respond(context, exchange, no);
    }
    RespondText(context, exchange, 404, "404 page not found");
  };
}

}  // namespace quorate::app
