// Mutex: std::mutex with clang's thread-safety annotations.
//
// Write QUORATE_GUARDED_BY(mutex_) on every member it protects; the lint preset proves the rest. A
// mutex is never held across I/O or a callback.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define QUORATE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define QUORATE_THREAD_ANNOTATION(x)
#endif
#define QUORATE_GUARDED_BY(x) QUORATE_THREAD_ANNOTATION(guarded_by(x))
#define QUORATE_REQUIRES(...) QUORATE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))

namespace quorate {

class QUORATE_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() QUORATE_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() QUORATE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class QUORATE_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) QUORATE_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() QUORATE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex: condition.wait(mutex) while the caller holds it.
using Condition = std::condition_variable_any;

}  // namespace quorate
