// KeyIndex: for every key, the revisions at which it changed. PURE.
//
// The usual key has one live revision, which is kept inline in its entry; older revisions that are
// not compacted yet, and only those, sit in a side list. Entries live in an arena and are ordered
// by a B+tree (key_tree.h). Revisions must arrive in order.
//
// Invariants: an entry has at least one revision; a key whose newest revision is a tombstone is
//   there until compaction passes the tombstone.
// Thread: one.
// Source: etcd mvcc/index.go, key_index.go (behaviour); knowledge/performance.md 3.7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "mvcc/entry_arena.h"
#include "mvcc/key_tree.h"
#include "mvcc/revision_id.h"

namespace quorate::mvcc {

struct LatestRecord {
  RevisionId id;
  Revision create_revision;
  std::int64_t version = 0;
};

// IndexRow: everything the index knows of one key.
struct IndexRow {
  std::string_view key;
  Stamp latest;
  Revision create_revision;  // of the latest life
  std::int64_t version = 0;  // 0: the latest is a tombstone
  LeaseId lease;
  std::span<const Stamp> history;  // before the latest, oldest first
};

class KeyIndex {
 public:
  // Written: what a put made of the key.
  struct Written {
    Revision create_revision;
    std::int64_t version = 0;
    RevisionId previous;     // the live record it replaced; main 0: none
    LeaseId previous_lease;  // that held the replaced record; 0: none
  };

  KeyIndex();
  ~KeyIndex();
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;

  // REQUIRES: id is newer than every revision of the key.
  Written Put(std::string_view key, RevisionId id, LeaseId lease);
  // Marks the key deleted. REQUIRES: it lives, and id is newer than its revisions.
  Written Tombstone(std::string_view key, RevisionId id);
  // What a stored row says, at restart. REQUIRES: rows come in revision order.
  Written Restore(std::string_view key, const LatestRecord& record, LeaseId lease);
  Written RestoreTombstone(std::string_view key, RevisionId id);

  // Adds what an index like this one knew of a key, without what is dead at `compacted` (main 0 or
  // less: all). REQUIRES: keys come in ascending order, before anything else; FinishAppends() ends
  // it.
  void Append(const IndexRow& row, Revision compacted);
  void FinishAppends() { tree_.FinishAppends(); }
  // Calls visit(IndexRow) for each key from `from` on, in order, until it returns false.
  template <typename Visit>
  void VisitRows(std::string_view from, Visit visit) const;
  // The index has seen this change of the key, or a later one.
  bool Knows(std::string_view key, RevisionId id) const;
  // Forgets a key that was deleted by `tombstone`, unless it has changed since.
  void Drop(std::string_view key, RevisionId tombstone);
  // Calls keep(lease, key) for each leased key; false: the key is not leased any more.
  template <typename Keep>
  void BindLeases(Keep keep);

  // The revision of the key's record at main revision `at`; nullopt when it does not exist there.
  std::optional<RevisionId> Find(std::string_view key, Revision at) const;
  std::optional<LatestRecord> Latest(std::string_view key) const;
  // As Find, but with etcd's eyes when it hashes: a key that was deleted in the very revision `at`
  // does not count, even if the same transaction has put it again.
  std::optional<RevisionId> FindKept(std::string_view key, Revision at) const;

  // Calls visit(key, id) for each key of etcd's range that exists at `at`, in order, until it
  // returns false.
  template <typename Visit>
  void Scan(std::string_view key, std::string_view range_end, Revision at, Visit visit) const;

  // How many keys of the range exist at `at`. Stops early after about steps_max steps.
  KeyTree::Counted Count(const KeyRange& range, Revision at, std::size_t steps_max) const;

  // Forgets what is dead at `at`: revisions at or below it other than the newest, and that one too
  // if it is a tombstone below `at`. Calls dead(id, tombstone) for each.
  template <typename Dead>
  void Compact(std::string_view key, Revision at, Dead dead);

  std::size_t key_count() const { return tree_.size(); }  // tombstones included
  std::size_t memory_bytes() const { return arena_.memory_bytes(); }

