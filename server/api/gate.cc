#include "api/gate.h"

#include "apply/request.h"

namespace quorate::api {

Status CheckGate(const Context& context, const rpc::Call& call, OnLearner on_learner) {
  if (on_learner == OnLearner::kRefused && context.node->is_learner()) {
    return errors::NotSupportedForLearner();
  }
  if (context.node->leader() == MemberId{} && call.metadata("hasleader") == "true") {
    return errors::NoLeader();
  }
  return {};
}

Error Malformed() {
  return Error{Code::kInternal, "grpc: error unmarshalling request: the bytes are not the message"};
}

void ProposeFor(const Context& context, std::shared_ptr<rpc::UnaryCall> call,
                apply::RequestField field, std::string_view message) {
  const std::uint64_t id = context.node->NextRequestId();
  std::string request = apply::MakeRequest(field, message, id);
  if (request.size() > context.limits.request_bytes_max) {
    return call->Fail(errors::RequestTooLarge());
  }
  context.node->Propose(id, std::move(request),
                        [call](Result<std::string> answer) { call->Answer(std::move(answer)); });
}

}  // namespace quorate::api
