#include "node/runner.h"

#include <pthread.h>

#include <chrono>
#include <utility>

namespace quorate::node {
namespace {

constexpr std::chrono::seconds kPatience{1};

std::thread StartNamed(const char* name, std::function<void()> work) {
  return std::thread([name, work = std::move(work)] {
    pthread_setname_np(pthread_self(), name);
    work();
  });
}

}  // namespace

Chores::Chores() : thread_(StartNamed("chores", [this] { Loop(); })) {}

Chores::~Chores() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  arrival_.notify_all();
  thread_.join();
}

void Chores::Run(std::function<void()> chore) {
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(chore));
  }
  arrival_.notify_one();
}

void Chores::Loop() {
  std::vector<std::function<void()>> batch;
  for (;;) {
    {
      MutexLock lock(mutex_);
      arrival_.wait(mutex_,
                    [this]() QUORATE_REQUIRES(mutex_) { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
    }
    for (auto& chore : batch) chore();
    batch.clear();
  }
}

void Runner::Start() {
  wal_ = StartNamed("wal", [this] {
    while (driver_.log_writer().RunOnce(kPatience)) {
    }
  });
  loop_ = StartNamed("raft", [this] {
    while (driver_.Turn(kPatience)) {
    }
  });
}

void Runner::Stop() {
  if (!loop_.joinable()) return;
  driver_.Stop([] {});
  loop_.join();
  driver_.log_writer().Close();
  wal_.join();
}

}  // namespace quorate::node
