#include "api/snapshot_sender.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/fields.h"
#include "membership/version.h"

namespace quorate::api {
namespace {

// etcd's are 32 KiB; each piece costs both sides about 10 us, and all clients take 4 MiB.
constexpr std::size_t kPieceBytes = 512 * 1024;
constexpr std::size_t kFieldsBytesMax = 64;
constexpr std::size_t kBufferedBytesMax = 4 << 20;
constexpr auto kLookAgain = std::chrono::milliseconds(100);

}  // namespace

bool SnapshotSender::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    bytes.remove_prefix(piece.size());
    digest_.Update(piece);
    remaining_ -= std::min<std::uint64_t>(remaining_, piece.size());
    if (!SendPiece(piece)) return false;
  }
  return true;
}

void SnapshotSender::End(quorate::Status status) {
  if (status.ok() && !SendPiece(digest_.Finish()) && !stalled_) return;
  if (stalled_) {
    status = Error{Code::kDeadlineExceeded,
                   "the client has not read its snapshot for too long; ask again and read on"};
  }
  stream_->Finish(std::move(status));
}

void SnapshotSender::Drained() {
  MutexLock lock(mutex_);
  changed_.notify_all();
}

void SnapshotSender::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

bool SnapshotSender::SendPiece(std::string_view piece) {
  // A SnapshotResponse, in one copy of the piece.
  std::string message;
  message.reserve(piece.size() + kFieldsBytesMax);
  fields::AppendUnlessZero(message, 2, static_cast<std::int64_t>(remaining_));
  fields::AppendText(message, 3, piece);
  fields::AppendText(message, 4, membership::kStorageVersion);
  if (!AwaitRoom()) return false;
  stream_->Send(std::move(message));
  return true;
}

// Drained comes when half of what waited is gone; a client that is slower than that still has
// `patience` for every piece.
bool SnapshotSender::AwaitRoom() {
  const auto full = [this] { return stream_->buffered_bytes() > kBufferedBytesMax; };
  MutexLock lock(mutex_);
  std::chrono::nanoseconds waited{};
  while (!cancelled_ && full()) {
    if (enough_ != nullptr && *enough_) return false;
    if (waited >= patience_) {
      stalled_ = true;
      return false;
    }
    const bool drained = changed_.wait_for(mutex_, kLookAgain) == std::cv_status::no_timeout;
    waited = drained ? std::chrono::nanoseconds() : waited + kLookAgain;
  }
  return !cancelled_;
}

}  // namespace quorate::api
