// Model: etcd's key space, as simply as it can be written: every version of every key is kept.
//
// The truth that responses are compared with. It executes puts, deletes, ranges and transactions as
// the documentation of the API says and counts revisions as it says: one for each request that
// changes something. Changes can be taken back, for a search that guessed wrong.
//
// Invariants: events of one revision are in the order in which the request made them.
// Thread: one.
// Source: knowledge/etcd.md chapter 1; nothing of the server's rooms is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rpc.pb.h"

namespace quorate::check {

// The key range of a request: {key} for an empty end, everything from key for a zero byte.
bool InRange(std::string_view key, std::string_view begin, std::string_view end);

class Model {
 public:
  Model() = default;
  Model(Model&&) = default;  // changes point at keys, which move along
  Model& operator=(Model&&) = default;

  // Of the last change; 1 is the empty store.
  std::int64_t revision() const { return revision_; }

  // Executes on the current state. The revision moves on by one when anything was changed.
  // Headers of the answer are empty.
  etcdserverpb::ResponseOp Apply(const etcdserverpb::RequestOp& request);
  // Deletes what is attached, in one revision. False when nothing is: no revision then.
  bool EndLease(std::int64_t lease);
  // A revision about whose change nothing is known.
  void SkipRevision() { ++revision_; }
  // Takes back every change after `revision`.
  void RollBackTo(std::int64_t revision);

  // What the change at `revision` tells watchers, with prev_kv. Empty for one that was skipped.
  std::vector<mvccpb::Event> EventsAt(std::int64_t revision) const;
  // The revisions after `revision` that changed a key of this range, ascending.
  std::vector<std::int64_t> ChangesAfter(std::int64_t revision, std::string_view key,
                                         std::string_view range_end) const;

  const std::map<std::int64_t, std::set<std::string>>& attached() const { return attached_; }
  // The keys attached to a lease after `revision`; looks at every key.
  std::set<std::string> KeysOfLease(std::int64_t lease, std::int64_t revision) const;

 private:
  struct Version {
    std::int64_t mod = 0;
    std::int64_t create = 0;
    std::int64_t version = 0;  // 0: deleted
    std::int64_t lease = 0;
    std::string value;
  };
  using Keys = std::map<std::string, std::vector<Version>, std::less<>>;
  struct Change {
    std::int64_t revision;
    Keys::value_type* key;
  };
  struct Path;  // which branch each transaction of a request takes

  static const Version* At(const std::vector<Version>& versions, std::int64_t revision);
  static mvccpb::KeyValue ToKeyValue(const std::string& key, const Version& version);
  std::vector<mvccpb::KeyValue> Live(std::string_view key, std::string_view end,
                                     std::int64_t revision) const;
  bool Holds(const etcdserverpb::Compare& compare) const;
  void DecidePath(const etcdserverpb::TxnRequest& txn, Path& path) const;

  void Execute(const etcdserverpb::RequestOp& request, Path& path,
               etcdserverpb::ResponseOp& response);
  void Range(const etcdserverpb::RangeRequest& request,
             etcdserverpb::RangeResponse& response) const;
  void Put(const etcdserverpb::PutRequest& request, etcdserverpb::PutResponse& response);
  void Delete(const etcdserverpb::DeleteRangeRequest& request,
              etcdserverpb::DeleteRangeResponse& response);
  void Push(Keys::value_type& key, Version version);
  void Attach(const std::string& key, const std::vector<Version>& versions, bool attach);

  std::int64_t revision_ = 1;
  bool changed_ = false;  // by the request that is being executed
  Keys keys_;             // a key that was taken back altogether stays, without versions
  std::vector<Change> changes_;
  std::map<std::int64_t, std::set<std::string>> attached_;  // no empty sets
};

}  // namespace quorate::check
