#include "mvcc/key_index.h"

#include "base/check.h"

namespace quorate::mvcc {

KeyIndex::KeyIndex() = default;

KeyIndex::~KeyIndex() {
  // Large entries and histories live on the heap; the rest goes with the arena's chunks.
  tree_.ForEach([this](KeyEntry& entry) { arena_.FreeEntry(&entry); });
}

KeyIndex::Written KeyIndex::Put(std::string_view key, RevisionId id, LeaseId lease) {
  KeyEntry* entry = tree_.FindForInsert(key);
  Written written = AddRecord(&entry, key, id, lease);
  if (entry->version == 0) entry->create_revision = id.main;
  written.version = ++entry->version;
  written.create_revision = entry->create_revision;
  return written;
}

KeyIndex::Written KeyIndex::Restore(std::string_view key, const LatestRecord& record,
                                    LeaseId lease) {
  KeyEntry* entry = tree_.FindForInsert(key);
  Written written = AddRecord(&entry, key, record.id, lease);
  written.version = entry->version = record.version;
  written.create_revision = entry->create_revision = record.create_revision;
  return written;
}

KeyIndex::Written KeyIndex::AddRecord(KeyEntry** entry, std::string_view key, RevisionId id,
                                      LeaseId lease) {
  Written written;
  if (*entry == nullptr) {
    *entry = arena_.NewEntry(key);
    (*entry)->latest = Stamp(id, false);
    tree_.Insert(*entry);
  } else {
    if (!(*entry)->latest.tombstone()) written.previous = (*entry)->latest.id();
    written.previous_lease = TakeLease(**entry);
    Push(**entry, id, false);
  }
  SetLease(**entry, lease);
  return written;
}

KeyIndex::Written KeyIndex::Tombstone(std::string_view key, RevisionId id) {
  KeyEntry* entry = tree_.FindForInsert(key);
  CHECK(entry != nullptr && !entry->latest.tombstone());
  return Bury(*entry, id);
}

KeyIndex::Written KeyIndex::RestoreTombstone(std::string_view key, RevisionId id) {
  KeyEntry* entry = tree_.FindForInsert(key);
  if (entry != nullptr) return Bury(*entry, id);
  // Kept by a compaction at its own revision.
  entry = arena_.NewEntry(key);
  entry->latest = Stamp(id, true);
  tree_.Insert(entry);
  return {};
}

KeyIndex::Written KeyIndex::Bury(KeyEntry& entry, RevisionId id) {
  Written written;
  if (!entry.latest.tombstone()) written.previous = entry.latest.id();
  written.previous_lease = TakeLease(entry);
  Push(entry, id, true);
  entry.version = 0;
  return written;
}

void KeyIndex::Append(const IndexRow& row, Revision compacted) {
  KeyEntry* entry = arena_.NewEntry(row.key);
  entry->latest = row.latest;
  entry->create_revision = row.create_revision;
  entry->version = row.version;
  for (const Stamp stamp : row.history) entry->AddHistory(arena_, stamp);
  const auto ignore = [](RevisionId, bool) {};
  if (compacted > Revision{0} && CompactEntry(*entry, compacted, ignore)) {
    arena_.FreeEntry(entry);
    return;
  }
  tree_.Append(entry);
  SetLease(*entry, row.lease);
}

bool KeyIndex::Knows(std::string_view key, RevisionId id) const {
  const KeyEntry* entry = tree_.Find(key);
  return entry != nullptr && entry->latest.id() >= id;
}

void KeyIndex::Drop(std::string_view key, RevisionId tombstone) {
  KeyEntry* entry = tree_.Find(key);
  if (entry != nullptr && entry->latest.id() <= tombstone) Forget(entry);
}

void KeyIndex::Forget(KeyEntry* entry) {
  TakeLease(*entry);
  tree_.Erase(entry->key());
  arena_.FreeEntry(entry);
}

std::optional<RevisionId> KeyIndex::Find(std::string_view key, Revision at) const {
  const KeyEntry* entry = tree_.Find(key);
  RevisionId id;
  if (entry == nullptr || !FindIn(*entry, at, &id)) return std::nullopt;
  return id;
}

std::optional<RevisionId> KeyIndex::FindKept(std::string_view key, Revision at) const {
  const KeyEntry* entry = tree_.Find(key);
  RevisionId id;
  if (entry == nullptr || !FindIn(*entry, at, &id)) return std::nullopt;
  for (std::size_t i = entry->history_count(); i > 0 && id.main == at; --i) {
    const Stamp stamp = entry->history(i - 1);
    if (stamp.main() < at) break;
    if (stamp.main() == at && stamp.tombstone()) return std::nullopt;
  }
  return id;
}

std::optional<LatestRecord> KeyIndex::Latest(std::string_view key) const {
  const KeyEntry* entry = tree_.Find(key);
  if (entry == nullptr || entry->latest.tombstone()) return std::nullopt;
  return LatestRecord{entry->latest.id(), entry->create_revision, entry->version};
}

KeyTree::Counted KeyIndex::Count(const KeyRange& range, Revision at, std::size_t steps_max) const {
  if (range.single) return {.count = Find(range.begin, at) ? 1 : 0, .next = {}};
  const auto exists = [](const KeyEntry& entry, Revision when) {
    RevisionId id;
    return FindIn(entry, when, &id);
  };
  return tree_.Count(range, at, exists, steps_max);
}

bool KeyIndex::FindIn(const KeyEntry& entry, Revision at, RevisionId* id) {
  Stamp found = entry.latest;
  if (found.main() > at) {
    // The last of the history at or below `at`.
    std::size_t low = 0;
    std::size_t high = entry.history_count();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (entry.history(middle).main() <= at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == 0) return false;
    found = entry.history(low - 1);
  }
  *id = found.id();
  return !found.tombstone();
}

void KeyIndex::Push(KeyEntry& entry, RevisionId id, bool tombstone) {
  CHECK(entry.latest.id() < id);
  const bool was_live = !entry.latest.tombstone();
  entry.AddHistory(arena_, entry.latest);
  entry.latest = Stamp(id, tombstone);
  tree_.Changed(entry, was_live);
}

LeaseId KeyIndex::TakeLease(KeyEntry& entry) {
  if (!entry.leased) return {};
  const auto found = leases_.find(&entry);
  const LeaseId lease = found->second;
  leases_.erase(found);
  entry.leased = false;
  return lease;
}

void KeyIndex::SetLease(KeyEntry& entry, LeaseId lease) {
  if (lease == LeaseId{}) return;
  entry.leased = true;
  leases_.emplace(&entry, lease);
}

}  // namespace quorate::mvcc
