#include "etcdclient/held_lease.h"

#include <algorithm>

namespace quorate::etcdclient {

using std::chrono::milliseconds;

Result<std::unique_ptr<HeldLease>> HeldLease::Grant(Client& client, std::chrono::seconds ttl) {
  const auto granted = TRY(client.LeaseGrant(ttl));
  return std::unique_ptr<HeldLease>(
      new HeldLease(client, LeaseId{granted.id()}, std::chrono::seconds(granted.ttl())));
}

HeldLease::HeldLease(Client& client, LeaseId id, std::chrono::seconds ttl)
    : client_(client), id_(id), ttl_(ttl), thread_([this] { Renew(); }) {}

HeldLease::~HeldLease() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  condition_.notify_all();
  thread_.join();
  // Best effort: a lease that nobody renews ends by itself.
  if (!lost_) (void)client_.LeaseRevoke(id_, {.timeout = milliseconds(2000), .one_round = true});
}

// One question takes a third of the time at most, so two may fail before the lease is in danger.
void HeldLease::Renew() {
  const milliseconds third = std::max(milliseconds(ttl_) / 3, milliseconds(200));
  const int tries_max = 3;
  for (int failed = 0; failed < tries_max;) {
    if (!Pause(failed == 0 ? third : third / 10)) return;
    const auto answer = client_.LeaseKeepAlive(id_, {.timeout = third * 6 / 10});
    if (answer.ok() && answer->ttl() <= 0) break;
    failed = answer.ok() ? 0 : failed + 1;
  }
  lost_ = true;
}

bool HeldLease::Pause(milliseconds time) {
  mutex_.lock();
  condition_.wait_for(mutex_, time, [this]() QUORATE_REQUIRES(mutex_) { return ending_; });
  const bool on = !ending_;
  mutex_.unlock();
  return on;
}

}  // namespace quorate::etcdclient
