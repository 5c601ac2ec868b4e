#include "api/cluster_service.h"

#include <chrono>
#include <memory>
#include <utility>

#include "api/gate.h"
#include "membership/ids.h"
#include "membership/initial_cluster.h"
#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

using CallPtr = std::shared_ptr<rpc::UnaryCall>;
using membership::Member;
using Done = std::function<void(Status)>;

// Who joins waits a second or ten for one member's list.
constexpr auto kFreshMembersPatience = std::chrono::milliseconds(500);

void FillMember(const Member& member, etcdserverpb::Member* out) {
  out->set_id(member.id.value);
  out->set_name(member.name);
  for (const std::string& url : member.peer_urls) out->add_peerurls(url);
  for (const std::string& url : member.client_urls) out->add_clienturls(url);
  out->set_islearner(member.is_learner);
}

// Every answer of this service: header without revision, and the members as they are now.
template <typename Response>
Response MakeResponse(const Context& context) {
  Response response;
  context.FillHeader(response, Revision{});
  for (const Member& member : context.cluster->roster()->List()) {
    FillMember(member, response.add_members());
  }
  return response;
}

raft::ConfChange MakeChange(const Context& context, raft::ConfChangeType type, MemberId member) {
  return {.id = context.node->NextRequestId(), .type = type, .member = member};
}

std::string ContextOf(Member member, bool is_promote = false) {
  return membership::ToJson(membership::ChangeContext{std::move(member), is_promote});
}

void Add(const Context& context, CallPtr call, const etcdserverpb::MemberAddRequest& request) {
  Member member;
  for (const std::string& url : request.peerurls()) {
    if (!membership::CheckUrl(url).ok()) return call->Fail(errors::BadUrls());
    member.peer_urls.push_back(url);
  }
  if (member.peer_urls.empty()) return call->Fail(errors::BadUrls());
  member.is_learner = request.islearner();
  member.id = membership::MakeMemberId(member.peer_urls, "", context.environment->unix_seconds());
  if (!member.is_learner && context.limits.strict_reconfig_check) {
    const Status allowed = membership::CheckAddVoter(context.cluster->roster()->List(),
                                                     context.environment->liveness());
    if (!allowed.ok()) return call->Fail(allowed.error());
  }
  raft::ConfChange change = MakeChange(
      context,
      member.is_learner ? raft::ConfChangeType::kAddLearnerNode : raft::ConfChangeType::kAddNode,
      member.id);
  change.context = ContextOf(member);
  context.node->ProposeConfChange(std::move(change), [&context, call, member](Status status) {
    if (!status.ok()) return call->Fail(std::move(status).error());
    auto response = MakeResponse<etcdserverpb::MemberAddResponse>(context);
    FillMember(member, response.mutable_member());
    call->Reply(response.SerializeAsString());
  });
}

template <typename Response>
Done Replying(const Context& context, CallPtr call) {
  return [&context, call = std::move(call)](Status status) {
    if (!status.ok()) return call->Fail(std::move(status).error());
    call->Reply(MakeResponse<Response>(context).SerializeAsString());
  };
}

void Remove(const Context& context, CallPtr call,
            const etcdserverpb::MemberRemoveRequest& request) {
  const MemberId member{request.id()};
  if (context.cluster->roster()->Find(member) == nullptr) {
    return call->Fail(errors::MemberNotFound());
  }
  if (context.limits.strict_reconfig_check) {
    const Status allowed = membership::CheckRemove(context.cluster->roster()->List(), member,
                                                   context.environment->liveness());
    if (!allowed.ok()) return call->Fail(allowed.error());
  }
  context.node->ProposeConfChange(
      MakeChange(context, raft::ConfChangeType::kRemoveNode, member),
      Replying<etcdserverpb::MemberRemoveResponse>(context, std::move(call)));
}

void Update(const Context& context, CallPtr call,
            const etcdserverpb::MemberUpdateRequest& request) {
  Member member;
  member.id = MemberId{request.id()};
  for (const std::string& url : request.peerurls()) {
    if (!membership::CheckUrl(url).ok()) return call->Fail(errors::BadUrls());
    member.peer_urls.push_back(url);
  }
  if (member.peer_urls.empty()) return call->Fail(errors::BadUrls());
  raft::ConfChange change = MakeChange(context, raft::ConfChangeType::kUpdateNode, member.id);
  change.context = ContextOf(member);
  context.node->ProposeConfChange(
      std::move(change), Replying<etcdserverpb::MemberUpdateResponse>(context, std::move(call)));
}

