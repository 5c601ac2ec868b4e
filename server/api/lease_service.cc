#include "api/lease_service.h"

#include <atomic>
#include <deque>
#include <utility>

#include "api/gate.h"
#include "apply/request.h"
#include "node/errors.h"
#include "proto/lease.pb.h"
#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

using etcdserverpb::LeaseKeepAliveRequest;
using etcdserverpb::LeaseKeepAliveResponse;
using etcdserverpb::LeaseTimeToLiveRequest;
using etcdserverpb::LeaseTimeToLiveResponse;
using CallPtr = std::shared_ptr<rpc::UnaryCall>;

constexpr std::uint64_t kLeaseIdMask = 0x7fffffffffffffffU;
constexpr std::int64_t kUnknownTtl = -1;
constexpr std::uint32_t kUnansweredMax = 16'384;  // of one LeaseKeepAlive stream
constexpr auto kEndingLeaseInterval = std::chrono::milliseconds(100);  // between two looks at it

void Grant(const Context& context, CallPtr call, etcdserverpb::LeaseGrantRequest request) {
  while (request.id() == 0) {
    request.set_id(static_cast<std::int64_t>(context.node->NextRequestId() & kLeaseIdMask));
  }
  if (request.ttl() > lease::kTtlMax) return call->Fail(errors::LeaseTtlTooLarge());
  if (!context.applier->quota().Admits(apply::kLeaseCost)) return call->Fail(errors::NoSpace());
  ProposeFor(context, std::move(call), apply::RequestField::kLeaseGrant,
             request.SerializeAsString());
}

void Revoke(const Context& context, CallPtr call,
            const etcdserverpb::LeaseRevokeRequest& /*request*/) {
  const std::string& message = call->request();
  ProposeFor(context, call, apply::RequestField::kLeaseRevoke, message);
}

// On the loop of a member that leads.
LeaseTimeToLiveResponse TimeToLiveHere(const Context& context,
                                       const LeaseTimeToLiveRequest& request) {
  LeaseTimeToLiveResponse response;
  context.FillHeader(response, context.store->revision());
  response.set_id(request.id());
  const auto view = context.lessor->Find(LeaseId{request.id()}, request.keys());
  if (!view) {
    response.set_ttl(kUnknownTtl);
    return response;
  }
  response.set_ttl(view->remaining_ttl);
  response.set_grantedttl(view->granted_ttl);
  for (const std::string& key : view->keys) response.add_keys(key);
  return response;
}

// Replaces the header of another member's answer by this one's. Called on the loop.
template <typename Response>
std::string Relayed(const Context& context, Response response) {
  context.FillHeader(response, context.store->revision());
  return response.SerializeAsString();
}

void AskLeaderForTimeToLive(const Context& context, CallPtr call,
                            const LeaseTimeToLiveRequest& request) {
  leasepb::LeaseInternalRequest internal;
  *internal.mutable_leasetimetoliverequest() = request;
  context.environment->AskLeader(
      "/leases/internal", internal.SerializeAsString(),
      [&context, call, id = request.id()](Result<std::string> body) {
        leasepb::LeaseInternalResponse response;
        if (body.ok() && response.ParseFromString(*body)) {
          context.node->Post([&context, call, response = std::move(response)] {
            call->Reply(Relayed(context, response.leasetimetoliveresponse()));
          });
          return;
        }
        if (body.ok() || body.error().code != Code::kNotFound) {
          return call->Fail(body.ok() ? errors::TimedOut() : body.error());
        }
        context.node->Post([&context, call, id] {
          LeaseTimeToLiveResponse unknown;
          unknown.set_id(id);
          unknown.set_ttl(kUnknownTtl);
          call->Reply(Relayed(context, std::move(unknown)));
        });
      });
}

void TimeToLive(const Context& context, CallPtr call, LeaseTimeToLiveRequest request) {
  context.node->Post([&context, call = std::move(call), request = std::move(request)] {
    if (context.lessor->primary()) {
      return call->Reply(TimeToLiveHere(context, request).SerializeAsString());
    }
    AskLeaderForTimeToLive(context, call, request);
  });
}

void Leases(const Context& context, CallPtr call) {
  context.node->Post([&context, call = std::move(call)] {
    etcdserverpb::LeaseLeasesResponse response;
    context.FillHeader(response, context.store->revision());
    for (const LeaseId id : context.lessor->List()) response.add_leases()->set_id(id.value);
    call->Reply(response.SerializeAsString());
  });
}

