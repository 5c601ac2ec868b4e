#include "net/event_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/asio_loop.h"
// After asio_loop.h, which includes <utility> first.
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>

#include "base/check.h"

namespace quorate::net {

EventLoop::EventLoop(std::string name) : impl_(std::make_shared<Impl>(std::move(name))) {
  const int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(descriptor >= 0);
  impl_->wake.assign(descriptor);
}

EventLoop::~EventLoop() {
  Stop();
  std::vector<Task> posted;
  {
    MutexLock lock(impl_->mutex);
    posted.swap(impl_->posted);
  }
  posted.clear();
  // What is left ends now, while the loop's parts exist: waits are aborted, and nothing refers to
  // Asio any more.
  const auto kept = std::exchange(impl_->kept_alive, {});
  for (const auto& [object, each] : kept) each.end();
  impl_->wake.close();
  impl_->io.restart();
  impl_->io.poll();
  impl_->draining.clear();
  impl_->turn_end.clear();
}

void EventLoop::Start() {
  CHECK(!impl_->thread.joinable());
  impl_->work.emplace(impl_->io.get_executor());
  impl_->running = true;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);  // signals belong to the main thread
  impl_->thread = std::thread([this] {
    impl_->thread_id = std::this_thread::get_id();
    pthread_setname_np(pthread_self(), impl_->name.substr(0, 15).c_str());
    // Threads that handlers of one turn wake are woken at its end, once.
    WakeBatch wakes([this] {
      AtTurnEnd([this] {
        if (impl_->wakes != nullptr) impl_->wakes->Flush();
      });
    });
    impl_->wakes = &wakes;
    impl_->AwaitWake();
    impl_->io.run();
    impl_->wakes = nullptr;
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void EventLoop::Stop() {
  CHECK(!InLoop());
  if (!impl_->thread.joinable()) {
    MutexLock lock(impl_->mutex);
    impl_->stopped = true;
    return;
  }
  Post([this] { asio::post(impl_->io, [this] { impl_->io.stop(); }); });
  impl_->thread.join();
  impl_->thread_id = std::thread::id();  // the system gives the number to a later thread
  impl_->running = false;
  MutexLock lock(impl_->mutex);
  impl_->stopped = true;
}

void EventLoop::Post(Task task) {
  impl_->Post(std::move(task));
}

void EventLoop::Dispatch(Task task) {
  impl_->Dispatch(std::move(task));
}

void EventLoop::RunSync(const Task& task) {
  if (InLoop() || !impl_->running) {
    task();
    return;
  }
  std::promise<void> done;
  Post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void EventLoop::AtTurnEnd(Task task) {
  impl_->turn_end.push_back(std::move(task));
  if (impl_->turn_end_scheduled) return;
  impl_->turn_end_scheduled = true;
  // From the loop itself this needs neither lock nor wake-up; it runs after every handler that is
  // ready now.
  asio::post(impl_->io, [impl = impl_.get()] { impl->RunTurnEnd(); });
}

bool EventLoop::InLoop() const {
  return impl_->InLoop();
}

std::chrono::steady_clock::time_point EventLoop::Now() {
  return std::chrono::steady_clock::now();
}

void EventLoop::Impl::Post(Task task) {
  {
    MutexLock lock(mutex);
    if (stopped) return;
    posted.push_back(std::move(task));
    if (posted.size() != 1) return;
  }
  if (InLoop()) {
    asio::post(io, [this] { Drain(); });
  } else {
    Wake();
  }
}

void EventLoop::Impl::Dispatch(Task task) {
  if (InLoop()) {
    task();
  } else {
    Post(std::move(task));
  }
}

bool EventLoop::Impl::InLoop() const {
  return std::this_thread::get_id() == thread_id.load(std::memory_order_relaxed);
}

void EventLoop::Impl::AwaitWake() {
  wake.async_read_some(asio::buffer(&wake_count, sizeof wake_count),
                       [this](const boost::system::error_code& failure, std::size_t) {
                         if (failure) return;
                         Drain();
                         AwaitWake();
                       });
}

// Any thread. The counter cannot be full, so the write cannot fail.
void EventLoop::Impl::Wake() {
  const std::uint64_t one = 1;
  CHECK(write(wake.native_handle(), &one, sizeof one) == sizeof one);
}

void EventLoop::Impl::Drain() {
  {
    MutexLock lock(mutex);
    draining.swap(posted);
  }
  for (Task& task : draining) task();
  draining.clear();
}

void EventLoop::Impl::RunTurnEnd() {
  // What these tasks ask for in turn, such as sending what they wrote, need not wait for another
  // look at the sockets; but tasks that ask for themselves again must not keep the loop.
  constexpr int kPasses = 2;
  for (int pass = 0; pass < kPasses && !turn_end.empty(); ++pass) {
    turn_end_running.swap(turn_end);
    for (Task& task : turn_end_running) task();
    turn_end_running.clear();
  }
  turn_end_scheduled = !turn_end.empty();
  if (turn_end_scheduled) asio::post(io, [this] { RunTurnEnd(); });
}

struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  explicit Impl(std::shared_ptr<EventLoop::Impl> event_loop)
      : loop(std::move(event_loop)), timer(loop->io) {}

  const std::shared_ptr<EventLoop::Impl> loop;
  asio::steady_timer timer;
  Task task;
  std::uint64_t generation = 0;  // of the latest Set or Cancel: an older expiry is void
};

Timer::Timer(EventLoop& loop) : impl_(std::make_shared<Impl>(loop.impl())) {}

Timer::~Timer() {
  Cancel();
}

void Timer::Set(std::chrono::nanoseconds delay, Task task) {
  impl_->task = std::move(task);
  const std::uint64_t generation = ++impl_->generation;
  impl_->timer.expires_after(delay);
  impl_->timer.async_wait(
      [weak = std::weak_ptr<Impl>(impl_), generation](const boost::system::error_code&) {
        const std::shared_ptr<Impl> impl = weak.lock();
        if (impl == nullptr || impl->generation != generation || !impl->task) return;
        const Task due = std::move(impl->task);
        impl->task = nullptr;
        due();
      });
}

void Timer::Cancel() {
  ++impl_->generation;
  impl_->task = nullptr;
  impl_->timer.cancel();
}

bool Timer::active() const {
  return impl_->task != nullptr;
}

}  // namespace quorate::net
