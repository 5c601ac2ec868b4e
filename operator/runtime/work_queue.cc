#include "runtime/work_queue.h"

#include <algorithm>

#include "base/check.h"

namespace quorate::runtime {

void WorkQueue::Add(const kube::ObjectRef& ref) {
  {
    MutexLock lock(mutex_);
    AddLocked(ref);
  }
  changed_.notify_one();
}

void WorkQueue::AddAfter(const kube::ObjectRef& ref, std::chrono::nanoseconds delay) {
  if (delay.count() <= 0) {
    Add(ref);
    return;
  }
  {
    MutexLock lock(mutex_);
    const auto due = clock_.Now() + delay;
    const auto [it, inserted] = delayed_.emplace(ref, due);
    if (!inserted) it->second = std::min(it->second, due);
  }
  changed_.notify_one();
}

void WorkQueue::AddAfterFailure(const kube::ObjectRef& ref) {
  std::chrono::milliseconds delay = options_.retry_first;
  {
    MutexLock lock(mutex_);
    ++retries_;
    int& failures = failures_[ref];
    for (int i = 0; i < failures && delay < options_.retry_most; ++i) delay *= 2;
    ++failures;
  }
  AddAfter(ref, std::min(delay, options_.retry_most));
}

void WorkQueue::Forget(const kube::ObjectRef& ref) {
  MutexLock lock(mutex_);
  failures_.erase(ref);
}

std::optional<kube::ObjectRef> WorkQueue::Take(std::chrono::milliseconds patience) {
  MutexLock lock(mutex_);
  const auto deadline = clock_.Now() + patience;
  while (true) {
    if (closed_) return std::nullopt;
    PromoteDue();
    if (!ready_.empty()) break;
    const auto now = clock_.Now();
    if (now >= deadline || patience.count() <= 0) return std::nullopt;
    auto until = deadline;
    for (const auto& [ref, due] : delayed_) until = std::min(until, due);
    changed_.wait_for(mutex_, until - now);
  }
  kube::ObjectRef ref = std::move(ready_.front());
  ready_.pop_front();
  const auto queued = queued_.find(ref);
  last_wait_ = clock_.Now() - queued->second;
  queued_.erase(queued);
  in_work_.insert(ref);
  return ref;
}

void WorkQueue::Done(const kube::ObjectRef& ref) {
  {
    MutexLock lock(mutex_);
    CHECK(in_work_.erase(ref) == 1);
    if (again_.erase(ref) == 0) return;
    AddLocked(ref);
  }
  changed_.notify_one();
}

void WorkQueue::Close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

WorkQueue::Counts WorkQueue::counts() const {
  MutexLock lock(mutex_);
  return {adds_, retries_, ready_.size(), delayed_.size(), in_work_.size()};
}

std::optional<io::Clock::Instant> WorkQueue::next_due() const {
  MutexLock lock(mutex_);
  std::optional<io::Clock::Instant> earliest;
  for (const auto& [ref, due] : delayed_) earliest = earliest ? std::min(*earliest, due) : due;
  return earliest;
}

std::chrono::nanoseconds WorkQueue::last_wait() const {
  MutexLock lock(mutex_);
  return last_wait_;
}

void WorkQueue::AddLocked(const kube::ObjectRef& ref) {
  if (closed_) return;
  ++adds_;
  if (in_work_.contains(ref)) {
    again_.insert(ref);
    return;
  }
  if (queued_.emplace(ref, clock_.Now()).second) ready_.push_back(ref);
}

void WorkQueue::PromoteDue() {
  const auto now = clock_.Now();
  for (auto it = delayed_.begin(); it != delayed_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    AddLocked(it->first);
    it = delayed_.erase(it);
  }
}

}  // namespace quorate::runtime
