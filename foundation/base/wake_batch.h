// WakeBatch: sleeping consumers are woken once, when the producer has produced its whole batch.
//
// Waking a thread costs microseconds, and on few cores the woken one takes the producer's core in
// the middle of its work. While a WakeBatch is open on a thread, WakeLater() only remembers whom to
// wake; Flush() and the end of the batch wake each of them once. Without one it wakes at once.
//
// Invariants: at most one batch is open on a thread; an inner one leaves everything to the outer.
// Ownership: what is remembered is held, so that it may be given up meanwhile.
// Thread: a batch belongs to the thread that opened it; WakeLater from any.
#pragma once

#include <functional>
#include <memory>
#include <vector>

namespace quorate {

// Someone to wake: spurious wake-ups do no harm.
class Wakeable {
 public:
  virtual ~Wakeable() = default;
  virtual void Wake() = 0;
};

class WakeBatch {
 public:
  // on_first, if given, runs when the batch gets its first entry: the chance to plan a Flush().
  explicit WakeBatch(std::function<void()> on_first = nullptr);
  ~WakeBatch();
  WakeBatch(const WakeBatch&) = delete;
  WakeBatch& operator=(const WakeBatch&) = delete;

  void Flush();

  static void WakeLater(const std::shared_ptr<Wakeable>& sleeper);

 private:
  const bool outermost_;
  const std::function<void()> on_first_;
  std::vector<std::shared_ptr<Wakeable>> sleepers_;
  std::vector<std::shared_ptr<Wakeable>> waking_;
};

}  // namespace quorate
