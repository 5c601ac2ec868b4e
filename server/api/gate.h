// Gate: the checks that stand before every method, and the registration that puts them there.
//
// In etcd's order: a learner serves only what is local to it; a caller that asks for a leader
// (metadata `hasleader`) is turned away while there is none.
//
// Thread: handlers on their connection's loop.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "api/context.h"
#include "api/errors.h"
#include "base/result.h"
#include "rpc/call.h"
#include "rpc/router.h"

namespace quorate::api {

enum class OnLearner { kRefused, kServed };

// Any of the checks failed: the error to answer.
Status CheckGate(const Context& context, const rpc::Call& call, OnLearner on_learner);

// grpc-go's answer to bytes that are no message.
Error Malformed();

// Registers a unary method whose request is a protobuf message. The handler gets it decoded.
template <typename Request>
void Register(rpc::Router& router, const Context& context, std::string_view path,
              OnLearner on_learner,
              std::function<void(std::shared_ptr<rpc::UnaryCall>, Request)> handler) {
  router.Unary(path, [&context, on_learner,
                      handler = std::move(handler)](std::shared_ptr<rpc::UnaryCall> call) {
    if (Status status = CheckGate(context, *call, on_learner); !status.ok()) {
      return call->Fail(std::move(status).error());
    }
    Request request;
    if (!request.ParseFromString(call->request())) return call->Fail(Malformed());
    handler(std::move(call), std::move(request));
  });
}

// Replicates a request and answers the call with what applying it gave.
void ProposeFor(const Context& context, std::shared_ptr<rpc::UnaryCall> call,
                apply::RequestField field, std::string_view message);

}  // namespace quorate::api
