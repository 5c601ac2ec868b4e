// EventLoop: a thread that waits for sockets and runs tasks; Timer: a task at a later time.
//
// Everything in net lives on one loop: a connection, its TLS session, its HTTP exchange. Other
// threads reach it with Post(). Posts are batched: only the first one into an empty queue wakes the
// thread, the rest ride along. AtTurnEnd() runs a task once after everything that is ready now,
// which is how many replies become one write per connection.
//
// Invariants: tasks of one loop never run at the same time, and run in the order posted.
// Ownership: owns its thread. Connections and timers may be destroyed after it, but not used.
// Thread: Post, InLoop, Start and Stop from any thread; AtTurnEnd and Timer on the loop only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace quorate::net {

using Task = std::function<void()>;

class EventLoop {
 public:
  explicit EventLoop(std::string name);  // the thread's name, at most 15 characters
  ~EventLoop();                          // Stop()
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Starts the thread. Tasks posted before wait for it.
  void Start();

  // Runs what is already posted, then ends the thread and drops timers and waits. Later posts are
  // dropped.
  // REQUIRES: not called on the loop's own thread.
  void Stop();

  void Post(Task task);
  // Runs now when already on the loop, else posts.
  void Dispatch(Task task);
  // Posts and waits until the task has run; runs it in place on the loop itself or when the loop is
  // not running.
  void RunSync(const Task& task);

  // REQUIRES: InLoop().
  void AtTurnEnd(Task task);

  bool InLoop() const;
  // Monotonic, for timeouts only.
  static std::chrono::steady_clock::time_point Now();

  struct Impl;
  // For net's own .cc files. What holds it may outlive the loop, and can then only be destroyed.
  const std::shared_ptr<Impl>& impl() { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();  // Cancel()
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs the task once after `delay` (at most a millisecond later), replacing what was set before.
  void Set(std::chrono::nanoseconds delay, Task task);
  // The task does not run after this returns.
  void Cancel();
  bool active() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::net
