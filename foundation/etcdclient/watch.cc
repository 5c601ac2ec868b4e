#include "etcdclient/watch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace quorate::etcdclient {
namespace {

constexpr std::chrono::milliseconds kConfirmTimeout{5000};

// A stream that broke under us, as opposed to a request that was refused.
bool Broke(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kInternal ||
         error.message == "Stream removed";
}

}  // namespace

Error WhyEnded(const etcdserverpb::WatchResponse& response) {
  CHECK(response.canceled());
  if (response.compact_revision() != 0) {
    return {Code::kOutOfRange, "etcdserver: mvcc: required revision has been compacted"};
  }
  if (response.cancel_reason().empty()) {
    return {Code::kOutOfRange, "etcdserver: mvcc: required revision is a future revision"};
  }
  return {Code::kFailedPrecondition, response.cancel_reason()};
}

Watch::Watch(Client& client, etcdserverpb::WatchCreateRequest request, CallOptions options)
    : client_(client), request_(std::move(request)), options_(std::move(options)) {}

Result<std::unique_ptr<Watch>> Watch::Start(Client& client,
                                            const etcdserverpb::WatchCreateRequest& request,
                                            const CallOptions& options) {
  std::unique_ptr<Watch> watch(new Watch(client, request, options));
  TRY(watch->Reopen());
  return watch;
}

Result<std::optional<etcdserverpb::WatchResponse>> Watch::Next(
    std::optional<std::chrono::milliseconds> timeout) {
  if (ended_) return Error{Code::kFailedPrecondition, "the watch has ended"};
  while (true) {
    if (stream_ == nullptr) TRY(Reopen());
    if (ready_.has_value()) {
      ended_ = ready_->canceled();
      return std::exchange(ready_, std::nullopt);
    }
    etcdserverpb::WatchResponse response;
    auto read = stream_->Next(response, timeout);
    if (cancelled_) return Error{Code::kCancelled, "context canceled"};
    if (!read.ok() && (!Broke(read.error()) || options_.require_leader)) {
      return std::move(read).error();
    }
    if (!read.ok() || *read == Stream::Read::kEnd) {
      const std::lock_guard lock(stream_mutex_);
      stream_ = nullptr;
      partial_.reset();
      continue;
    }
    if (*read == Stream::Read::kTimeout) return std::optional<etcdserverpb::WatchResponse>();
    Take(std::move(response));
  }
}

Status Watch::RequestProgress() {
  if (stream_ == nullptr) TRY(Reopen());
  etcdserverpb::WatchRequest request;
  request.mutable_progress_request();
  return stream_->Write(request);
}

void Watch::Cancel() {
  cancelled_ = true;
  const std::lock_guard lock(stream_mutex_);
  if (stream_ != nullptr) stream_->Cancel();
}

Status Watch::Reopen() {
  auto opened = TRY(client_.Open(kWatch, options_));
  {
    const std::lock_guard lock(stream_mutex_);
    stream_ = std::move(opened);
  }
  if (cancelled_) return Error{Code::kCancelled, "context canceled"};
  etcdserverpb::WatchRequest request;
  *request.mutable_create_request() = request_;
  etcdserverpb::WatchResponse response;
  Status done = stream_->Write(request);
  if (done.ok()) {
    auto read = stream_->Next(response, kConfirmTimeout);
    if (!read.ok()) {
      done = std::move(read).error();
    } else if (*read == Stream::Read::kTimeout) {
      done = Error{Code::kDeadlineExceeded, "the server did not confirm the watch"};
    } else if (*read == Stream::Read::kEnd) {
      done = Error{Code::kUnavailable, "the watch stream ended before it began"};
    }
  }
  if (!done.ok()) {
    const std::lock_guard lock(stream_mutex_);
    stream_ = nullptr;
    return done;
  }
  if (request_.start_revision() == 0) request_.set_start_revision(response.header().revision() + 1);
  if (response.canceled()) ready_ = std::move(response);
  return {};
}

void Watch::Take(etcdserverpb::WatchResponse response) {
  if (response.created() && !response.canceled()) return;
  if (partial_.has_value()) {
    partial_->mutable_events()->MergeFrom(response.events());
    partial_->set_fragment(response.fragment());
    response = *std::exchange(partial_, std::nullopt);
  }
  if (response.fragment()) {
    partial_ = std::move(response);
    return;
  }
  std::int64_t seen = response.events().empty() ? response.header().revision() : 0;
  for (const auto& event : response.events()) seen = std::max(seen, event.kv().mod_revision());
  request_.set_start_revision(std::max(request_.start_revision(), seen + 1));
  ready_ = std::move(response);
}

}  // namespace quorate::etcdclient
