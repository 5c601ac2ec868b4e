// GrpcClient: the Client over gRPC: which endpoint next, when to stop, which token.
//
// Ownership: one channel per endpoint, made at first use and kept.
// Thread: any; the mutex guards the tables, never a call.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "etcdclient/client.h"
#include "etcdclient/grpc_stream.h"

namespace quorate::etcdclient {

class GrpcClient final : public Client {
 public:
  explicit GrpcClient(Options options);
  ~GrpcClient() override;

  Status Unary(const Method& method, const google::protobuf::MessageLite& request,
               google::protobuf::MessageLite& response, const CallOptions& options) override;
  Result<std::unique_ptr<Stream>> Open(const Method& method, const CallOptions& options) override;
  std::vector<std::string> endpoints() const override;
  void SetEndpoints(std::vector<std::string> endpoints) override;
  std::vector<Result<etcdserverpb::StatusResponse>> StatusOfAll(
      const std::vector<std::string>& endpoints, const CallOptions& options) override;

 private:
  class Deadline;
  struct Attempt;
  struct Question;

  Result<std::shared_ptr<grpc::Channel>> ChannelFor(const std::string& endpoint);
  // Runs `attempt` on one endpoint after another until it succeeds or may not be tried again.
  Status TryEndpoints(const Method& method, const CallOptions& options,
                      const std::function<Status(const Attempt&)>& attempt);
  // One endpoint's turn: connect, get a token if needed, attempt. sent: the attempt's request may
  // have arrived.
  Status TryOne(const std::string& endpoint, const Deadline& deadline, bool& sent,
                const std::function<Status(const Attempt&)>& attempt);
  Status CallOnce(const Attempt& attempt, const Method& method, const Metadata& metadata,
                  const google::protobuf::MessageLite& request,
                  google::protobuf::MessageLite& response);
  // Sends it; its answer arrives on the queue.
  void Ask(Question& question, const Deadline& deadline, const Metadata& metadata,
           grpc::CompletionQueue& queue);
  Metadata MakeMetadata(const CallOptions& options);
  // Gets a token from this endpoint. Ok without one where authentication is off.
  Status Authenticate(const Attempt& attempt);
  bool NeedsToken();
  void DropToken();

  const Options options_;
  mutable Mutex mutex_;
  std::vector<std::string> endpoints_ QUORATE_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_ QUORATE_GUARDED_BY(mutex_);
  std::string token_ QUORATE_GUARDED_BY(mutex_);
  bool authentication_off_ QUORATE_GUARDED_BY(mutex_) = false;
  std::atomic<std::size_t> preferred_ = 0;  // index of the endpoint that answered last
};

}  // namespace quorate::etcdclient
