// ClientSnapshots: the line of the clients that want the store as a file.
//
// Two are served at a time, on threads of their own, so that no reader, however slow, holds up what
// the member does for itself. The view is taken when a client's turn comes, not when it asks. While
// a snapshot of the leader waits to take the store's place, views stand in its way: who is being
// served is told to ask again, and nobody is begun.
//
// Ownership: owns its threads; must outlive what it posted.
// Thread: Stream on the raft+apply loop; Stop from another.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "api/context.h"
#include "app/background.h"
#include "storage/backend.h"

namespace quorate::app {

class ClientSnapshots {
 public:
  struct Parts {
    std::function<std::shared_ptr<storage::Reader>()> new_view;  // on the loop
    const std::atomic<bool>* installing = nullptr;               // see Machine
    std::function<void(std::function<void()>)> post;             // to the loop
  };
  explicit ClientSnapshots(Parts parts) : parts_(std::move(parts)) {}

  void Stream(std::shared_ptr<api::SnapshotReceiver> receiver);
  // When the loop has ended. Waits for those that are being served: end their streams before.
  void Stop();

 private:
  static constexpr std::size_t kServedMax = 2;
  static constexpr std::size_t kWaitingMax = 1024;

  void BeginNext();
  Status Serve(std::shared_ptr<storage::Reader> view, api::SnapshotReceiver& receiver) const;

  const Parts parts_;
  std::deque<std::shared_ptr<api::SnapshotReceiver>> waiting_;
  std::size_t served_ = 0;
  Background threads_{"snapshots", kServedMax, Background::Pace::kGivesWay};  // last: ends first
};

}  // namespace quorate::app
