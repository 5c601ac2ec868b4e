#include "node/inbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/site.h"

namespace quorate::node {
namespace {

std::size_t BytesOf(const raft::Message& message) {
  std::size_t bytes = message.context.size();
  for (const raft::Entry& entry : message.entries) bytes += entry.data.size();
  if (message.snapshot != nullptr) bytes += message.snapshot->data.size();
  return bytes;
}

// Whether `more` bytes fit beside `held` ones.
bool Fits(std::size_t held, std::size_t more, std::size_t limit) {
  return held == 0 || held + more <= limit;
}

}  // namespace

void Arrivals::Clear() {
  functions.clear();
  messages.clear();
  proposals.clear();
  reads.clear();
  written = 0;
  commit = LogIndex{};
  written_at.reset();
  wal_failed.reset();
}

bool Inbox::Add(Proposal&& proposal) {
  MutexLock lock(mutex_);
  const std::size_t bytes = proposal.data.size();
  if (closed_ || waiting_.proposals.size() >= limits_.proposals_max ||
      !Fits(proposal_bytes_, bytes, limits_.proposal_bytes_max) ||
      QUORATE_SITE("node.inbox_full")) {
    return false;
  }
  proposal_bytes_ += bytes;
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
    const std::size_t bytes = BytesOf(message);
    if (closed_ || waiting_.messages.size() >= limits_.messages_max ||
        !Fits(message_bytes_, bytes, limits_.message_bytes_max) ||
        QUORATE_SITE("node.message_dropped")) {
      ++dropped;
    } else {
      message_bytes_ += bytes;
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

void Inbox::AddWritten(std::uint64_t number, LogIndex commit, Instant now) {
  MutexLock lock(mutex_);
  waiting_.written = std::max(waiting_.written, number);
  waiting_.commit = std::max(waiting_.commit, commit);
  if (wake_for_written_) return Arrived();
  waiting_.written_at = now;
}

void Inbox::WakeForWritten(bool wake) {
  MutexLock lock(mutex_);
  wake_for_written_ = wake;
  if (wake && waiting_.written_at) Arrived();
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
  proposal_bytes_ = 0;
  message_bytes_ = 0;
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
