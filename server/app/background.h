// Background: two threads for work that may take long: snapshots, making log segments ready,
// deleting old ones.
//
// Thread: Run from any. Stop waits for what has begun; what has not is dropped.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace quorate::app {

class Background {
 public:
  Background();
  ~Background();

  // False: too much is waiting.
  bool Run(std::function<void()> task);
  void Stop();

 private:
  static constexpr std::size_t kThreads = 2;
  static constexpr std::size_t kTasksMax = 1024;

  void Loop();

  Mutex mutex_;
  Condition arrived_;
  std::vector<std::function<void()>> tasks_ QUORATE_GUARDED_BY(mutex_);
  bool stopped_ QUORATE_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace quorate::app
