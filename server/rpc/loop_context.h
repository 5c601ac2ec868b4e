// LoopContext: what all HTTP/2 connections of one loop share: the inbox of answers and the
// deadlines of calls.
//
// Answers that other threads give are queued here; only the first one into an empty inbox wakes the
// loop, and when the inbox has been worked off every connection it touched writes once.
//
// Ownership: shared by the server and by every call of the loop.
// Thread: Push from any; the rest on the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/wake_batch.h"
#include "net/event_loop.h"

namespace quorate::rpc {

class H2Stream;
class H2Connection;

// One thing a handler did to a stream.
struct Action {
  enum class Kind : std::uint8_t {
    kMessage,  // bytes or shared: one message (gRPC) or piece of body (HTTP)
    kReply,    // kMessage, then kFinish ok
    kFinish,   // code and bytes (the text); code 0: ok
    kPause,
    kResume,
    kRun,  // run
  };
  std::shared_ptr<H2Stream> stream;
  Kind kind = Kind::kRun;
  int code = 0;
  std::string bytes;
  std::shared_ptr<const std::string> shared;
  net::Task run;
};

class LoopContext final : public Wakeable, public std::enable_shared_from_this<LoopContext> {
 public:
  explicit LoopContext(net::EventLoop& event_loop)
      : loop(event_loop), timer_(std::make_unique<net::Timer>(event_loop)) {}

  void Push(Action action);
  void Wake() override;
  // Works off the inbox now, so that what the loop's thread does next comes after it.
  void DrainInbox();

  void MarkDirty(const std::shared_ptr<H2Connection>& connection);

  using DeadlineKey = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;
  DeadlineKey AddDeadline(std::chrono::steady_clock::time_point when, H2Stream* stream);
  void RemoveDeadline(const DeadlineKey& key) { deadlines_.erase(key); }
  // Before the loop goes.
  void Shut() { timer_.reset(); }

  net::EventLoop& loop;

 private:
  void OnWake();
  void PumpDirty();
  void ArmDeadlines();
  void ExpireDeadlines();

  Mutex mutex_;
  std::vector<Action> inbox_ QUORATE_GUARDED_BY(mutex_);
  std::vector<Action> draining_;
  bool is_draining_ = false;
  bool waking_ = false;  // connections are pumped when the inbox is done
  std::vector<std::shared_ptr<H2Connection>> dirty_;
  std::vector<std::shared_ptr<H2Connection>> pumping_;
  bool pump_scheduled_ = false;
  std::map<DeadlineKey, H2Stream*> deadlines_;
  std::uint64_t deadline_number_ = 0;
  std::chrono::steady_clock::time_point armed_for_;
  std::unique_ptr<net::Timer> timer_;  // null after Shut
};

}  // namespace quorate::rpc
