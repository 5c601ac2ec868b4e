// Renewal: when to renew a lease, and when it is lost. Pure.
//
//   Renewal renewal(asked, ttl);                      // as granted
//   while (!renewal.lost(now)) {
//     ... wait for renewal.pause(now), ask for renewal.patience(now) at most ...
//     answered ? renewal.Renewed(asked, ttl) : renewal.Failed(now);
//   }
//
// A lease is renewed when a third of its time is over. Questions that fail are asked again until
// its whole time has passed since the last one was asked that was answered: servers count from when
// they heard that one, so from then on they may have ended it, and before they have not.
//
// Thread: one thread at a time.
// Source: etcd's client/v3 (lease.go), which counts from when the answer came.
#pragma once

#include <chrono>

namespace quorate::etcdclient {

class Renewal {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  // asked: when the question was sent whose answer gave the lease ttl.
  Renewal(Instant asked, std::chrono::seconds ttl) { Renewed(asked, ttl); }

  bool lost(Instant now) const { return now >= end_; }
  // Until the next question, or until the lease is lost.
  Milliseconds pause(Instant now) const;
  // How long that question may take: two may fail before the lease is in danger.
  Milliseconds patience(Instant now) const;

  // ttl: 0 or less: the server says that the lease is gone.
  void Renewed(Instant asked, std::chrono::seconds ttl);
  void Failed(Instant now);

 private:
  Milliseconds ttl_{};
  Instant next_;  // when to ask
  Instant end_;   // when it is lost
};

}  // namespace quorate::etcdclient
