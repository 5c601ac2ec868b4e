// EventLoop::Impl: what net's own .cc files see of a loop: its epoll, its timers, shared read
// buffers, who is kept alive. Watcher, Descriptor: a socket on that epoll.
//
// Never included outside net.
//
// One wait, one turn: what the sockets told, timers that are due, posted tasks, the turn's end. A
// turn makes one system call of its own. Asio made five: a wait before and after each turn's end,
// two to read one message (it re-arms a socket after each), two to be woken by another thread.
//
// Thread: what is guarded under its mutex; Post, Dispatch and InLoop from any; everything else on
// the loop, or while it does not run.
// Source: epoll(7), "Edge-triggered and level-triggered".
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/wake_batch.h"
#include "net/event_loop.h"
#include "net/resolver.h"

namespace quorate::net {

// What is new since the last time. A hint: reading may still find nothing.
struct Readiness {
  bool readable = false;  // bytes, connections, an error
  bool writable = false;  // only while asked for
  bool ended = false;     // the other side sends nothing more; readable, too
};

// Hears what becomes of a descriptor. It must keep itself alive during the call.
class Watcher {
 public:
  virtual void OnReady(Readiness ready) = 0;

 protected:
  ~Watcher() = default;
};

struct EventLoop::Impl {
  explicit Impl(std::string thread_name);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Room for one read, shared by all connections of the loop: data is handed on before the next
  // read.
  static constexpr std::size_t kReadBytes = std::size_t{64} << 10;

  using TimePoint = std::chrono::steady_clock::time_point;
  using TimerKey = std::pair<TimePoint, std::uint64_t>;  // the second tells equal times apart

  const std::string name;
  Mutex mutex;
  std::vector<Task> posted QUORATE_GUARDED_BY(mutex);
  bool stopped QUORATE_GUARDED_BY(mutex) = false;
  std::atomic<bool> running{false};
  // The loop waits, or is about to, and nobody has woken it yet. Who posts to a loop that is awake
  // need not wake it: it looks at `posted` after it has set this and before it waits.
  std::atomic<bool> asleep{false};

  WakeBatch* wakes = nullptr;  // of the loop's thread
  std::vector<Task> draining;
  std::vector<Task> turn_end;
  std::vector<Task> turn_end_running;
  std::unique_ptr<char[]> read_buffer{new char[kReadBytes]};
  std::unique_ptr<char[]> plain_buffer{new char[kReadBytes]};  // decrypted
  // What lives until it ends by itself; `end` is called when the loop goes before that.
  struct Kept {
    std::shared_ptr<void> object;
    Task end;
  };
  std::unordered_map<const void*, Kept> kept_alive;
  Resolver resolver;

  const int epoll;
  const int wake;  // an eventfd; never read, since a watch by edges needs only the writing
  // By a number that is never used again: what the kernel told of one that was closed in the same
  // turn finds nobody.
  std::unordered_map<std::uint64_t, Watcher*> watchers;
  std::uint64_t numbers_given = 0;  // to watchers and timers
  std::map<TimerKey, Task> timers;
  bool stopping = false;
  std::thread thread;
  std::atomic<std::thread::id> thread_id{};

  // As EventLoop's, for those who hold the parts and may outlive the loop: then the task is
  // dropped.
  void Post(Task task);
  void Dispatch(Task task);
  bool InLoop() const;

  void Run();
  int Patience();  // how long to wait, in milliseconds; 0: something is ready
  void Wait(int milliseconds);
  void RunReady();
  void RunTimers();
  void RunPosted();
  void RunTurnEnd();
};

// Descriptor: a socket, closed when this goes, that the loop watches by edges.
//
// The watch is set up once, and no message costs a system call for it. In return whoever is told
// that there is something to read reads until there is nothing, or remembers that there may be
// more: it is not told again before something new comes.
//
// Ownership: owns the socket; borrows the watcher, which hears nothing after this is gone.
// Thread: the loop.
class Descriptor {
 public:
  Descriptor(std::shared_ptr<EventLoop::Impl> loop, int socket, Watcher* watcher);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int socket() const { return socket_; }
  // Whether it is told when the socket can be written to; initially not.
  void AwaitWritable(bool await);
  // The socket, no longer watched, is the caller's.
  int Release();

 private:
  void Control(int operation, bool writable) const;

  const std::shared_ptr<EventLoop::Impl> loop_;
  const std::uint64_t number_;
  int socket_;  // -1: released
};

}  // namespace quorate::net