// Renews a lease if this member leads, and proves that it still does: one that was held up (a
// stopped process, a slow disk, a cut network) may have been deposed without knowing it, and its
// successor counts the lease's time from its own beginning. A ReadIndex round begun after the
// request is that proof; requests that wait share one. A lease whose time is over, but whose end is
// not applied yet, may be saved by another leader: who asks for it waits to see. Errors: not found,
// "not a primary lessor", and those of a linearizable read. `done` on the loop.
void Renew(const Context& context, LeaseId id, std::function<void(Result<std::int64_t>)> done) {
  context.node->Read(node::Consistency::kLinearizable, [&context, id, done = std::move(done)](
                                                           const Status& confirmed) {
    if (!confirmed.ok() && context.lessor->primary()) {
      return done(confirmed.error());
    }
    auto ttl = context.lessor->Renew(id);
    if (!ttl.ok() && context.lessor->primary() && context.lessor->Exists(id)) {
      return context.environment->After(kEndingLeaseInterval,
                                        [&context, id, done] { Renew(context, id, done); });
    }
    done(std::move(ttl));
  });
}

// KeepAlives: one LeaseKeepAlive stream; requests are answered one after another, in order.
//
// Thread: everything but Admit on the raft+apply loop.
class KeepAlives : public std::enable_shared_from_this<KeepAlives> {
 public:
  KeepAlives(const Context& context, std::shared_ptr<rpc::Stream> stream)
      : context_(context), stream_(std::move(stream)) {}

  // Whether one more request may wait. On the stream's thread.
  bool Admit() { return unanswered_.fetch_add(1) < kUnansweredMax; }
  void Take(LeaseId id) {
    waiting_.push_back(id);
    if (!busy_) Next();
  }
  void HalfClose() {
    closed_ = true;
    if (!busy_) Next();
  }
  // Lets the stream go, with a last word if its client is still there.
  void End(Status status) {
    waiting_.clear();
    if (const auto stream = std::exchange(stream_, nullptr)) stream->Finish(std::move(status));
  }

 private:
  void Next() {
    busy_ = false;
    if (stream_ == nullptr) return;
    if (waiting_.empty()) {
      if (closed_) End({});
      return;
    }
    busy_ = true;
    const LeaseId id = waiting_.front();
    waiting_.pop_front();
    LeaseKeepAliveResponse response;
    context_.FillHeader(response, context_.store->revision());  // before the renewal, as etcd does
    response.set_id(id.value);
    if (!context_.lessor->primary()) return AskLeader(id, std::move(response));
    Renew(context_, id, [self = shared_from_this(), id, response](Result<std::int64_t> ttl) {
      self->Renewed(id, response, ttl);
    });
  }

  void Renewed(LeaseId id, LeaseKeepAliveResponse response, const Result<std::int64_t>& ttl) {
    if (!ttl.ok() && !context_.lessor->primary()) return AskLeader(id, std::move(response));
    if (!ttl.ok() && ttl.error().code != Code::kNotFound) {
      return End(ttl.error());
    }
    response.set_ttl(ttl.ok() ? *ttl : 0);
    Send(response);
  }

  void AskLeader(LeaseId id, LeaseKeepAliveResponse response) {
    LeaseKeepAliveRequest request;
    request.set_id(id.value);
    context_.environment->AskLeader(
        "/leases", request.SerializeAsString(),
        [self = shared_from_this(), response](Result<std::string> body) {
          self->context_.node->Post([self, response, body = std::move(body)]() mutable {
            self->Relay(std::move(response), body);
          });
        });
  }

  void Relay(LeaseKeepAliveResponse response, const Result<std::string>& body) {
    LeaseKeepAliveResponse leaders;
    if (body.ok() && leaders.ParseFromString(*body)) {
      response.set_ttl(leaders.ttl());
    } else if (body.ok() || body.error().code != Code::kNotFound) {
      return End(body.ok() ? errors::TimedOut() : body.error());
    }
    Send(response);
  }

  void Send(const LeaseKeepAliveResponse& response) {
    --unanswered_;
    if (stream_ != nullptr) stream_->Send(response.SerializeAsString());
    Next();
  }

  const Context& context_;
  std::shared_ptr<rpc::Stream> stream_;  // null once the client is gone
  std::deque<LeaseId> waiting_;
  std::atomic<std::uint32_t> unanswered_{0};
  bool busy_ = false;
  bool closed_ = false;
};

