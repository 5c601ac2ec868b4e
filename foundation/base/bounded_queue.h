// BoundedQueue: many producers, one consumer that drains everything at once.
//
// TryPush refuses instead of growing: a full queue is overload, and the producer answers its caller
// so. DrainInto swaps the whole batch out under one lock, so the cost of a hop is shared by
// everything that queued meanwhile.
//
// Thread: any number of pushers; one drainer.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace quorate {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t items_max) : items_max_(items_max) {}

  enum class Push {
    kFull,
    kClosed,
    kFirst,
    kQueued
  };  // kFirst: the queue was empty, wake the consumer

  Push TryPush(T item) {
    Push outcome = Push::kQueued;
    {
      MutexLock lock(mutex_);
      if (closed_) return Push::kClosed;
      if (items_.size() >= items_max_) return Push::kFull;
      if (items_.empty()) outcome = Push::kFirst;
      items_.push_back(std::move(item));
    }
    if (outcome == Push::kFirst) filled_.notify_one();
    return outcome;
  }

  // Replaces out's content with everything queued, oldest first. Returns false when closed and
  // empty.
  bool DrainInto(std::vector<T>& out) {
    out.clear();
    MutexLock lock(mutex_);
    items_.swap(out);
    return !(closed_ && out.empty());
  }

  // As DrainInto, but blocks until there is something, the queue is closed, or `patience` has
  // passed.
  bool WaitAndDrainInto(std::vector<T>& out, std::chrono::nanoseconds patience) {
    out.clear();
    MutexLock lock(mutex_);
    filled_.wait_for(mutex_, patience,
                     [this]() QUORATE_REQUIRES(mutex_) { return closed_ || !items_.empty(); });
    items_.swap(out);
    return !(closed_ && out.empty());
  }

  // Later pushes are refused; what is queued can still be drained.
  void Close() {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    filled_.notify_all();
  }

  std::size_t size() const {
    MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  const std::size_t items_max_;
  mutable Mutex mutex_;
  Condition filled_;
  std::vector<T> items_ QUORATE_GUARDED_BY(mutex_);
  bool closed_ QUORATE_GUARDED_BY(mutex_) = false;
};

}  // namespace quorate
