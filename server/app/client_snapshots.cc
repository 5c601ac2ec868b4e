#include "app/client_snapshots.h"

#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "snapshot/export.h"

namespace quorate::app {
namespace {

Error Installing() {
  return {Code::kUnavailable,
          "this member is replacing its store by a snapshot of the leader; ask again, or another"};
}

}  // namespace

void ClientSnapshots::Stream(std::shared_ptr<api::SnapshotReceiver> receiver) {
  if (waiting_.size() >= kWaitingMax) {
    std::erase_if(waiting_, [](const auto& waiting) { return waiting->gone(); });
  }
  if (waiting_.size() >= kWaitingMax) {
    return receiver->End(Error{Code::kResourceExhausted, "too many snapshots at once; try again"});
  }
  waiting_.push_back(std::move(receiver));
  BeginNext();
}

void ClientSnapshots::Stop() {
  threads_.Stop();
  waiting_.clear();
}

void ClientSnapshots::BeginNext() {
  while (served_ < kServedMax && !waiting_.empty()) {
    const std::shared_ptr<api::SnapshotReceiver> receiver = std::move(waiting_.front());
    waiting_.pop_front();
    if (receiver->gone()) continue;
    if (*parts_.installing) {
      receiver->End(Installing());
      continue;
    }
    ++served_;
    threads_.Run([this, receiver, view = parts_.new_view()]() mutable {
      Status served = Serve(std::move(view), *receiver);
      if (!served.ok() && served.error().code != Code::kCancelled) {
        log::Warn("failed to send a snapshot", {{"error", served.error().message}});
      }
      receiver->End(std::move(served));
      parts_.post([this] {
        --served_;
        BeginNext();
      });
    });
  }
}

// The view is gone when it returns.
Status ClientSnapshots::Serve(std::shared_ptr<storage::Reader> view,
                              api::SnapshotReceiver& receiver) const {
  const bolt::Layout layout = TRY(snapshot::Measure(*view));
  receiver.Begin(layout.bytes(), *parts_.installing);
  return snapshot::Write(*view, layout, [&](Bytes piece) -> Status {
    const bool written = receiver.Write(AsText(piece));
    if (*parts_.installing) return Installing();
    if (written) return {};
    return Error{Code::kCancelled, "the receiver is gone"};
  });
}

}  // namespace quorate::app
