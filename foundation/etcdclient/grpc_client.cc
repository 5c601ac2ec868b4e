#include "etcdclient/grpc_client.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "etcdclient/connection.h"
#include "etcdclient/retry.h"

namespace quorate::etcdclient {
namespace {

using google::protobuf::MessageLite;
using std::chrono::milliseconds;

constexpr milliseconds kPauseFirst{25};  // between two rounds over all endpoints, doubling
constexpr milliseconds kPauseMax{200};
constexpr const char* kBroken =
    ": the connection ended before the answer; a write may or may not have happened, so "
    "read before writing again";
constexpr const char* kApiVersion = "3.6.0";  // told to servers, which count requests by it

// Waits without a thread or clock of ours: nothing ever arrives on a queue without calls.
void Pause(milliseconds duration) {
  grpc::CompletionQueue idle;
  void* tag = nullptr;
  bool ok = false;
  idle.AsyncNext(&tag, &ok,
                 gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                              gpr_time_from_millis(duration.count(), GPR_TIMESPAN)));
  Drain(idle);
}

// Or by the caller's own deadline or cancellation; the rest tells of the connection.
bool FromServer(const Error& error) {
  return error.code != Code::kUnavailable || error.message.starts_with("etcdserver: ");
}

Error TimedOut(const Error& last) {
  return Annotate({Code::kDeadlineExceeded, last.message}, "context deadline exceeded");
}

}  // namespace

// When the whole call must be over.
class GrpcClient::Deadline {
 public:
  explicit Deadline(milliseconds timeout)
      : endless_(timeout.count() == 0),
        end_(endless_ ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
                      : gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                     gpr_time_from_millis(timeout.count(), GPR_TIMESPAN))) {}

  gpr_timespec end() const { return end_; }
  // At most `longest`, never negative.
  milliseconds Left(milliseconds longest) const {
    if (endless_) return longest;
    const auto left = gpr_time_to_millis(gpr_time_sub(end_, gpr_now(GPR_CLOCK_MONOTONIC)));
    return std::clamp(milliseconds(left), milliseconds(0), longest);
  }
  bool Passed() const { return Left(milliseconds(1)).count() == 0; }

 private:
  bool endless_;
  gpr_timespec end_;
};

struct GrpcClient::Attempt {
  std::shared_ptr<grpc::Channel> channel;
  const Deadline& deadline;
};

GrpcClient::GrpcClient(Options options)
    : options_(std::move(options)), endpoints_(options_.endpoints) {}

GrpcClient::~GrpcClient() = default;

Status GrpcClient::Unary(const Method& method, const MessageLite& request, MessageLite& response,
                         const CallOptions& options) {
  return TryEndpoints(method, options, [&](const Attempt& attempt) {
    return CallOnce(attempt, method, MakeMetadata(options), request, response);
  });
}

Result<std::unique_ptr<Stream>> GrpcClient::Open(const Method& method, const CallOptions& options) {
  std::unique_ptr<Stream> stream;
  // A stream meets a stale token only after it was opened, too late to begin again: it always gets
  // a new one.
  if (!options_.user.empty()) DropToken();
  const Status done = TryEndpoints(method, options, [&](const Attempt& attempt) -> Status {
    stream = TRY(OpenStream(attempt.channel, method, MakeMetadata(options)));
    return {};
  });
  if (!done.ok()) return done.error();
  return stream;
}

std::vector<std::string> GrpcClient::endpoints() const {
  const MutexLock lock(mutex_);
  return endpoints_;
}

void GrpcClient::SetEndpoints(std::vector<std::string> endpoints) {
  const MutexLock lock(mutex_);
  std::erase_if(channels_, [&](const auto& known) {
    return std::find(endpoints.begin(), endpoints.end(), known.first) == endpoints.end();
  });
  endpoints_ = std::move(endpoints);
  preferred_ = 0;
}

Status GrpcClient::TryEndpoints(const Method& method, const CallOptions& options,
                                const std::function<Status(const Attempt&)>& attempt) {
  const Deadline deadline(options.timeout.value_or(options_.call_timeout));
  const bool pinned = !options.endpoint.empty();
  const auto candidates = pinned ? std::vector{options.endpoint} : endpoints();
  if (candidates.empty()) return Error{Code::kInvalidArgument, "no endpoint is known"};
  bool may_authenticate = !options_.user.empty();
  Error last{Code::kUnavailable, "no endpoint was tried"};
  bool tried = false;
  for (milliseconds pause = kPauseFirst;; pause = std::min(pause * 2, kPauseMax)) {
    const std::size_t first = pinned ? 0 : preferred_.load() % candidates.size();
    for (std::size_t i = 0; i < candidates.size();) {
      const std::size_t index = (first + i) % candidates.size();
      bool sent = false;
      Status done = TryOne(candidates[index], deadline, sent, attempt);
      if (done.ok()) {
        if (!pinned) preferred_ = index;
        return {};
      }
      // Cut off while trying again: why the earlier tries failed says more than that time ran out.
      if (tried && done.error().code == Code::kDeadlineExceeded) return TimedOut(last);
      tried = true;
      const AfterFailure next = Decide(method, done.error(), sent, may_authenticate);
      last = done.error();
      if (next == AfterFailure::kGiveUp) return last;
      if (next == AfterFailure::kNewToken) {
        may_authenticate = false;
        DropToken();
        continue;
      }
      if (deadline.Passed()) break;
      ++i;
    }
    if (options.one_round) return last;
    if (deadline.Passed()) break;
    Pause(deadline.Left(pause));
  }
  return TimedOut(last);
}

