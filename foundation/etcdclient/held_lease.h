// HeldLease: a lease that lives as long as this object, or shorter when no member can be reached.
//
//   auto lease = TRY(HeldLease::Grant(client, 10s));
//   ... put with lease->id() ...
//   if (lease->lost()) ...                // expired or revoked: whatever it held is gone
//
// It is renewed at a third of its time by a thread of its own. Answers that do not come are asked
// for again; it is lost once its whole time passed without one, for by then the servers may have
// ended it (etcdclient/renewal.h), or when a server says that it is gone.
//
// Ownership: borrows the client; the destructor ends the thread and revokes the lease.
// Thread: any.
// Source: etcd's client/v3/concurrency (sessions).
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "etcdclient/client.h"
#include "etcdclient/renewal.h"

namespace quorate::etcdclient {

class HeldLease {
 public:
  // ttl: at least a second; the server may give more.
  static Result<std::unique_ptr<HeldLease>> Grant(Client& client, std::chrono::seconds ttl);
  ~HeldLease();
  HeldLease(const HeldLease&) = delete;
  HeldLease& operator=(const HeldLease&) = delete;

  LeaseId id() const { return id_; }
  bool lost() const { return lost_; }

 private:
  HeldLease(Client& client, LeaseId id, Renewal renewal);

  void Renew(Renewal renewal);
  // False: the object ends.
  bool Pause(std::chrono::milliseconds time);

  Client& client_;
  const LeaseId id_;
  std::atomic<bool> lost_ = false;
  Mutex mutex_;
  Condition condition_;
  bool ending_ QUORATE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace quorate::etcdclient
