#include "api/health.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "proto/health.pb.h"

namespace quorate::api {
namespace {

using ExchangePtr = std::shared_ptr<net::HttpExchange>;
using Verdict = std::function<void(Status)>;

// The values of a repeatable query parameter, and whether it is there at all.
std::vector<std::string> QueryValues(std::string_view query, std::string_view name, bool* present) {
  std::vector<std::string> values;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.substr(0, pair.find('=')) != name) continue;
    if (present != nullptr) *present = true;
    const std::size_t equals = pair.find('=');
    values.emplace_back(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
  }
  return values;
}

bool Contains(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

net::HttpResponse MethodNotAllowed() {
  net::HttpResponse response = net::HttpResponse::Text(405, "Method Not Allowed");
  response.headers.Set("Allow", "GET");
  return response;
}

void CheckRead(const Context& context, node::Consistency consistency, Verdict verdict) {
  context.node->Read(consistency, [&context, verdict = std::move(verdict)](Status status) {
    if (!status.ok()) return verdict(std::move(status));
    mvcc::RangeQuery query;
    query.key = "a";
    query.limit = 1;
    query.keys_only = true;
    const auto answer = context.store->Range(query);
    verdict(answer.ok() ? Status() : Status(answer.error()));
  });
}

void RespondHealth(const ExchangePtr& exchange, const std::string& reason) {
  const bool healthy = reason.empty();
  const std::string body = std::string(R"({"health":")") + (healthy ? "true" : "false") +
                           R"(","reason":")" + reason + R"("})";
  if (!healthy) log::Warn("serving /health false", {{"reason", reason}});
  exchange->Respond(net::HttpResponse::Json(healthy ? 200 : 503, body));
}

void Health(const Context& context, const ExchangePtr& exchange) {
  if (exchange->request().method != "GET") return exchange->Respond(MethodNotAllowed());
  const std::string_view query = exchange->request().query();
  const auto excluded = QueryValues(query, "exclude", nullptr);
  const auto& alarms = context.applier->alarms();
  if (alarms.Raised(apply::AlarmKind::kNoSpace) && !Contains(excluded, "NOSPACE")) {
    return RespondHealth(exchange, "ALARM NOSPACE");
  }
  if (alarms.Raised(apply::AlarmKind::kCorrupt) && !Contains(excluded, "CORRUPT")) {
    return RespondHealth(exchange, "ALARM CORRUPT");
  }
  const bool serializable = Contains(QueryValues(query, "serializable", nullptr), "true");
  if (!serializable && context.node->leader() == MemberId{}) {
    return RespondHealth(exchange, "RAFT NO LEADER");
  }
  CheckRead(context,
            serializable ? node::Consistency::kSerializable : node::Consistency::kLinearizable,
            [exchange](const Status& status) {
              RespondHealth(exchange, status.ok() ? "" : "RANGE ERROR:" + status.error().message);
            });
}

struct Check {
  const char* name;
  void (*run)(const Context&, Verdict);
};

void CheckSerializable(const Context& context, Verdict verdict) {
  CheckRead(context, node::Consistency::kSerializable, std::move(verdict));
}
void CheckLinearizable(const Context& context, Verdict verdict) {
  CheckRead(context, node::Consistency::kLinearizable, std::move(verdict));
}
void CheckNotCorrupt(const Context& context, Verdict verdict) {
  const bool corrupt = context.applier->alarms().Raised(apply::AlarmKind::kCorrupt);
  verdict(corrupt ? Status(Error{Code::kDataLoss, "alarm activated: CORRUPT"}) : Status());
}
void CheckNotLearner(const Context& context, Verdict verdict) {
  verdict(context.node->is_learner()
              ? Status(Error{Code::kFailedPrecondition, "not supported for learner"})
              : Status());
}

constexpr Check kLive[] = {{"serializable_read", CheckSerializable}};
constexpr Check kReady[] = {{"data_corruption", CheckNotCorrupt},
                            {"serializable_read", CheckSerializable},
                            {"linearizable_read", CheckLinearizable},
                            {"non_learner", CheckNotLearner}};

