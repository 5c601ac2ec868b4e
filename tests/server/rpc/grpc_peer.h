// GrpcPeer: gRPC C++ as the client of our transport, raw bytes instead of protobuf.
//
// Thread: a GrpcPeer may be shared; a GrpcStream belongs to one thread.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace quorate::rpc {

inline grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

inline std::string ToText(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

struct GrpcAnswer {
  grpc::Status status;
  std::string message;
};

struct GrpcCallOptions {
  std::map<std::string, std::string> metadata;
  std::optional<std::chrono::milliseconds> timeout = std::chrono::seconds(20);
  bool gzip = false;
};

// A bidirectional call, driven one operation at a time.
class GrpcStream {
 public:
  GrpcStream(grpc::GenericStub& stub, const std::string& path) {
    call_ = stub.PrepareCall(&context_, path, &queue_);
    call_->StartCall(this);
    ok_ = Wait();
  }
  ~GrpcStream() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  GrpcStream(const GrpcStream&) = delete;
  GrpcStream& operator=(const GrpcStream&) = delete;

  bool Write(const std::string& message) {
    call_->Write(ToBuffer(message), this);
    return Wait();
  }
  bool HalfClose() {
    call_->WritesDone(this);
    return Wait();
  }
  // nullopt: no more messages.
  std::optional<std::string> Read() {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, this);
    if (!Wait()) return std::nullopt;
    return ToText(buffer);
  }
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    Wait();
    return status;
  }
  void Cancel() { context_.TryCancel(); }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool ok_ = false;
};

class GrpcPeer {
 public:
  explicit GrpcPeer(
      const std::string& address,
      std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials(),
      grpc::ChannelArguments arguments = {}) {
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(address, credentials, arguments);
    stub_ = std::make_unique<grpc::GenericStub>(channel_);
  }

  // Waits for every call to end, cancelling what still runs.
  ~GrpcPeer() {
    for (const auto& pending : pending_) {
      pending->context.TryCancel();
      pending->ended.get_future().wait();
    }
  }
  GrpcPeer(const GrpcPeer&) = delete;
  GrpcPeer& operator=(const GrpcPeer&) = delete;

  GrpcAnswer Call(const std::string& path, const std::string& message,
                  const GrpcCallOptions& options = {}) {
    return Start(path, message, options).get();
  }
  std::future<GrpcAnswer> Start(const std::string& path, const std::string& message,
                                const GrpcCallOptions& options = {}) {
    Pending* pending = nullptr;
    {
      const std::lock_guard lock(mutex_);
      pending = pending_.emplace_back(std::make_unique<Pending>()).get();
    }
    pending->request = ToBuffer(message);
    for (const auto& [name, value] : options.metadata) pending->context.AddMetadata(name, value);
    if (options.timeout.has_value()) {
      pending->context.set_deadline(std::chrono::system_clock::now() + *options.timeout);
    }
    if (options.gzip) pending->context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    auto future = pending->done.get_future();
    stub_->UnaryCall(&pending->context, path, {}, &pending->request, &pending->reply,
                     [pending](const grpc::Status& status) {
                       pending->done.set_value({status, ToText(pending->reply)});
                       pending->ended.set_value();
                     });
    return future;
  }
  std::unique_ptr<GrpcStream> Open(const std::string& path) {
    return std::make_unique<GrpcStream>(*stub_, path);
  }
  grpc::Channel& channel() { return *channel_; }

 private:
  struct Pending {
    grpc::ClientContext context;
    grpc::ByteBuffer request;
    grpc::ByteBuffer reply;
    std::promise<GrpcAnswer> done;
    std::promise<void> ended;
  };

  std::mutex mutex_;
  std::vector<std::unique_ptr<Pending>> pending_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

}  // namespace quorate::rpc
