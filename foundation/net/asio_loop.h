// EventLoop::Impl: what net's own .cc files see of a loop: Asio's context, shared read buffers, who
// is kept alive.
//
// Never included outside net.
//
// Thread: `posted` under its mutex; Post, Dispatch and InLoop from any; everything else on the
// loop.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>  // Boost.Asio 1.74 forgets it
#include <vector>

#include "base/mutex.h"
#include "base/wake_batch.h"
#include "net/event_loop.h"
#include "net/resolver.h"

namespace quorate::net {

namespace asio = boost::asio;

struct EventLoop::Impl {
  explicit Impl(std::string thread_name) : name(std::move(thread_name)) {}

  // Room for one read, shared by all connections of the loop: data is handed on before the next
  // read.
  static constexpr std::size_t kReadBytes = std::size_t{64} << 10;

  const std::string name;
  Mutex mutex;
  std::vector<Task> posted QUORATE_GUARDED_BY(mutex);
  bool stopped QUORATE_GUARDED_BY(mutex) = false;
  std::atomic<bool> running{false};

  WakeBatch* wakes = nullptr;  // of the loop's thread
  std::vector<Task> draining;
  std::vector<Task> turn_end;
  std::vector<Task> turn_end_running;
  bool turn_end_scheduled = false;
  std::unique_ptr<char[]> read_buffer{new char[kReadBytes]};
  std::unique_ptr<char[]> plain_buffer{new char[kReadBytes]};  // decrypted
  // What lives until it ends by itself; `end` is called when the loop goes before that.
  struct Kept {
    std::shared_ptr<void> object;
    Task end;
  };
  std::unordered_map<const void*, Kept> kept_alive;
  Resolver resolver;

  asio::io_context io{1};
  // An eventfd by which other threads wake the loop. Asio's own way wakes it under the very lock
  // that it then needs, which costs each wake-up two more switches between threads.
  asio::posix::stream_descriptor wake{io};
  std::uint64_t wake_count = 0;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::thread thread;
  std::atomic<std::thread::id> thread_id{};

  // As EventLoop's, for those who hold the parts and may outlive the loop: then the task is
  // dropped.
  void Post(Task task);
  void Dispatch(Task task);
  bool InLoop() const;

  void AwaitWake();
  void Wake();
  void Drain();
  void RunTurnEnd();
};

}  // namespace quorate::net
