// SnapshotSender: carries a snapshot from the background thread that makes it to the client's
// stream, in etcd's messages: pieces with the bytes that remain, then the SHA-256 of all.
//
// A client may take its time, but not for ever: while it is served it holds a thread and a view of
// the store. One that does not take the next piece within `patience` is told DeadlineExceeded.
//
// Thread: Begin, Write and End on the background thread, which Write blocks while the client is
// behind; Drained and Cancel come from the stream's loop; gone() on any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "api/context.h"
#include "base/digest.h"
#include "base/mutex.h"
#include "rpc/call.h"

namespace quorate::api {

constexpr std::chrono::seconds kSnapshotPatience{60};

class SnapshotSender final : public SnapshotReceiver {
 public:
  SnapshotSender(std::shared_ptr<rpc::Stream> stream, std::chrono::nanoseconds patience)
      : stream_(std::move(stream)), patience_(patience) {}

  void Begin(std::uint64_t bytes_total, const std::atomic<bool>& enough) override {
    remaining_ = bytes_total;
    enough_ = &enough;
  }
  bool Write(std::string_view bytes) override;
  void End(quorate::Status status) override;
  bool gone() const override { return stream_->cancelled(); }

  void Drained();
  void Cancel();

 private:
  bool SendPiece(std::string_view piece);
  bool AwaitRoom();

  const std::shared_ptr<rpc::Stream> stream_;
  const std::chrono::nanoseconds patience_;
  Sha256 digest_;
  std::uint64_t remaining_ = 0;
  const std::atomic<bool>* enough_ = nullptr;
  bool stalled_ = false;
  Mutex mutex_;
  Condition changed_;
  bool cancelled_ QUORATE_GUARDED_BY(mutex_) = false;
};

}  // namespace quorate::api
