// Store: every key at every revision that was not compacted away.
//
// Reads name a revision and see exactly the state after it. Changes happen in write transactions,
// one at a time; all changes of one share a main revision, and a transaction that changed nothing
// consumes none. Changes go into the turn's batch, which the applier commits; until then the store
// reads them from there.
//
//   mvcc::WriteTxn txn(store);
//   txn.Put("a", "1", LeaseId{});
//   txn.DeleteRange("b", "c");
//   const Revision revision = txn.End();
//
// A long range and a hash run in steps (RangeTask, HashTask): between steps the loop does other
// work, and the store holds compaction back so that what the task reads stays.
//
// Ownership: borrows the parts, which must outlive it.
// Thread: the raft+apply loop.
// Source: knowledge/etcd.md 1.4, 1.9, 7.2, 7.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "mvcc/change_listener.h"
#include "mvcc/index_checkpoint.h"
#include "mvcc/key_index.h"
#include "mvcc/lease_book.h"
#include "mvcc/range.h"
#include "mvcc/record.h"
#include "mvcc/record_cache.h"
#include "mvcc/restore.h"
#include "storage/backend.h"

namespace quorate::mvcc {

class HashTask;
class RangeTask;
class WriteTxn;

class Store {
 public:
  struct Parts {
    storage::Backend* backend;
    storage::Batch* batch;  // the turn's; the applier commits it and then calls Committed()
    LeaseBook* leases;      // already knows every lease; Open binds the keys
  };

  // Reads the index. Errors: kDataLoss for a row of the history that is not one.
  static Result<std::unique_ptr<Store>> Open(const Parts& parts);
  // The same with an index that was read already.
  static std::unique_ptr<Store> Open(const Parts& parts, Restored restored);
  // Takes another content, after the backend adopted one; the lease book has been reloaded.
  // Returns the former index: to let go of a large one takes a while, which need not be here.
  // REQUIRES: idle(), nothing uncommitted; `restored` was read from what the backend holds now.
  std::unique_ptr<KeyIndex> Reload(Restored restored);
  // No task is alive.
  bool idle() const { return readers_.empty(); }
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Hears changes from now on. nullptr: nobody.
  void SetListener(ChangeListener* listener) { listener_ = listener; }

  Revision revision() const { return revision_; }                  // an empty store is at 1
  Revision compact_revision() const { return compact_revision_; }  // -1: never compacted
  std::int64_t key_count() const { return static_cast<std::int64_t>(index_->key_count()); }

  // The whole answer at once. For ranges known to be small, or inside a transaction.
  Result<RangeAnswer> Range(const RangeQuery& query);
  // The same in steps; a query that cannot be answered fails here. The body begins with `head`, so
  // that a large answer need not be copied behind one.
  Result<std::unique_ptr<RangeTask>> StartRange(const RangeQuery& query, std::string head = {});

  // KeyValue bytes of the key's record at `at` (0: the present); nullopt when it does not exist.
  Result<std::optional<std::string>> Get(std::string_view key, Revision at);
  // KeyValue bytes of one change that still exists.
  Status ReadRecord(RevisionId id, std::string* record);
  // What the index alone knows of the key's latest record; nullopt when the key does not live.
  std::optional<LatestRecord> Latest(std::string_view key) const { return index_->Latest(key); }
  // Calls visit(key) for each live key of the range in order, until it returns false.
  template <typename Visit>
  void ForEachKey(std::string_view key, std::string_view range_end, Visit visit) const {
    index_->Scan(key, range_end, revision_,
                 [&](std::string_view found, RevisionId) { return visit(found); });
  }

  // Rows [from, to) of the history in order, for watchers that catch up. Reads only what was
  // committed to the backend; see committed_revision().
  std::unique_ptr<storage::Cursor> History(Revision from, Revision to) const;
  // History() is complete up to here.
  Revision committed_revision() const { return committed_revision_; }

  // From now on nothing below `at` can be read. The space comes back by CompactStep.
  Status Compact(Revision at);
  // Revisions up to here have been removed; lags behind compact_revision() while steps are due.
  Revision finished_compact_revision() const { return finished_compact_revision_; }
  bool compaction_due() const;
  // Looks at up to rows_max rows of the history. Does nothing while a task reads what must go.
  Status CompactStep(std::size_t rows_max);

  // A checkpoint of the index lets a restart read only the history behind it. Due: so much has
  // changed that the next one should be taken now; worthwhile: when there is nothing else to do.
  bool checkpoint_due() const;
  bool checkpoint_worthwhile() const;
  bool checkpointing() const { return walk_.has_value(); }
  // Puts up to keys_max keys of it into the batch, beginning one if none is under way. True: it is
  // complete with this batch.
  bool CheckpointStep(std::size_t keys_max);

  // HashKV at `at` (0: the present), always of the rows as they are: etcd answers for the revision
  // it compacted last with the hash it kept from before that compaction.
  Result<std::unique_ptr<HashTask>> StartHash(Revision at);

  // The batch reached the backend.
  void Committed();
  // Nothing waits for that.
  bool settled() const { return pending_.empty() && !in_txn_; }

 private:
  friend class WriteTxn;
  friend class RangeTask;
  friend class HashTask;

  struct Pending {
    RevisionId id;
    std::size_t op;  // place in the batch
  };
  struct Written {  // a change of the transaction that is being made
    RevisionId id;
    bool deleted;
    std::size_t op;  // place in the batch
    RevisionId previous;
  };

