#include "app/node_loop.h"

#include <pthread.h>

#include <chrono>
#include <utility>

namespace quorate::app {
namespace {

constexpr std::chrono::seconds kLogPatience{1};

}  // namespace

NodeLoop::NodeLoop(net::EventLoop& loop, node::Driver& driver)
    : loop_(loop), driver_(driver), waker_(std::make_shared<Waker>(loop, this)), timer_(loop) {}

void NodeLoop::Start() {
  wal_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "wal");
    while (driver_.log_writer().RunOnce(kLogPatience)) {
    }
  });
  driver_.inbox().OnArrival([this] { Wake(); });
  loop_.Post([this] {
    driver_.log_writer().OfferLoop();
    Schedule();
  });
}

void NodeLoop::Stop() {
  if (!wal_.joinable()) return;
  driver_.Stop([] {});
  {
    MutexLock lock(mutex_);
    change_.wait(mutex_, [this]() QUORATE_REQUIRES(mutex_) { return over_; });
  }
  driver_.inbox().OnArrival(nullptr);
  loop_.RunSync([this] {
    timer_.Cancel();
    waker_->node = nullptr;
  });
  driver_.log_writer().Close();
  wal_.join();
}

void NodeLoop::Wake() {
  if (loop_.InLoop()) {
    Schedule();
  } else {
    WakeBatch::WakeLater(waker_);
  }
}

void NodeLoop::Waker::Wake() {
  loop.Post([self = shared_from_this()] {
    if (self->node != nullptr) self->node->Schedule();
  });
}

void NodeLoop::Schedule() {
  if (scheduled_ || ended_) return;
  scheduled_ = true;
  loop_.AtTurnEnd([this] { Turn(); });
}

void NodeLoop::Turn() {
  scheduled_ = false;
  if (!driver_.Turn(std::chrono::nanoseconds(0))) return Ended();
  if (driver_.log_writer().left_to_loop()) WriteLeft();
  if (driver_.Busy()) Schedule();
  Arm();
}

// When what this turn sends is sent, and whom it wakes is awake.
void NodeLoop::WriteLeft() {
  loop_.AtTurnEnd([waker = waker_] {
    if (waker->node != nullptr) waker->node->driver_.log_writer().RunLeft();
  });
}

// A timer that is early enough stays: what was due may have moved many times before it runs out.
void NodeLoop::Arm() {
  if (timer_.active() && armed_for_ <= driver_.next_due()) return;
  armed_for_ = driver_.next_due();
  timer_.Set(driver_.time_to_due(), [this] {
    if (driver_.time_to_due().count() <= 0) return Schedule();
    Arm();
  });
}

void NodeLoop::Ended() {
  ended_ = true;
  timer_.Cancel();
  MutexLock lock(mutex_);
  over_ = true;
  change_.notify_all();
}

}  // namespace quorate::app
