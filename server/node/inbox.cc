#include "node/inbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/site.h"

namespace quorate::node {

void Arrivals::Clear() {
  functions.clear();
  messages.clear();
  proposals.clear();
  reads.clear();
  written = 0;
  wal_failed.reset();
}

bool Inbox::Add(Proposal&& proposal) {
  MutexLock lock(mutex_);
  if (closed_ || waiting_.proposals.size() >= limits_.proposals_max ||
      QUORATE_SITE("node.inbox_full")) {
    return false;
  }
  waiting_.proposals.push_back(std::move(proposal));
  Arrived();
  return true;
}

bool Inbox::Add(ReadCall&& read) {
  MutexLock lock(mutex_);
  if (closed_ || waiting_.reads.size() >= limits_.reads_max) return false;
  waiting_.reads.push_back(std::move(read));
  Arrived();
  return true;
}

std::size_t Inbox::Add(std::vector<raft::Message>& messages) {
  MutexLock lock(mutex_);
  std::size_t dropped = 0;
  for (raft::Message& message : messages) {
    if (closed_ || waiting_.messages.size() >= limits_.messages_max ||
        QUORATE_SITE("node.message_dropped")) {
      ++dropped;
    } else {
      waiting_.messages.push_back(std::move(message));
    }
  }
  messages.clear();
  if (!waiting_.messages.empty()) Arrived();
  return dropped;
}

void Inbox::Add(std::function<void()> function) {
  MutexLock lock(mutex_);
  if (closed_) return;
  waiting_.functions.push_back(std::move(function));
  Arrived();
}

void Inbox::AddWritten(std::uint64_t number) {
  MutexLock lock(mutex_);
  waiting_.written = std::max(waiting_.written, number);
  Arrived();
}

void Inbox::AddWalFailure(Error error) {
  MutexLock lock(mutex_);
  if (!waiting_.wal_failed) waiting_.wal_failed = std::move(error);
  Arrived();
}

void Inbox::Take(Arrivals& out, std::chrono::nanoseconds patience) {
  out.Clear();
  MutexLock lock(mutex_);
  if (!any_ && !closed_ && patience.count() > 0) {
    sleeping_ = true;
    loop_->condition.wait_for(mutex_, patience,
                              [this]() QUORATE_REQUIRES(mutex_) { return any_ || closed_; });
    sleeping_ = false;
  }
  any_ = false;
  std::swap(out, waiting_);
}

void Inbox::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  loop_->condition.notify_all();
}

bool Inbox::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

void Inbox::OnArrival(std::function<void()> wake) {
  MutexLock lock(mutex_);
  wake_ = std::move(wake);
}

void Inbox::Arrived() {
  if (any_) return;
  any_ = true;
  if (sleeping_) WakeBatch::WakeLater(loop_);
  if (wake_) wake_();
}

}  // namespace quorate::node