  explicit Store(const Parts& parts) : parts_(parts) {}
  void Take(Restored restored);
  // The revision a read of `wanted` sees when the present is `current`.
  Result<Revision> ReadableAt(Revision wanted, Revision current) const;
  Result<RangeAnswer> RangeAt(const RangeQuery& query, Revision current);
  Result<RangeAnswer> RangeOne(const RangeQuery& query, Revision at, Revision current);
  // KeyValue bytes of a change: in the batch, the cache or *scratch. Valid until the next change.
  Result<std::string_view> View(RevisionId id, std::string* scratch);
  // The same when it needs no engine; nullopt otherwise.
  std::optional<std::string_view> FindInMemory(RevisionId id) const;
  // Calls visit(KeyValue bytes) for each in order, reading what is not in memory at once.
  template <typename Visit>
  Status ViewMany(std::span<const RevisionId> ids, Visit visit);
  void MoveLease(std::string_view key, LeaseId from, LeaseId to);
  bool HeldBack() const;  // a task still reads what compaction would remove
  void CompactKey(std::string_view key);
  void CompactIndexStep(std::size_t keys_max);
  void FinishCompaction();

  const Parts parts_;
  ChangeListener* listener_ = nullptr;
  std::unique_ptr<KeyIndex> index_;
  RecordCache cache_;
  std::vector<Pending> pending_;  // puts in the batch, in revision order
  Revision revision_{1};
  Revision committed_revision_{1};
  Revision compact_revision_{-1};
  Revision finished_compact_revision_{-1};
  std::string compact_from_;  // row name where the next CompactStep begins; empty: the first
  // A compaction was under way when the index was loaded from a checkpoint: rows that name a key to
  // look at may be gone, so every key is looked at.
  bool compact_by_index_ = false;
  std::string compact_key_;                   // where that goes on
  std::optional<CheckpointHead> checkpoint_;  // the newest complete one
  std::optional<CheckpointWalk> walk_;        // the next one, under way
  std::size_t changes_since_checkpoint_ = 0;  // of rows, since its beginning
  std::multiset<Revision> readers_;           // what the living tasks read
  std::vector<Written> writing_;              // of the living WriteTxn
  bool in_txn_ = false;
  std::string scratch_;
};

// WriteTxn: the changes of one transaction. At most one is alive.
class WriteTxn {
 public:
  explicit WriteTxn(Store& store);
  ~WriteTxn();  // REQUIRES: End() was called
  WriteTxn(const WriteTxn&) = delete;
  WriteTxn& operator=(const WriteTxn&) = delete;

  // REQUIRES: the lease is 0 or exists.
  void Put(std::string_view key, std::string_view value, LeaseId lease);
  // Deletes every live key of the range; returns how many.
  std::int64_t DeleteRange(std::string_view key, std::string_view range_end);
  // Sees the changes made so far.
  Result<RangeAnswer> Range(const RangeQuery& query);
  Result<std::optional<std::string>> Get(std::string_view key);

  // The revision a response made now carries: one more than before once something changed.
  Revision revision() const;
  bool changed() const { return !store_.writing_.empty(); }
  // Makes the changes the store's present and tells the listener. Returns revision().
  Revision End();

 private:
  RevisionId NextId() const;
  void Delete(std::string_view key);
  void Tell();

  Store& store_;
  const Revision main_;
  bool ended_ = false;
};

// RangeTask: one range, read in steps at one revision.
class RangeTask {
 public:
  ~RangeTask();
  RangeTask(const RangeTask&) = delete;
  RangeTask& operator=(const RangeTask&) = delete;

  // Looks at up to keys_max keys. True: the answer is complete.
  Result<bool> Step(std::size_t keys_max);
  // REQUIRES: the last Step returned true.
  RangeAnswer Take();

 private:
  friend class Store;
  struct Candidate {  // a row that waits for the order to be known
    RevisionId id;
    std::int64_t number = 0;
    std::string text;
  };
  RangeTask(Store& store, const RangeQuery& query, Revision at, Revision current);
  Status Scan(std::size_t* keys_max);
  bool CountsOnly() const;  // the answer has its rows, or wants none
  Status Look(RevisionId id);
  Status Admit(RevisionId id, const Record& record);
  void Sort();
  Status Emit(std::size_t rows_max);
  Status AppendGathered();
  void ReserveBody();
  Status CheckSize(std::size_t bytes) const;

  Store& store_;
  const std::string key_;
  const std::string range_end_;
  RangeQuery query_;  // its texts point at key_ and range_end_
  const Revision at_;
  bool filtered_ = false;
  bool sorted_ = false;
  bool scanned_ = false;
  bool done_ = false;
  std::string next_;  // the key to go on with
  std::string scratch_;
  std::vector<RevisionId> gathered_;  // rows in order that wait to be read together
  std::vector<Candidate> candidates_;
  std::size_t candidate_bytes_ = 0;  // of their texts
  std::size_t emitted_ = 0;
  RangeAnswer answer_;
};

// HashTask: HashKV, computed in steps over a view of the store.
class HashTask {
 public:
  struct Hash {
    std::uint32_t hash = 0;
    Revision revision;          // the one that was hashed
    Revision compact_revision;  // of the store when the hash began; -1 when never compacted
    Revision current;           // of the store when the hash began
  };

  ~HashTask();
  HashTask(const HashTask&) = delete;
  HashTask& operator=(const HashTask&) = delete;

  // Hashes up to rows_max rows. True: done.
  Result<bool> Step(std::size_t rows_max);
  const Hash& result() const { return hash_; }

 private:
  friend class Store;
  HashTask(Store& store, Revision at);

  Store& store_;
  Hash hash_;
  bool keep_empty_;  // no key lives at the revision
  std::unique_ptr<storage::Reader> view_;
  std::unique_ptr<storage::Cursor> cursor_;
};

}  // namespace quorate::mvcc
