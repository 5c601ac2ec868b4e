// LeaderElection: at most one operator acts, by a coordination.k8s.io/v1 Lease.
//
// Whether another holder is alive is judged by our own clock: its record must have stood unchanged
// for its whole duration since we saw it first. A holder that cannot renew within the deadline
// stops leading for good: the program exits. A lease is no fence; destructive steps carry their own
// preconditions.
//
// Invariants: leading() is false from renew_deadline after the last successful renewal began, even
//   when nobody calls Step(); lease duration > renew deadline > retry.
// Ownership: borrows client (one without may_write), clock and random.
// Thread: Step() and Release() from one thread at a time; leading() from any.
// Source: client-go leaderelection (times and record).
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "base/result.h"
#include "io/clock.h"
#include "io/random.h"
#include "kube/client.h"

namespace quorate::runtime {

class LeaderElection {
 public:
  struct Options {
    std::string ns = "default";
    std::string name = "quorate-operator";
    std::string identity;  // unique to this process
    std::chrono::seconds lease_duration{15};
    std::chrono::milliseconds renew_deadline{10'000};
    std::chrono::milliseconds retry{2'000};
  };
  enum class State { kWaiting, kLeading, kLost };

  LeaderElection(kube::Client& client, io::Clock& clock, io::Random& random, Options options);

  // Tries to get or keep the lease when it is time to; otherwise does nothing.
  State Step();
  // When Step() has something to do again.
  io::Clock::Instant next_step() const { return next_step_; }

  // Whether this process may act now.
  bool leading() const;
  // Who holds the lease, as seen last; empty: nobody.
  const std::string& holder() const { return holder_; }

  // Gives the lease up, so that another takes over at once. Nothing when not leading.
  void Release();

 private:
  bool TryOnce();
  bool Seize(const kube::Json& lease);
  kube::Json MakeSpec(const kube::Json* old) const;

  kube::Client& client_;
  io::Clock& clock_;
  io::Random& random_;
  const Options options_;
  State state_ = State::kWaiting;
  io::Clock::Instant next_step_{};
  std::atomic<std::int64_t> valid_until_{0};  // ns of the monotonic clock; 0: never led
  std::string holder_;
  std::string seen_record_;       // the spec as seen last
  io::Clock::Instant seen_at_{};  // when it changed last
};

}  // namespace quorate::runtime
