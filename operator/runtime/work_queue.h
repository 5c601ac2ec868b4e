// WorkQueue: which objects want attention. Each is in it at most once, and with one worker at most.
//
// An object that is added while it is worked on comes again after Done(). AddAfter keeps the
// earliest time asked for. AddAfterFailure waits longer each time until Forget().
//
// Thread: any.
// Source: client-go's workqueue (behaviour).
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "base/mutex.h"
#include "io/clock.h"
#include "kube/resource.h"

namespace quorate::runtime {

class WorkQueue {
 public:
  struct Options {
    std::chrono::milliseconds retry_first{5};
    std::chrono::milliseconds retry_most{60'000};
  };
  struct Counts {
    std::uint64_t adds = 0;
    std::uint64_t retries = 0;
    std::size_t depth = 0;    // ready now
    std::size_t delayed = 0;  // later
    std::size_t in_work = 0;
  };

  WorkQueue(io::Clock& clock, Options options) : clock_(clock), options_(options) {}

  void Add(const kube::ObjectRef& ref);
  void AddAfter(const kube::ObjectRef& ref, std::chrono::nanoseconds delay);
  void AddAfterFailure(const kube::ObjectRef& ref);
  void Forget(const kube::ObjectRef& ref);  // its failures

  // The next object, waiting at most `patience`; nullopt when there is none or the queue is closed.
  // Every object taken must be given back by Done().
  std::optional<kube::ObjectRef> Take(std::chrono::milliseconds patience);
  void Done(const kube::ObjectRef& ref);

  // Take() gives nothing any more.
  void Close();

  Counts counts() const;
  // When the earliest delayed object is due; nullopt when none is delayed.
  std::optional<io::Clock::Instant> next_due() const;
  // How long the object that a worker took last waited in the queue.
  std::chrono::nanoseconds last_wait() const;

 private:
  void AddLocked(const kube::ObjectRef& ref) QUORATE_REQUIRES(mutex_);
  void PromoteDue() QUORATE_REQUIRES(mutex_);

  io::Clock& clock_;
  const Options options_;
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<kube::ObjectRef> ready_ QUORATE_GUARDED_BY(mutex_);
  std::map<kube::ObjectRef, io::Clock::Instant> queued_ QUORATE_GUARDED_BY(mutex_);  // since when
  std::set<kube::ObjectRef> in_work_ QUORATE_GUARDED_BY(mutex_);
  std::set<kube::ObjectRef> again_ QUORATE_GUARDED_BY(mutex_);  // added while in work
  std::map<kube::ObjectRef, io::Clock::Instant> delayed_ QUORATE_GUARDED_BY(mutex_);
  std::map<kube::ObjectRef, int> failures_ QUORATE_GUARDED_BY(mutex_);
  std::chrono::nanoseconds last_wait_ QUORATE_GUARDED_BY(mutex_){};
  std::uint64_t adds_ QUORATE_GUARDED_BY(mutex_) = 0;
  std::uint64_t retries_ QUORATE_GUARDED_BY(mutex_) = 0;
  bool closed_ QUORATE_GUARDED_BY(mutex_) = false;
};

}  // namespace quorate::runtime