// Report: runs checks one after another and answers with what they said.
class Report : public std::enable_shared_from_this<Report> {
 public:
  Report(const Context& context, ExchangePtr exchange, std::vector<Check> checks, bool verbose)
      : context_(context),
        exchange_(std::move(exchange)),
        checks_(std::move(checks)),
        verbose_(verbose) {}

  void Run() {
    if (next_ == checks_.size()) return Respond();
    const Check& check = checks_[next_++];
    check.run(context_, [self = shared_from_this(), &check](const Status& status) {
      if (status.ok()) {
        self->lines_ += std::string("[+]") + check.name + " ok\n";
      } else {
        self->healthy_ = false;
        self->lines_ +=
            std::string("[-]") + check.name + " failed: " + status.error().message + "\n";
      }
      self->Run();
    });
  }

 private:
  void Respond() {
    if (!healthy_) {
      log::Error("Health check error", {{"output", lines_}, {"path", exchange_->request().target}});
      return exchange_->Respond(net::HttpResponse::Text(503, lines_));
    }
    // Text() ends the body with the newline.
    exchange_->Respond(net::HttpResponse::Text(200, verbose_ ? lines_ + "ok" : "ok"));
  }

  const Context& context_;
  const ExchangePtr exchange_;
  const std::vector<Check> checks_;
  const bool verbose_;
  std::size_t next_ = 0;
  bool healthy_ = true;
  std::string lines_;
};

void RunChecks(const Context& context, const ExchangePtr& exchange, std::vector<Check> checks) {
  if (exchange->request().method != "GET") return exchange->Respond(MethodNotAllowed());
  bool verbose = false;
  QueryValues(exchange->request().query(), "verbose", &verbose);
  const auto excluded = QueryValues(exchange->request().query(), "exclude", nullptr);
  std::erase_if(checks, [&](const Check& check) { return Contains(excluded, check.name); });
  std::make_shared<Report>(context, exchange, std::move(checks), verbose)->Run();
}

template <std::size_t N>
void RegisterChecks(rpc::Router& router, const Context& context, const std::string& path,
                    const Check (&checks)[N]) {
  router.Http(path, [&context, &checks](const ExchangePtr& exchange) {
    RunChecks(context, exchange, {std::begin(checks), std::end(checks)});
  });
  for (const Check& check : checks) {
    router.Http(path + "/" + check.name, [&context, &check](const ExchangePtr& exchange) {
      RunChecks(context, exchange, {check});
    });
  }
}

void RegisterGrpcHealth(rpc::Router& router) {
  const auto answer = [](const std::string& bytes) -> Result<std::string> {
    grpc::health::v1::HealthCheckRequest request;
    if (!request.ParseFromString(bytes)) {
      return Error{Code::kInternal, "grpc: error unmarshalling request"};
    }
    if (!request.service().empty()) return Error{Code::kNotFound, "unknown service"};
    grpc::health::v1::HealthCheckResponse response;
    response.set_status(grpc::health::v1::HealthCheckResponse::SERVING);
    return response.SerializeAsString();
  };
  router.Unary("/grpc.health.v1.Health/Check",
               [answer](const std::shared_ptr<rpc::UnaryCall>& call) {
                 call->Answer(answer(call->request()));
               });
  router.Streaming("/grpc.health.v1.Health/Watch",
                   [answer](const std::shared_ptr<rpc::Stream>& stream) {
                     const std::weak_ptr<rpc::Stream> weak = stream;
                     // Kept open by what OnCancel holds; the state never changes while the server
                     // serves.
                     stream->OnMessage([answer, weak](const std::string& bytes) {
                       const auto open = weak.lock();
                       if (open == nullptr) return;
                       auto response = answer(bytes);
                       if (!response.ok()) return open->Finish(response.error());
                       open->Send(std::move(*response));
                     });
                     stream->OnCancel([stream] {});
                   });
}

}  // namespace

void RegisterHealth(rpc::Router& router, const Context& context) {
  router.Http("/health", [&context](const ExchangePtr& exchange) { Health(context, exchange); });
  RegisterChecks(router, context, "/livez", kLive);
  RegisterChecks(router, context, "/readyz", kReady);
  RegisterGrpcHealth(router);
}

}  // namespace quorate::api
