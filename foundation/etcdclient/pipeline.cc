#include "etcdclient/pipeline.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>
#include <vector>

#include "etcdclient/connection.h"

namespace quorate::etcdclient {
namespace {

struct Call {
  std::uint64_t tag = 0;
  grpc::ClientContext context;
  grpc::ByteBuffer response;
  grpc::Status status;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
};

class GrpcPipeline final : public Pipeline {
 public:
  explicit GrpcPipeline(const std::vector<std::shared_ptr<grpc::Channel>>& channels) {
    for (const auto& channel : channels) stubs_.emplace_back(channel);
  }

  ~GrpcPipeline() override {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) delete static_cast<Call*>(tag);
  }

  void Start(const Method& method, const google::protobuf::MessageLite& request, std::uint64_t tag,
             std::chrono::milliseconds timeout) override {
    grpc::ByteBuffer bytes;
    bool own = false;
    grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::MessageLite>(request, &bytes,
                                                                                   &own);
    auto call = std::make_unique<Call>();
    call->tag = tag;
    if (timeout.count() > 0) {
      call->context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                              gpr_time_from_millis(timeout.count(), GPR_TIMESPAN)));
    }
    auto& stub = stubs_[tag % stubs_.size()];
    call->reader = stub.PrepareUnaryCall(&call->context, method.path, bytes, &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call.get());
    call.release();  // comes back from the queue
  }

  std::optional<Done> Next(std::chrono::microseconds timeout) override {
    const gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                               gpr_time_from_micros(timeout.count(), GPR_TIMESPAN));
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) {
      return std::nullopt;
    }
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    Done done{call->tag, {}};
    if (!call->status.ok()) done.status = ToError(call->status);
    response_.Swap(&call->response);
    return done;
  }

  bool Parse(google::protobuf::MessageLite& response) override {
    return grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::MessageLite>(
               &response_, &response)
        .ok();
  }

 private:
  std::vector<grpc::GenericStub> stubs_;
  grpc::CompletionQueue queue_;
  grpc::ByteBuffer response_;
};

}  // namespace

Result<std::unique_ptr<Pipeline>> MakePipeline(const Options& options, int connections) {
  if (options.endpoints.empty()) return Error{Code::kInvalidArgument, "no endpoint was given"};
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < connections; ++i) {
    const auto& endpoint =
        options.endpoints[static_cast<std::size_t>(i) % options.endpoints.size()];
    channels.push_back(TRY(MakeChannel(options, endpoint)));
    if (AwaitConnection(*channels.back(), options.dial_timeout) != Connected::kYes) {
      return Error{Code::kUnavailable, endpoint + ": no connection within the dial timeout"};
    }
  }
  return std::unique_ptr<Pipeline>(std::make_unique<GrpcPipeline>(channels));
}

}  // namespace quorate::etcdclient
