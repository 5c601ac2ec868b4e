#include "app/background.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace quorate::app {
namespace {

constexpr int kNiceness = 10;  // a tenth of what a thread of the usual kind gets beside it

}  // namespace

Background::Background(std::string name, std::size_t threads, Pace pace)
    : name_(std::move(name)), pace_(pace) {
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
  std::vector<std::function<void()>> dropped;  // their ends, which may take long, are not ours
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    dropped.swap(tasks_);
  }
  arrived_.notify_all();
  dropped.clear();
  threads_.clear();
}

void Background::Loop() {
  pthread_setname_np(pthread_self(), name_.c_str());
  if (pace_ == Pace::kGivesWay) {
    // Of this thread alone, as Linux has it. Where it is refused, all runs as before.
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()),
                      getpriority(PRIO_PROCESS, 0) + kNiceness);
  }
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