// A learner is ready when it is connected and holds nine tenths of what the leader holds.
Status CheckReady(const Context& context, MemberId learner) {
  constexpr double kReadyShare = 0.9;
  const node::Status status = context.node->status();
  LogIndex leader_match;
  const node::Status::Progress* progress = nullptr;
  for (const auto& entry : status.progress) {
    if (entry.member == context.identity.member) leader_match = entry.match;
    if (entry.member == learner) progress = &entry;
  }
  if (progress == nullptr) return errors::LearnerNotReady();
  const double needed = static_cast<double>(leader_match.value) * kReadyShare;
  if (!progress->active || static_cast<double>(progress->match.value) < needed) {
    return errors::LearnerNotReady();
  }
  return {};
}

Status CheckPromotion(const Context& context, MemberId id) {
  const auto roster = context.cluster->roster();
  const Member* member = roster->Find(id);
  if (member == nullptr) return errors::MemberNotFound();
  if (!member->is_learner) return errors::NotLearner();
  TRY(CheckReady(context, id));
  if (context.limits.strict_reconfig_check) return membership::CheckPromote(roster->List());
  return {};
}

// On the leader.
void PromoteHere(const Context& context, MemberId id, Done done) {
  if (Status allowed = CheckPromotion(context, id); !allowed.ok()) return done(std::move(allowed));
  raft::ConfChange change = MakeChange(context, raft::ConfChangeType::kAddNode, id);
  Member member;
  member.id = id;
  change.context = ContextOf(std::move(member), true);
  context.node->ProposeConfChange(std::move(change), std::move(done));
}

void Promote(const Context& context, CallPtr call,
             const etcdserverpb::MemberPromoteRequest& request) {
  const MemberId id{request.id()};
  auto reply = Replying<etcdserverpb::MemberPromoteResponse>(context, call);
  if (context.node->leader() == context.identity.member) {
    return PromoteHere(context, id, std::move(reply));
  }
  context.environment->AskLeader("/members/promote/" + std::to_string(request.id()), "",
                                 [&context, call](Result<std::string> body) {
                                   if (!body.ok()) return call->Fail(std::move(body).error());
                                   const auto members = membership::ParseMembers(*body);
                                   if (!members.ok()) return call->Fail(errors::TimedOut());
                                   etcdserverpb::MemberPromoteResponse response;
                                   context.FillHeader(response, Revision{});
                                   for (const Member& member : *members)
                                     FillMember(member, response.add_members());
                                   call->Reply(response.SerializeAsString());
                                 });
}

void List(const Context& context, CallPtr call, const etcdserverpb::MemberListRequest& request) {
  const auto consistency =
      request.linearizable() ? node::Consistency::kLinearizable : node::Consistency::kSerializable;
  context.node->Read(consistency,
                     Replying<etcdserverpb::MemberListResponse>(context, std::move(call)));
}

template <typename Request>
void Add(rpc::Router& router, const Context& context, const char* method,
         void (*handler)(const Context&, CallPtr, const Request&)) {
  Register<Request>(router, context, std::string("/etcdserverpb.Cluster/") + method,
                    OnLearner::kRefused, [&context, handler](CallPtr call, const Request& request) {
                      handler(context, std::move(call), request);
                    });
}

}  // namespace

void RegisterCluster(rpc::Router& router, const Context& context) {
  Add<etcdserverpb::MemberAddRequest>(router, context, "MemberAdd", Add);
  Add<etcdserverpb::MemberRemoveRequest>(router, context, "MemberRemove", Remove);
  Add<etcdserverpb::MemberUpdateRequest>(router, context, "MemberUpdate", Update);
  Add<etcdserverpb::MemberPromoteRequest>(router, context, "MemberPromote", Promote);
  Add<etcdserverpb::MemberListRequest>(router, context, "MemberList", List);
}

void AnswerPeerMembers(const Context& context, std::function<void(std::string)> done) {
  const auto answer = [&context,
                       done = std::make_shared<std::function<void(std::string)>>(std::move(done))] {
    if (const auto once = std::exchange(*done, nullptr)) {
      once(membership::ToJson(context.cluster->roster()->List()));
    }
  };
  if (context.node->leader() == MemberId{}) return answer();
  context.node->Read(node::Consistency::kLinearizable, [answer](const Status&) { answer(); });
  context.environment->After(kFreshMembersPatience, answer);
}

void AnswerPeerPromote(const Context& context, MemberId member,
                       std::function<void(Result<std::string>)> done) {
  if (context.node->leader() != context.identity.member) return done(errors::NotLeader());
  PromoteHere(context, member, [&context, done = std::move(done)](Status status) {
    if (!status.ok()) return done(std::move(status).error());
    done(membership::ToJson(context.cluster->roster()->List()));
  });
}

}  // namespace quorate::api
