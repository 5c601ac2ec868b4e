// AutoCompaction: the leader compacts by itself, as --auto-compaction-mode and -retention ask.
//
//   periodic   to the revision that was current so long ago; first after one whole period, then
//              every period, or every hour when that is shorter
//   revision   every five minutes, to so many revisions before the present one
//
// CompactionClock decides and knows no clock: it is asked at every interval and told what came of
// it. A compaction that fails is tried again at the next interval.
//
// Thread: the peer loop, which is the raft+apply loop.
// Source: knowledge/etcd.md 3.11.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "api/context.h"
#include "base/ids.h"
#include "io/clock.h"
#include "net/event_loop.h"

namespace quorate::app {

struct AutoCompactionOptions {
  std::chrono::nanoseconds period{};  // mode periodic; 0: off
  std::int64_t revisions = 0;         // mode revision; 0: off
};

class CompactionClock {
 public:
  using Instant = io::Clock::Instant;

  CompactionClock(const AutoCompactionOptions& options, Instant now);

  std::chrono::nanoseconds interval() const { return interval_; }
  // An interval is over: the revision to compact now, if any. leading: only then.
  std::optional<Revision> Tick(Instant now, Revision current, bool leading);
  void Compacted(Instant now, Revision at);

 private:
  const AutoCompactionOptions options_;
  std::chrono::nanoseconds interval_;
  std::chrono::nanoseconds wait_;  // from one compaction to the next
  Instant last_;
  Revision last_revision_;
  std::deque<Revision> samples_;  // one each interval; the first is `period` old
};

class AutoCompaction {
 public:
  AutoCompaction(net::EventLoop& loop, const io::Clock& clock, const api::Context& context,
                 const AutoCompactionOptions& options);

  void Start();
  void Stop();

 private:
  void Tick();

  const io::Clock& clock_;
  const api::Context& context_;
  const AutoCompactionOptions options_;
  CompactionClock decide_;
  net::Timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace quorate::app
