#include "rpc/loop_context.h"

#include "rpc/h2_connection.h"
#include "rpc/h2_stream.h"

namespace quorate::rpc {

void LoopContext::Push(Action action) {
  {
    MutexLock lock(mutex_);
    inbox_.push_back(std::move(action));
    if (inbox_.size() != 1) return;
  }
  WakeBatch::WakeLater(shared_from_this());
}

void LoopContext::Wake() {
  loop.Post([self = shared_from_this()] { self->OnWake(); });
}

void LoopContext::OnWake() {
  waking_ = true;
  DrainInbox();
  waking_ = false;
  PumpDirty();
}

void LoopContext::DrainInbox() {
  if (is_draining_) return;
  {
    MutexLock lock(mutex_);
    if (inbox_.empty()) return;
    draining_.swap(inbox_);
  }
  is_draining_ = true;
  for (Action& action : draining_) {
    const std::shared_ptr<H2Stream> stream = std::move(action.stream);
    stream->Apply(std::move(action));
  }
  draining_.clear();
  is_draining_ = false;
}

// Connections that got something to send do so once, when the inbox or the turn is done.
void LoopContext::MarkDirty(const std::shared_ptr<H2Connection>& connection) {
  dirty_.push_back(connection);
  if (waking_ || pump_scheduled_) return;
  pump_scheduled_ = true;
  loop.AtTurnEnd([self = shared_from_this()] {
    self->pump_scheduled_ = false;
    self->PumpDirty();
  });
}

void LoopContext::PumpDirty() {
  pumping_.swap(dirty_);
  for (const auto& connection : pumping_) connection->Pump();
  pumping_.clear();
}

LoopContext::DeadlineKey LoopContext::AddDeadline(std::chrono::steady_clock::time_point when,
                                                  H2Stream* stream) {
  const DeadlineKey key{when, ++deadline_number_};
  deadlines_.emplace(key, stream);
  if (deadlines_.begin()->first == key) ArmDeadlines();
  return key;
}

// An armed timer that is early enough stays: most calls end long before their deadline and never
// touch it.
void LoopContext::ArmDeadlines() {
  if (deadlines_.empty() || timer_ == nullptr) return;
  const auto first = deadlines_.begin()->first.first;
  if (timer_->active() && armed_for_ <= first) return;
  armed_for_ = first;
  const auto now = net::EventLoop::Now();
  timer_->Set(first > now ? first - now : std::chrono::nanoseconds(0),
              [this] { ExpireDeadlines(); });
}

void LoopContext::ExpireDeadlines() {
  const auto self = shared_from_this();
  const auto now = net::EventLoop::Now();
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= now) {
    H2Stream* stream = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    stream->DeadlinePassed();
  }
  ArmDeadlines();
}

}  // namespace quorate::rpc
