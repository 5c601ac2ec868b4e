// CompactionHashes: HashKV of each compacted revision, as it was just before that compaction.
//
// etcd hashes while it compacts and answers HashKV at the compacted revision with that number ever
// after: what the compaction removed is in it. Members compare these numbers, because every member
// compacts the same revision whatever else it does at the time. Here the hash runs first, in
// steps over a view, and the store removes nothing until it is done.
//
// Invariants: one hash runs at a time; as etcd, none for a compaction that comes before the
// previous one has finished. Ownership: owns the task; borrows the store.
// Thread: the raft+apply loop.
// Source: knowledge/etcd.md 7.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/ids.h"
#include "base/result.h"
#include "mvcc/store.h"

namespace quorate::apply {

class CompactionHashes {
 public:
  static constexpr std::size_t kKept = 10;

  explicit CompactionHashes(mvcc::Store& store) : store_(store) {}

  // Whether a compaction at `at` would get a hash.
  bool Wants(Revision at) const;
  // REQUIRES: Wants(at), everything so far is committed, Compact(at) has not happened.
  Status Begin(Revision at);
  bool running() const { return task_ != nullptr; }
  // Hashes up to rows_max rows.
  Status Step(std::size_t rows_max);
  // Drops what runs: the store is about to be replaced.
  void Abandon() { task_.reset(); }
  void Clear();

  const mvcc::HashTask::Hash* Find(Revision at) const;
  const std::deque<mvcc::HashTask::Hash>& kept() const { return kept_; }  // ascending

 private:
  mvcc::Store& store_;
  std::unique_ptr<mvcc::HashTask> task_;
  std::deque<mvcc::HashTask::Hash> kept_;
};

}  // namespace quorate::apply