void KeepAlive(const Context& context, LeaderWatch& leader_watch,
               const std::shared_ptr<rpc::Stream>& stream) {
  if (Status status = CheckGate(context, *stream, OnLearner::kRefused); !status.ok()) {
    return stream->Finish(std::move(status));
  }
  auto alive = std::make_shared<KeepAlives>(context, stream);
  leader_watch.Register(stream, [&context, renewals = std::weak_ptr(alive)] {
    context.node->Post([renewals] {
      if (const auto open = renewals.lock()) open->End(errors::NoLeader());
    });
  });
  const std::weak_ptr<rpc::Stream> weak = stream;
  stream->OnMessage([&context, alive, weak](const std::string& message) {
    LeaseKeepAliveRequest request;
    if (!request.ParseFromString(message)) {
      if (const auto open = weak.lock()) open->Finish(Malformed());
      return;
    }
    if (!alive->Admit()) {
      if (const auto open = weak.lock()) open->Finish(node::errors::TooManyRequests());
      return;
    }
    context.node->Post([alive, id = LeaseId{request.id()}] { alive->Take(id); });
  });
  stream->OnHalfClose([&context, alive] { context.node->Post([alive] { alive->HalfClose(); }); });
  stream->OnCancel([&context, alive] { context.node->Post([alive] { alive->End({}); }); });
}

}  // namespace

void RegisterLease(rpc::Router& router, const Context& context, LeaderWatch& leader_watch) {
  Register<etcdserverpb::LeaseGrantRequest>(
      router, context, "/etcdserverpb.Lease/LeaseGrant", OnLearner::kRefused,
      [&context](CallPtr call, etcdserverpb::LeaseGrantRequest request) {
        Grant(context, std::move(call), std::move(request));
      });
  Register<etcdserverpb::LeaseRevokeRequest>(
      router, context, "/etcdserverpb.Lease/LeaseRevoke", OnLearner::kRefused,
      [&context](CallPtr call, const etcdserverpb::LeaseRevokeRequest& request) {
        Revoke(context, std::move(call), request);
      });
  Register<LeaseTimeToLiveRequest>(router, context, "/etcdserverpb.Lease/LeaseTimeToLive",
                                   OnLearner::kRefused,
                                   [&context](CallPtr call, LeaseTimeToLiveRequest request) {
                                     TimeToLive(context, std::move(call), std::move(request));
                                   });
  Register<etcdserverpb::LeaseLeasesRequest>(
      router, context, "/etcdserverpb.Lease/LeaseLeases", OnLearner::kRefused,
      [&context](CallPtr call, const etcdserverpb::LeaseLeasesRequest&) {
        Leases(context, std::move(call));
      });
  router.Streaming("/etcdserverpb.Lease/LeaseKeepAlive",
                   [&context, &leader_watch](const std::shared_ptr<rpc::Stream>& stream) {
                     KeepAlive(context, leader_watch, stream);
                   });
}

void AnswerPeerKeepAlive(const Context& context, std::string_view body, PeerAnswer done) {
  LeaseKeepAliveRequest request;
  if (!request.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return done(Error{Code::kInvalidArgument, "error unmarshalling request"});
  }
  const LeaseId id{request.id()};
  context.node->Post([&context, id, done = std::move(done)]() mutable {
    if (!context.lessor->primary()) return done(context.lessor->Renew(id).error());
    Renew(context, id, [id, done = std::move(done)](const Result<std::int64_t>& ttl) {
      if (!ttl.ok()) return done(ttl.error());
      LeaseKeepAliveResponse response;
      response.set_id(id.value);
      response.set_ttl(*ttl);
      done(response.SerializeAsString());
    });
  });
}

void AnswerPeerTimeToLive(const Context& context, std::string_view body, PeerAnswer done) {
  leasepb::LeaseInternalRequest request;
  if (!request.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return done(Error{Code::kInvalidArgument, "error unmarshalling request"});
  }
  context.node->Post([&context, request = std::move(request), done = std::move(done)] {
    if (!context.lessor->primary()) return done(Error{Code::kUnknown, "not a primary lessor"});
    const auto& wanted = request.leasetimetoliverequest();
    if (!context.lessor->Exists(LeaseId{wanted.id()})) return done(errors::LeaseNotFound());
    leasepb::LeaseInternalResponse response;
    *response.mutable_leasetimetoliveresponse() = TimeToLiveHere(context, wanted);
    done(response.SerializeAsString());
  });
}

}  // namespace quorate::api
