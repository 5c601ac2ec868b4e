#include "api/watch_service.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "api/gate.h"
#include "base/fields.h"
#include "node/errors.h"
#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

// What one stream may have queued before its watchers are held back.
constexpr std::size_t kQueuedBytesMax = 4 << 20;
// What of one stream's requests the loop may not have taken yet.
constexpr std::size_t kWaitingMax = 16'384;
constexpr std::size_t kWaitingBytesMax = std::size_t{64} << 20;
// Responses from this size on are split when the watcher allows it: as etcd, request limit + 512
// KiB.
constexpr std::size_t kFragmentOverhead = 512 * 1024;
// Up to a tenth of the progress interval is added, so that streams opened together do not fire
// together.
constexpr std::uint64_t kJitterParts = 10;

watch::CreateRequest FromProto(const etcdserverpb::WatchCreateRequest& request) {
  watch::CreateRequest create;
  create.key = request.key();
  create.range_end = request.range_end();
  create.start_revision = request.start_revision();
  create.progress_notify = request.progress_notify();
  create.prev_kv = request.prev_kv();
  create.watch_id = request.watch_id();
  create.fragment = request.fragment();
  for (const int filter : request.filters()) {
    if (filter == etcdserverpb::WatchCreateRequest::NOPUT) create.no_put = true;
    if (filter == etcdserverpb::WatchCreateRequest::NODELETE) create.no_delete = true;
  }
  return create;
}

// WatchStream: one client's stream and its place in the hub.
//
// Thread: everything but Admit on the raft+apply loop.
class WatchStream final : public watch::Sink, public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(const Context& context, std::shared_ptr<rpc::Stream> stream)
      : context_(context), stream_(std::move(stream)) {}

  void Open() {
    id_ = context_.hub->Open(*this);
    ScheduleProgress();
  }

  // Whether one more request may wait. On the stream's thread.
  bool Admit(std::size_t bytes) {
    waiting_bytes_ += bytes;
    return waiting_.fetch_add(1) < kWaitingMax && waiting_bytes_ <= kWaitingBytesMax;
  }

  void Take(const etcdserverpb::WatchRequest& request, std::size_t bytes) {
    --waiting_;
    waiting_bytes_ -= bytes;
    if (stream_ == nullptr) return;
    if (request.has_create_request()) {
      context_.hub->Create(id_, FromProto(request.create_request()));
    } else if (request.has_cancel_request()) {
      context_.hub->Cancel(id_, request.cancel_request().watch_id());
    } else if (request.has_progress_request()) {
      context_.hub->RequestProgress(id_);
    }
  }

  void Drained() {
    if (stream_ != nullptr) context_.hub->HasRoom(id_);
  }

  // Leaves the hub; when the client is still there, ends its stream.
  void Close(Status status) {
    if (stream_ == nullptr) return;
    context_.hub->Close(id_);
    const auto stream = std::exchange(stream_, nullptr);
    stream->Finish(std::move(status));
  }

  bool HasRoom() const override {
    return stream_ != nullptr && stream_->buffered_bytes() < kQueuedBytesMax;
  }

  bool Offer(watch::Response& response) override {
    if (stream_ == nullptr) return true;
    if (!response.events.empty() && !HasRoom()) return false;
    const std::size_t limit = context_.limits.request_bytes_max + kFragmentOverhead;
    std::size_t bytes = 0;
    for (const auto& event : response.events) bytes += event->size();
    if (response.fragment_allowed && bytes >= limit && response.events.size() > 1) {
      SendFragments(response, limit);
    } else {
      Send(response, 0, response.events.size(), false);
    }
    return true;
  }

 private:
  void SendFragments(const watch::Response& response, std::size_t limit) {
    std::size_t begin = 0;
    while (begin < response.events.size()) {
      std::size_t end = begin;
      std::size_t bytes = 0;
      do {
        bytes += response.events[end++]->size();
      } while (end < response.events.size() && bytes + response.events[end]->size() < limit);
      Send(response, begin, end, end < response.events.size());
      begin = end;
    }
  }

  void Send(const watch::Response& response, std::size_t begin, std::size_t end, bool more) {
    std::string out;
    fields::AppendText(out, 1, context_.Header(response.revision));
    fields::AppendUnlessZero(out, 2, response.watch_id);
    fields::AppendFlag(out, 3, response.created);
    fields::AppendFlag(out, 4, response.canceled);
    fields::AppendUnlessZero(out, 5, response.compact_revision.value);
    if (!response.cancel_reason.empty()) fields::AppendText(out, 6, response.cancel_reason);
    fields::AppendFlag(out, 7, more);
    for (std::size_t i = begin; i < end; ++i) out += *response.events[i];
    stream_->Send(std::move(out));
  }

  void ScheduleProgress() {
    const auto interval = context_.limits.watch_progress_interval;
    const auto jitter =
        interval / kJitterParts * (context_.node->NextRequestId() % kJitterParts) / kJitterParts;
    context_.environment->After(interval + jitter, [self = weak_from_this()] {
      const auto alive = self.lock();
      if (alive == nullptr || alive->stream_ == nullptr) return;
      alive->context_.hub->NotifyProgress(alive->id_);
      alive->ScheduleProgress();
    });
  }

  const Context& context_;
  std::shared_ptr<rpc::Stream> stream_;  // null once closed
  watch::StreamId id_ = 0;
  std::atomic<std::size_t> waiting_{0};  // admitted and not taken
  std::atomic<std::size_t> waiting_bytes_{0};
};

void Watch(const Context& context, LeaderWatch& leader_watch,
           const std::shared_ptr<rpc::Stream>& stream) {
  if (Status status = CheckGate(context, *stream, OnLearner::kRefused); !status.ok()) {
    return stream->Finish(std::move(status));
  }
  auto watch = std::make_shared<WatchStream>(context, stream);
  const auto on_loop = [&context](auto task) { context.node->Post(std::move(task)); };
  leader_watch.Register(stream, [on_loop, weak = std::weak_ptr(watch)] {
    on_loop([weak] {
      if (const auto alive = weak.lock()) alive->Close(errors::NoLeader());
    });
  });
  on_loop([watch] { watch->Open(); });
  stream->OnMessage([on_loop, watch, open = true](const std::string& message) mutable {
    if (!open) return;  // its end is on the way
    auto request = std::make_shared<etcdserverpb::WatchRequest>();
    Status end;
    if (!watch->Admit(message.size())) {
      end = node::errors::TooManyRequests();
    } else if (!request->ParseFromString(message)) {
      end = Malformed();
    }
    open = end.ok();
    if (!open) return on_loop([watch, end] { watch->Close(end); });
    on_loop([watch, request = std::move(request), bytes = message.size()] {
      watch->Take(*request, bytes);
    });
  });
  stream->OnDrained([on_loop, watch] { on_loop([watch] { watch->Drained(); }); });
  stream->OnHalfClose([on_loop, watch] { on_loop([watch] { watch->Close({}); }); });
  stream->OnCancel(
      [on_loop, watch] { on_loop([watch] { watch->Close(errors::WatchCanceled()); }); });
}

}  // namespace

void RegisterWatch(rpc::Router& router, const Context& context, LeaderWatch& leader_watch) {
  router.Streaming("/etcdserverpb.Watch/Watch",
                   [&context, &leader_watch](const std::shared_ptr<rpc::Stream>& stream) {
                     Watch(context, leader_watch, stream);
                   });
}

}  // namespace quorate::api
