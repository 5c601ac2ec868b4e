// Place: a place in a queue that a cluster keeps: etcd's mutex and election, byte for byte.
//
// Who queues up holds a key "<name>/<lease in hex>" with that lease. The key created first is at
// the front: it has the lock, or leads. Who ends takes its place along, for its lease ends.
//
//   auto lease = TRY(HeldLease::Grant(client, 10s));
//   auto place = TRY(Place::Take(client, "jobs", lease->id(), "me"));
//   TRY(place.AwaitFront([&] { return Status(); }));
//   ...
//   TRY(place.Leave());
//
// Ownership: borrows the client.
// Thread: one.
// Source: etcd's client/v3/concurrency (Mutex, Election); its own clients queue with ours.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "etcdclient/client.h"

namespace quorate::etcdclient {

class Place {
 public:
  // Asked about five times a second while waiting; an Error ends the waiting and is returned.
  using GoOn = std::function<Status()>;

  // The place that this lease already has is found again.
  static Result<Place> Take(Client& client, const std::string& name, LeaseId lease,
                            std::string value);

  // Until nobody is before us; our key as it is then. kFailedPrecondition: it is gone, its lease
  // ended.
  Result<etcdserverpb::RangeResponse> AwaitFront(const GoOn& go_on);
  // Deletes the key if it is still the one that was put.
  Status Leave();

  const std::string& key() const { return key_; }

 private:
  Place(Client& client, std::string prefix, LeaseId lease);

  // The key right before ours; nullopt: none.
  Result<std::optional<mvccpb::KeyValue>> Before(Revision& now);

  Client* client_;
  std::string prefix_;  // "<name>/"
  std::string key_;
  Revision created_{};
};

// Who is at the front of the queue `name`: calls `leads` with each new front and each new value of
// it. Ends with the first Error of go_on.
Status ObserveFront(Client& client, const std::string& name,
                    const std::function<Status(const etcdserverpb::RangeResponse&)>& leads,
                    const Place::GoOn& go_on);

}  // namespace quorate::etcdclient
