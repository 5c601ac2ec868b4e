// NodeLoop: a Driver's turns on the loop that already serves its peers, and its log writer.
//
// A message from a peer is read, stepped and answered by one thread in one go: no hand-over between
// a network thread and a raft thread, each of which would cost more than the work itself. A turn
// runs after all sockets that are ready now have been read: what came together is one batch.
//
// Ownership: borrows the loop and the Driver, which must outlive it.
// Thread: Start and Stop from one thread that is not the loop; Stop joins.
#pragma once

#include <memory>
#include <thread>

#include "base/mutex.h"
#include "base/wake_batch.h"
#include "net/event_loop.h"
#include "node/driver.h"

namespace quorate::app {

class NodeLoop {
 public:
  NodeLoop(net::EventLoop& loop, node::Driver& driver);
  ~NodeLoop() { Stop(); }
  NodeLoop(const NodeLoop&) = delete;
  NodeLoop& operator=(const NodeLoop&) = delete;

  // REQUIRES: the loop runs.
  void Start();
  // Hands leadership over, answers who still waits, writes what is queued, ends the thread.
  void Stop();

 private:
  // Wakes the loop at the end of the waker's batch, perhaps after the NodeLoop is gone.
  struct Waker final : Wakeable, std::enable_shared_from_this<Waker> {
    Waker(net::EventLoop& event_loop, NodeLoop* to_wake) : loop(event_loop), node(to_wake) {}
    void Wake() override;

    net::EventLoop& loop;
    NodeLoop* node;  // the loop's; null after Stop
  };

  void Wake();      // any thread
  void Schedule();  // the loop
  void Turn();
  void WriteLeft();
  void Arm();
  void Ended();

  net::EventLoop& loop_;
  node::Driver& driver_;
  const std::shared_ptr<Waker> waker_;
  net::Timer timer_;  // until a turn is due
  io::Clock::Instant armed_for_;
  bool scheduled_ = false;
  bool ended_ = false;
  std::thread wal_;

  Mutex mutex_;
  Condition change_;
  bool over_ QUORATE_GUARDED_BY(mutex_) = false;
};

}  // namespace quorate::app
