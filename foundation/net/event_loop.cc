#include "net/event_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <future>
#include <limits>
#include <span>

#include "base/check.h"
#include "net/loop_parts.h"

namespace quorate::net {
namespace {

constexpr std::size_t kEventsPerWait = 128;
constexpr std::uint64_t kWakeNumber = 0;  // watchers have others

}  // namespace

EventLoop::EventLoop(std::string name) : impl_(std::make_shared<Impl>(std::move(name))) {}

EventLoop::~EventLoop() {
  Stop();
  std::vector<Task> posted;
  {
    MutexLock lock(impl_->mutex);
    posted.swap(impl_->posted);
  }
  posted.clear();
  // What is left ends now, while the loop's parts exist.
  const auto kept = std::exchange(impl_->kept_alive, {});
  for (const auto& [object, each] : kept) each.end();
  std::exchange(impl_->timers, {}).clear();
  impl_->draining.clear();
  impl_->turn_end.clear();
}

void EventLoop::Start() {
  CHECK(!impl_->thread.joinable());
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
    impl_->Run();
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
  Post([this] { impl_->stopping = true; });
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
}

bool EventLoop::InLoop() const {
  return impl_->InLoop();
}

std::chrono::steady_clock::time_point EventLoop::Now() {
  return std::chrono::steady_clock::now();
}

// ---- the parts ----

EventLoop::Impl::Impl(std::string thread_name)
    : name(std::move(thread_name)),
      epoll(epoll_create1(EPOLL_CLOEXEC)),
      wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  CHECK(epoll >= 0 && wake >= 0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeNumber;
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0);
}

EventLoop::Impl::~Impl() {
  close(wake);
  close(epoll);
}

void EventLoop::Impl::Post(Task task) {
  {
    MutexLock lock(mutex);
    if (stopped) return;
    posted.push_back(std::move(task));
  }
  if (!asleep.exchange(false)) return;
  // The counter is never full, so the write cannot fail.
  const std::uint64_t one = 1;
  CHECK(write(wake, &one, sizeof one) == sizeof one);
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

void EventLoop::Impl::Run() {
  while (!stopping) {
    Wait(Patience());
    RunReady();
  }
}

void EventLoop::Impl::RunReady() {
  RunTimers();
  RunPosted();
  RunTurnEnd();
}

// Until the next timer, in whole milliseconds and never before it; -1: for ever.
int EventLoop::Impl::Patience() {
  if (!turn_end.empty()) return 0;
  int patience = -1;
  if (!timers.empty()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(timers.begin()->first.first - Now()).count();
    if (left <= 0) return 0;
    patience = static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
  }
  asleep = true;
  MutexLock lock(mutex);
  return posted.empty() ? patience : 0;
}

void EventLoop::Impl::Wait(int milliseconds) {
  std::array<epoll_event, kEventsPerWait> events;
  const int count = epoll_wait(epoll, events.data(), kEventsPerWait, milliseconds);
  CHECK(count >= 0 || errno == EINTR);
  asleep = false;
  for (const epoll_event& event :
       std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
    const auto found = watchers.find(event.data.u64);
    if (found == watchers.end()) continue;  // a wake-up, or closed by one before it
    Readiness ready;
    ready.ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    ready.readable = ready.ended || (event.events & EPOLLIN) != 0;
    ready.writable = (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    found->second->OnReady(ready);
  }
}

void EventLoop::Impl::RunTimers() {
  if (timers.empty()) return;
  const TimePoint now = Now();
  while (!timers.empty() && timers.begin()->first.first <= now) {
    const Task due = std::move(timers.begin()->second);
    timers.erase(timers.begin());
    due();
  }
}

void EventLoop::Impl::RunPosted() {
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
}

// ---- a socket ----

Descriptor::Descriptor(std::shared_ptr<EventLoop::Impl> loop, int socket, Watcher* watcher)
    : loop_(std::move(loop)), number_(++loop_->numbers_given), socket_(socket) {
  loop_->watchers.emplace(number_, watcher);
  Control(EPOLL_CTL_ADD, false);
}

Descriptor::~Descriptor() {
  if (socket_ >= 0) close(Release());
}

void Descriptor::AwaitWritable(bool await) {
  Control(EPOLL_CTL_MOD, await);
}

int Descriptor::Release() {
  Control(EPOLL_CTL_DEL, false);
  loop_->watchers.erase(number_);
  return std::exchange(socket_, -1);
}

void Descriptor::Control(int operation, bool writable) const {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (writable ? EPOLLOUT : 0U);
  event.data.u64 = number_;
  CHECK(epoll_ctl(loop_->epoll, operation, socket_, &event) == 0);
}

// ---- a timer ----

struct Timer::Impl {
  const std::shared_ptr<EventLoop::Impl> loop;
  EventLoop::Impl::TimerKey key;
  bool active = false;
};

Timer::Timer(EventLoop& loop) : impl_(std::make_unique<Impl>(Impl{loop.impl(), {}, false})) {}

Timer::~Timer() {
  Cancel();
}

void Timer::Set(std::chrono::nanoseconds delay, Task task) {
  Cancel();
  impl_->key = {EventLoop::Now() + delay, ++impl_->loop->numbers_given};
  impl_->active = true;
  impl_->loop->timers.emplace(impl_->key, [impl = impl_.get(), task = std::move(task)] {
    impl->active = false;
    task();
  });
}

// One that is not active touches nothing of the loop: it may be destroyed on another thread.
void Timer::Cancel() {
  if (std::exchange(impl_->active, false)) impl_->loop->timers.erase(impl_->key);
}

bool Timer::active() const {
  return impl_->active;
}

}  // namespace quorate::net
