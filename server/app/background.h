// Background: threads for work that may take long: one for the log's segments, which are made ready
// and deleted in the order asked for, two for snapshots between members, two for those to clients.
//
// Thread: Run from any. Stop waits for what has begun; what has not is dropped.
#pragma once

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace quorate::app {

class Background {
 public:
  explicit Background(std::size_t threads);
  ~Background();

  // False: too much is waiting.
  bool Run(std::function<void()> task);
  void Stop();

 private:
  static constexpr std::size_t kTasksMax = 1024;

  void Loop();

  Mutex mutex_;
  Condition arrived_;
  std::vector<std::function<void()>> tasks_ QUORATE_GUARDED_BY(mutex_);
  bool stopped_ QUORATE_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace quorate::app