 private:
  static bool FindIn(const KeyEntry& entry, Revision at, RevisionId* id);
  // Gives the key (whose entry FindForInsert named, null: new) a live latest record.
  Written AddRecord(KeyEntry** entry, std::string_view key, RevisionId id, LeaseId lease);
  Written Bury(KeyEntry& entry, RevisionId id);
  // REQUIRES: the entry was just found by FindForInsert.
  void Push(KeyEntry& entry, RevisionId id, bool tombstone);  // the inline revision moves aside
  LeaseId TakeLease(KeyEntry& entry);
  void SetLease(KeyEntry& entry, LeaseId lease);
  void Forget(KeyEntry* entry);
  // Takes the revisions of the entry that are dead at `at` out of it; true: nothing is left.
  template <typename Dead>
  bool CompactEntry(KeyEntry& entry, Revision at, Dead dead);

  EntryArena arena_;
  KeyTree tree_;
  std::unordered_map<const KeyEntry*, LeaseId> leases_;  // of the entries that are leased
};

template <typename Visit>
void KeyIndex::Scan(std::string_view key, std::string_view range_end, Revision at,
                    Visit visit) const {
  if (range_end.empty()) {
    if (const auto id = Find(key, at)) visit(key, *id);
    return;
  }
  const bool unbounded = range_end.size() == 1 && range_end[0] == '\0';
  RevisionId id;
  for (auto cursor = tree_.LowerBound(key); cursor.Valid(); cursor.Next()) {
    const KeyEntry& entry = cursor.entry();
    if (!unbounded && entry.key() >= range_end) return;
    if (FindIn(entry, at, &id) && !visit(entry.key(), id)) return;
  }
}

template <typename Visit>
void KeyIndex::VisitRows(std::string_view from, Visit visit) const {
  for (auto cursor = tree_.LowerBound(from); cursor.Valid(); cursor.Next()) {
    const KeyEntry& entry = cursor.entry();
    IndexRow row{entry.key(), entry.latest, entry.create_revision, entry.version, {}, {}};
    if (entry.leased) row.lease = leases_.at(&entry);
    if (entry.older != nullptr) row.history = {entry.older->stamps(), entry.older->count};
    if (!visit(row)) return;
  }
}

template <typename Keep>
void KeyIndex::BindLeases(Keep keep) {
  for (auto leased = leases_.begin(); leased != leases_.end();) {
    if (keep(leased->second, leased->first->key())) {
      ++leased;
      continue;
    }
    tree_.Find(leased->first->key())->leased = false;
    leased = leases_.erase(leased);
  }
}

template <typename Dead>
void KeyIndex::Compact(std::string_view key, Revision at, Dead dead) {
  KeyEntry* entry = tree_.Find(key);
  if (entry == nullptr || !CompactEntry(*entry, at, dead)) return;
  Forget(entry);
}

template <typename Dead>
bool KeyIndex::CompactEntry(KeyEntry& entry, Revision at, Dead dead) {
  // Revisions oldest first: history[0..n), then the inline one. `keep` is the newest at or below.
  const std::size_t count = entry.history_count();
  std::size_t newer = 0;  // how many of the history are at or below `at`
  while (newer < count && entry.history(newer).main() <= at) ++newer;
  const bool inline_old = entry.latest.main() <= at;
  if (newer == 0 && !inline_old) return false;
  const Stamp keep = inline_old ? entry.latest : entry.history(newer - 1);
  const bool keep_dead = keep.tombstone() && keep.main() < at;
  std::size_t drop = inline_old ? newer : newer - 1;
  if (keep_dead && !inline_old) ++drop;
  for (std::size_t i = 0; i < drop; ++i) {
    dead(entry.history(i).id(), entry.history(i).tombstone());
  }
  entry.DropHistory(arena_, drop);
  if (!inline_old || !keep_dead) return false;
  dead(entry.latest.id(), true);
  return true;
}

}  // namespace quorate::mvcc
