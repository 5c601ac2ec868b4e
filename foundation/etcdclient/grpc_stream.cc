#include "etcdclient/grpc_stream.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <optional>
#include <utility>

#include "base/check.h"
#include "etcdclient/connection.h"

namespace quorate::etcdclient {
namespace {

enum class Operation : std::uintptr_t { kStart = 1, kRead, kWrite, kCloseWrites, kFinish };

void* TagOf(Operation operation) {
  return reinterpret_cast<void*>(operation);
}

class GrpcStream final : public Stream {
 public:
  explicit GrpcStream(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)), stub_(channel_) {}

  ~GrpcStream() override {
    context_.TryCancel();
    Drain(queue_);
  }

  Status Start(const Method& method, const Metadata& metadata) {
    for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
    call_ = stub_.PrepareCall(&context_, method.path, &queue_);
    call_->StartCall(TagOf(Operation::kStart));
    if (!Await(Operation::kStart)) return Finish();
    return {};
  }

  Status Write(const google::protobuf::MessageLite& message) override {
    grpc::ByteBuffer bytes;
    bool own = false;
    const grpc::Status packed =
        grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::MessageLite>(
            message, &bytes, &own);
    if (!packed.ok()) return ToError(packed);
    call_->Write(bytes, TagOf(Operation::kWrite));
    if (!Await(Operation::kWrite)) return Over();
    return {};
  }

  Status CloseWrites() override {
    call_->WritesDone(TagOf(Operation::kCloseWrites));
    if (!Await(Operation::kCloseWrites)) return Over();
    return {};
  }

  Result<Read> Next(google::protobuf::MessageLite& message,
                    std::optional<std::chrono::milliseconds> timeout) override {
    if (!reading_ && !read_.has_value()) {
      reading_ = true;
      call_->Read(&incoming_, TagOf(Operation::kRead));
    }
    if (!read_.has_value() && !AwaitRead(timeout)) return Read::kTimeout;
    const bool got = *std::exchange(read_, std::nullopt);
    if (!got) {
      TRY(Finish());
      return Read::kEnd;
    }
    const grpc::Status parsed =
        grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::MessageLite>(&incoming_,
                                                                                         &message);
    if (!parsed.ok()) return ToError(parsed);
    return Read::kMessage;
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  // Takes completions until that of `wanted`; a read that completes meanwhile is kept.
  bool Await(Operation wanted) {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      if (tag == TagOf(wanted)) return ok;
      NoteRead(tag, ok);
    }
    return false;
  }

  // False: the time was up.
  bool AwaitRead(std::optional<std::chrono::milliseconds> timeout) {
    const gpr_timespec deadline =
        timeout.has_value() ? gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                           gpr_time_from_millis(timeout->count(), GPR_TIMESPAN))
                            : gpr_inf_future(GPR_CLOCK_MONOTONIC);
    void* tag = nullptr;
    bool ok = false;
    while (!read_.has_value()) {
      if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return false;
      NoteRead(tag, ok);
    }
    return true;
  }

  void NoteRead(void* tag, bool ok) {
    CHECK(tag == TagOf(Operation::kRead));
    reading_ = false;
    read_ = ok;
  }

  // After a write that failed. gRPC tells the outcome only when nothing that arrived is unread.
  Status Over() {
    while (true) {
      if (!reading_ && !read_.has_value()) {
        reading_ = true;
        call_->Read(&incoming_, TagOf(Operation::kRead));
      }
      if (!AwaitRead(std::nullopt) || !*read_) return Finish();
      read_.reset();
    }
  }

  // The call's own outcome; asked for once.
  Status Finish() {
    if (!finished_) {
      finished_ = true;
      call_->Finish(&status_, TagOf(Operation::kFinish));
      Await(Operation::kFinish);
    }
    if (status_.ok()) return {};
    return ToError(status_);
  }

  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer incoming_;
  bool reading_ = false;
  std::optional<bool>
      read_;  // a completed read that nobody took yet: true with a message, false at the end
  bool finished_ = false;
  grpc::Status status_;
};

}  // namespace

Result<std::unique_ptr<Stream>> OpenStream(std::shared_ptr<grpc::Channel> channel,
                                           const Method& method, const Metadata& metadata) {
  auto stream = std::make_unique<GrpcStream>(std::move(channel));
  TRY(stream->Start(method, metadata));
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace quorate::etcdclient
