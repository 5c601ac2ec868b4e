#include "mvcc/key_index.h"

#include "base/check.h"

namespace quorate::mvcc {

KeyIndex::KeyIndex() = default;

KeyIndex::~KeyIndex() {
  // Large entries and histories live on the heap; the rest goes with the arena's chunks.
  tree_.ForEach([this](KeyEntry& entry) { arena_.FreeEntry(&entry); });
}

KeyIndex::Written KeyIndex::Put(std::string_view key, RevisionId id, LeaseId lease) {
  Written written;
  KeyEntry* entry = tree_.FindForInsert(key);
  if (entry == nullptr) {
    entry = arena_.NewEntry(key);
    entry->latest = Stamp(id, false);
    entry->create_revision = id.main;
    tree_.Insert(entry);
  } else {
    if (!entry->latest.tombstone()) written.previous = entry->latest.id();
    written.previous_lease = TakeLease(*entry);
    Push(*entry, id, false);
    if (entry->version == 0) entry->create_revision = id.main;
  }
  ++entry->version;
  SetLease(*entry, lease);
  written.create_revision = entry->create_revision;
  written.version = entry->version;
  return written;
}

KeyIndex::Written KeyIndex::Tombstone(std::string_view key, RevisionId id) {
  KeyEntry* entry = tree_.Find(key);
  CHECK(entry != nullptr && !entry->latest.tombstone());
  Written written;
  written.previous = entry->latest.id();
  written.previous_lease = TakeLease(*entry);
  Push(*entry, id, true);
  entry->version = 0;
  return written;
}

KeyIndex::Written KeyIndex::Restore(std::string_view key, const LatestRecord& record,
                                    LeaseId lease) {
  const Written written = Put(key, record.id, lease);
  KeyEntry* entry = tree_.Find(key);
  entry->create_revision = record.create_revision;
  entry->version = record.version;
  return written;
}

KeyIndex::Written KeyIndex::RestoreTombstone(std::string_view key, RevisionId id) {
  KeyEntry* entry = tree_.FindForInsert(key);
  if (entry == nullptr) {  // a tombstone kept by a compaction at its own revision
    entry = arena_.NewEntry(key);
    entry->latest = Stamp(id, true);
    tree_.Insert(entry);
    return {};
  }
  if (!entry->latest.tombstone()) return Tombstone(key, id);
  Push(*entry, id, true);
  return {};
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
  entry.AddHistory(arena_, entry.latest);
  entry.latest = Stamp(id, tombstone);
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
