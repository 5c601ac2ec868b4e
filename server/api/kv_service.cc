#include "api/kv_service.h"

#include <utility>

#include "api/gate.h"
#include "apply/check.h"
#include "apply/request.h"
#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

using rpc::UnaryCall;
using CallPtr = std::shared_ptr<UnaryCall>;

// Keys that one turn of the loop looks at for one range.
constexpr std::size_t kSliceKeys = 1000;

node::Consistency ConsistencyOf(bool serializable) {
  return serializable ? node::Consistency::kSerializable : node::Consistency::kLinearizable;
}

// Reads on, slice by slice, letting the loop do other work in between.
void ContinueRange(const Context& context, CallPtr call, std::shared_ptr<mvcc::RangeTask> task) {
  if (call->cancelled()) return;
  const Result<bool> done = task->Step(kSliceKeys);
  if (!done.ok()) return call->Fail(done.error());
  if (*done) {
    return call->Reply(task->Take().body);
  }
  context.node->Post([&context, call = std::move(call), task = std::move(task)]() mutable {
    ContinueRange(context, std::move(call), std::move(task));
  });
}

void ReadRange(const Context& context, CallPtr call, const etcdserverpb::RangeRequest& request) {
  if (request.range_end().empty()) {
    return call->Answer(context.applier->Range(request, context.node->term()));
  }
  Result<std::unique_ptr<mvcc::RangeTask>> task =
      context.applier->StartRange(request, context.node->term());
  if (!task.ok()) return call->Fail(task.error());
  ContinueRange(context, std::move(call), std::move(*task));
}

// Not a plain Register: a learner serves a range only when it is serializable.
void Range(const Context& context, CallPtr call) {
  auto request = std::make_shared<etcdserverpb::RangeRequest>();
  if (!request->ParseFromString(call->request())) return call->Fail(Malformed());
  const OnLearner on_learner = request->serializable() ? OnLearner::kServed : OnLearner::kRefused;
  if (Status status = CheckGate(context, *call, on_learner); !status.ok()) {
    return call->Fail(std::move(status).error());
  }
  if (Status status = apply::CheckRange(*request); !status.ok()) {
    return call->Fail(std::move(status).error());
  }
  context.node->Read(ConsistencyOf(request->serializable()),
                     [&context, call = std::move(call), request](Status status) {
                       if (!status.ok()) return call->Fail(std::move(status).error());
                       ReadRange(context, call, *request);
                     });
}

// Whether a request of this cost may be proposed; answers the call when not.
bool AdmitCost(const Context& context, UnaryCall& call, std::uint64_t cost) {
  if (cost == 0 || context.applier->quota().Admits(cost)) return true;
  RaiseNoSpace(context);
  call.Fail(errors::NoSpace());
  return false;
}

void Put(const Context& context, CallPtr call) {
  if (Status status = CheckGate(context, *call, OnLearner::kRefused); !status.ok()) {
    return call->Fail(std::move(status).error());
  }
  const auto put = apply::DecodePut(call->request());
  if (!put) return call->Fail(Malformed());
  if (Status status = apply::CheckPut(*put); !status.ok()) {
    return call->Fail(std::move(status).error());
  }
  if (!AdmitCost(context, *call, apply::PutCost(put->key.size(), put->value.size()))) return;
  const std::string& message = call->request();
  ProposeFor(context, call, apply::RequestField::kPut, message);
}

void DeleteRange(const Context& context, CallPtr call,
                 const etcdserverpb::DeleteRangeRequest& request) {
  if (Status status = apply::CheckDeleteRange(request); !status.ok()) {
    return call->Fail(std::move(status).error());
  }
  const std::string& message = call->request();
  ProposeFor(context, call, apply::RequestField::kDeleteRange, message);
}

void Txn(const Context& context, CallPtr call, etcdserverpb::TxnRequest request) {
  if (Status status = apply::CheckTxn(request, context.limits.txn_ops_max); !status.ok()) {
    return call->Fail(std::move(status).error());
  }
  if (apply::IsReadOnly(request)) {
    const auto consistency = ConsistencyOf(apply::IsSerializable(request));
    context.node->Read(consistency, [&context, call, request = std::move(request)](Status status) {
      if (!status.ok()) return call->Fail(std::move(status).error());
      call->Answer(context.applier->ReadTxn(request, context.node->term()));
    });
    return;
  }
  if (!AdmitCost(context, *call, apply::TxnCost(request))) return;
  const std::string& message = call->request();
  ProposeFor(context, call, apply::RequestField::kTxn, message);
}

}  // namespace

void RaiseNoSpace(const Context& context) {
  if (context.applier->alarms().Raised(apply::AlarmKind::kNoSpace)) return;
  etcdserverpb::AlarmRequest alarm;
  alarm.set_action(etcdserverpb::AlarmRequest::ACTIVATE);
  alarm.set_memberid(context.identity.member.value);
  alarm.set_alarm(etcdserverpb::NOSPACE);
  const std::uint64_t id = context.node->NextRequestId();
  context.node->Propose(
      id, apply::MakeRequest(apply::RequestField::kAlarm, alarm.SerializeAsString(), id),
      [](const Result<std::string>&) {});
}

void RegisterKv(rpc::Router& router, const Context& context) {
  router.Unary("/etcdserverpb.KV/Range",
               [&context](CallPtr call) { Range(context, std::move(call)); });
  router.Unary("/etcdserverpb.KV/Put", [&context](CallPtr call) { Put(context, std::move(call)); });
  Register<etcdserverpb::DeleteRangeRequest>(
      router, context, "/etcdserverpb.KV/DeleteRange", OnLearner::kRefused,
      [&context](CallPtr call, const etcdserverpb::DeleteRangeRequest& request) {
        DeleteRange(context, std::move(call), request);
      });
  Register<etcdserverpb::TxnRequest>(router, context, "/etcdserverpb.KV/Txn", OnLearner::kRefused,
                                     [&context](CallPtr call, etcdserverpb::TxnRequest request) {
                                       Txn(context, std::move(call), std::move(request));
                                     });
  Register<etcdserverpb::CompactionRequest>(
      router, context, "/etcdserverpb.KV/Compact", OnLearner::kRefused,
      [&context](CallPtr call, const etcdserverpb::CompactionRequest&) {
        const std::string& message = call->request();
        ProposeFor(context, call, apply::RequestField::kCompaction, message);
      });
}

}  // namespace quorate::api
