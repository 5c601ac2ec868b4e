// Background: threads for work that may take long: one for the log's segments, which are made ready
// and deleted in the order asked for, two for snapshots between members, two for those to clients.
// The last give way to everything else that wants a processor.
//
// Thread: Run from any. Stop waits for what has begun; what has not is dropped.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace quorate::app {

class Background {
 public:
  enum class Pace { kNormal, kGivesWay };

  // The name is what ps and top show for the threads, of at most 15 characters.
  Background(std::string name, std::size_t threads, Pace pace = Pace::kNormal);
  ~Background();

  // False: too much is waiting.
  bool Run(std::function<void()> task);
  void Stop();

 private:
  static constexpr std::size_t kTasksMax = 1024;

  void Loop();

  const std::string name_;
  const Pace pace_;
  Mutex mutex_;
  Condition arrived_;
  std::vector<std::function<void()>> tasks_ QUORATE_GUARDED_BY(mutex_);
  bool stopped_ QUORATE_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace quorate::app