Status GrpcClient::TryOne(const std::string& endpoint, const Deadline& deadline, bool& sent,
                          const std::function<Status(const Attempt&)>& attempt) {
  const Attempt here{TRY(ChannelFor(endpoint)), deadline};
  if (AwaitConnection(*here.channel, deadline.Left(options_.dial_timeout)) == Connected::kPending) {
    return Error{Code::kUnavailable, endpoint + ": no connection within the dial timeout"};
  }
  // A refused connection is left to the call, which fails at once and tells why.
  Status done = NeedsToken() ? Authenticate(here) : Status();
  if (done.ok()) {
    done = attempt(here);
    sent = done.ok() || MayHaveLeft(done.error());
  }
  if (done.ok() || FromServer(done.error())) return done;
  return Annotate(done.error(), sent ? endpoint + kBroken : endpoint);
}

Result<std::shared_ptr<grpc::Channel>> GrpcClient::ChannelFor(const std::string& endpoint) {
  const MutexLock lock(mutex_);
  auto& channel = channels_[endpoint];
  if (channel == nullptr) {
    auto made = MakeChannel(options_, endpoint);
    if (!made.ok()) {
      channels_.erase(endpoint);
      return std::move(made).error();
    }
    channel = std::move(made).value();
  }
  return channel;
}

Status GrpcClient::CallOnce(const Attempt& attempt, const Method& method, const Metadata& metadata,
                            const MessageLite& request, MessageLite& response) {
  grpc::ClientContext context;
  context.set_deadline(attempt.deadline.end());
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  grpc::CompletionQueue queue;
  grpc::TemplatedGenericStub<MessageLite, MessageLite> stub(attempt.channel);
  auto call = stub.PrepareUnaryCall(&context, method.path, request, &queue);
  grpc::Status status;
  call->StartCall();
  call->Finish(&response, &status, &queue);
  Drain(queue);
  if (status.ok()) return {};
  return ToError(status);
}

// One status call of several under way. Behind a pointer: gRPC writes into it.
struct GrpcClient::Question {
  explicit Question(std::string whom) : endpoint(std::move(whom)) {}

  const std::string endpoint;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<MessageLite>> call;
  etcdserverpb::StatusResponse response;
  grpc::Status status;
};

std::vector<Result<etcdserverpb::StatusResponse>> GrpcClient::StatusOfAll(
    const std::vector<std::string>& endpoints, const CallOptions& options) {
  if (!options_.user.empty())
    return Client::StatusOfAll(endpoints, options);  // needs a token first
  const Deadline deadline(options.timeout.value_or(options_.call_timeout));
  const Metadata metadata = MakeMetadata(options);
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Question>> questions;
  NoticeWhatArrived();
  for (const std::string& endpoint : endpoints) {
    questions.push_back(std::make_unique<Question>(endpoint));
    Ask(*questions.back(), deadline, metadata, queue);
  }
  Drain(queue);
  std::vector<Result<etcdserverpb::StatusResponse>> answers;
  for (const auto& question : questions) {
    if (question->status.ok()) {
      answers.emplace_back(std::move(question->response));
    } else {
      answers.emplace_back(Annotate(ToError(question->status), question->endpoint));
    }
  }
  return answers;
}

// While the connection is being made the call waits for it; one that is refused fails the call.
void GrpcClient::Ask(Question& question, const Deadline& deadline, const Metadata& metadata,
                     grpc::CompletionQueue& queue) {
  const auto channel = ChannelFor(question.endpoint);
  if (!channel.ok()) {
    question.status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, channel.error().message);
    return;
  }
  (*channel)->GetState(true);  // begins to connect one that idles
  question.context.set_deadline(deadline.end());
  for (const auto& [key, value] : metadata) question.context.AddMetadata(key, value);
  grpc::TemplatedGenericStub<MessageLite, MessageLite> stub(*channel);
  question.call =
      stub.PrepareUnaryCall(&question.context, kStatus.path, etcdserverpb::StatusRequest(), &queue);
  question.call->StartCall();
  question.call->Finish(&question.response, &question.status, &question);
}

Metadata GrpcClient::MakeMetadata(const CallOptions& options) {
  Metadata metadata = {{"client-api-version", kApiVersion}};
  if (options.require_leader) metadata["hasleader"] = "true";
  const MutexLock lock(mutex_);
  if (!token_.empty()) metadata["token"] = token_;
  return metadata;
}

bool GrpcClient::NeedsToken() {
  if (options_.user.empty()) return false;
  const MutexLock lock(mutex_);
  return token_.empty() && !authentication_off_;
}

void GrpcClient::DropToken() {
  const MutexLock lock(mutex_);
  token_.clear();
  authentication_off_ = false;
}

Status GrpcClient::Authenticate(const Attempt& attempt) {
  etcdserverpb::AuthenticateRequest request;
  request.set_name(options_.user);
  request.set_password(options_.password);
  etcdserverpb::AuthenticateResponse response;
  const Status done = CallOnce(attempt, kAuthenticate, {}, request, response);
  const bool off =
      !done.ok() && done.error().message == "etcdserver: authentication is not enabled";
  if (!done.ok() && !off) return done;
  const MutexLock lock(mutex_);
  token_ = response.token();
  authentication_off_ = off;
  return {};
}

Result<std::unique_ptr<Client>> MakeClient(Options options) {
  if (options.endpoints.empty()) return Error{Code::kInvalidArgument, "no endpoint was given"};
  for (const auto& endpoint : options.endpoints) TRY(MakeChannel(options, endpoint));
  return std::unique_ptr<Client>(std::make_unique<GrpcClient>(std::move(options)));
}

}  // namespace quorate::etcdclient
