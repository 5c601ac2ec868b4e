// Runner: the threads of a Driver: the raft+apply loop, the wal writer and one for chores.
//
// Ownership: borrows the Driver, which must outlive it.
// Thread: Start and Stop from one thread; Stop joins, so never from the loop.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "node/driver.h"

namespace quorate::node {

// Chores: a thread that runs functions one after the other. Made before the Driver, whose log
// writer needs it.
class Chores {
 public:
  Chores();
  ~Chores();  // runs what is queued, then ends

  void Run(std::function<void()> chore);

 private:
  void Loop();

  Mutex mutex_;
  Condition arrival_;
  std::vector<std::function<void()>> queue_ QUORATE_GUARDED_BY(mutex_);
  bool closed_ QUORATE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class Runner {
 public:
  explicit Runner(Driver& driver) : driver_(driver) {}
  ~Runner() { Stop(); }

  void Start();
  // Hands leadership over, answers who still waits, writes what is queued, ends the threads.
  void Stop();

 private:
  Driver& driver_;
  std::thread loop_;
  std::thread wal_;
};

}  // namespace quorate::node
