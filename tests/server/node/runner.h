// Runner: threads of its own for a Driver: one that takes its turns and one that writes its log.
//
// Ownership: borrows the Driver, which must outlive it.
// Thread: Start and Stop from one thread.
#pragma once

#include <thread>

#include "node/driver.h"

namespace quorate::test {

class Runner {
 public:
  explicit Runner(node::Driver& driver) : driver_(driver) {}
  ~Runner() { Stop(); }

  void Start();
  // Hands leadership over, answers who still waits, writes what is queued, ends the threads.
  void Stop();

 private:
  node::Driver& driver_;
  std::thread loop_;
  std::thread wal_;
};

}  // namespace quorate::test
