#include "app/background.h"

#include <utility>

namespace quorate::app {

Background::Background(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

Background::~Background() {
  Stop();
}

bool Background::Run(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    if (stopped_ || tasks_.size() >= kTasksMax) return false;
    tasks_.push_back(std::move(task));
  }
  arrived_.notify_one();
  return true;
}

void Background::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    tasks_.clear();
  }
  arrived_.notify_all();
  threads_.clear();
}

void Background::Loop() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      while (!stopped_ && tasks_.empty()) arrived_.wait(mutex_);
      if (stopped_) return;
      task = std::move(tasks_.front());
      tasks_.erase(tasks_.begin());
    }
    task();
  }
}

}  // namespace quorate::app
