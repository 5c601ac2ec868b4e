#include "etcdclient/held_lease.h"

namespace quorate::etcdclient {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Renewal::Instant Now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Result<std::unique_ptr<HeldLease>> HeldLease::Grant(Client& client, seconds ttl) {
  const auto asked = Now();
  const auto granted = TRY(client.LeaseGrant(ttl));
  return std::unique_ptr<HeldLease>(
      new HeldLease(client, LeaseId{granted.id()}, Renewal(asked, seconds(granted.ttl()))));
}

HeldLease::HeldLease(Client& client, LeaseId id, Renewal renewal)
    : client_(client), id_(id), thread_([this, renewal] { Renew(renewal); }) {}

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

void HeldLease::Renew(Renewal renewal) {
  while (Pause(renewal.pause(Now()))) {
    const auto asked = Now();
    if (renewal.lost(asked)) {
      lost_ = true;
      return;
    }
    const auto answer = client_.LeaseKeepAlive(id_, {.timeout = renewal.patience(asked)});
    if (answer.ok()) {
      renewal.Renewed(asked, seconds(answer->ttl()));
    } else {
      renewal.Failed(Now());
    }
  }
}

bool HeldLease::Pause(milliseconds time) {
  mutex_.lock();
  condition_.wait_for(mutex_, time, [this]() QUORATE_REQUIRES(mutex_) { return ending_; });
  const bool on = !ending_;
  mutex_.unlock();
  return on;
}

}  // namespace quorate::etcdclient
