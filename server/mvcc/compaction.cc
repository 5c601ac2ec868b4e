// Compaction and hashing: the work of Store that walks the history in steps.
#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/site.h"
#include "mvcc/errors.h"
#include "mvcc/store.h"

namespace quorate::mvcc {

using storage::Family;

namespace {

// Reading so many rows at a restart takes a tenth of a second; a walk over a small index less.
constexpr std::size_t kCheckpointChanges = 100000;
constexpr std::size_t kCheckpointChangesIdle = 2000;

}  // namespace

Status Store::Compact(Revision at) {
  if (at <= compact_revision_) return Compacted();
  if (!QUORATE_PLANTED("mvcc.compacts_the_future")) {
    if (at > revision_) return FutureRevision();
  }
  // Rows of the former revision may hold tombstones that it kept and this one does not.
  if (finished_compact_revision_ < compact_revision_) {
    compact_from_ =
        std::min(compact_from_, std::string(RowName({compact_revision_, 0}, false).text()));
    compact_key_.clear();
  }
  compact_revision_ = at;
  if (QUORATE_PLANTED("mvcc.compaction_not_remembered")) return {};
  parts_.batch->Put(Family::kMeta, storage::kScheduledCompact, RowName({at, 0}, false).text());
  return {};
}

bool Store::compaction_due() const {
  return finished_compact_revision_ < compact_revision_ && !HeldBack();
}

bool Store::HeldBack() const {
  if (QUORATE_PLANTED("mvcc.compaction_under_a_reader")) return false;
  return !readers_.empty() && *readers_.begin() < compact_revision_;
}

// A key has something dead at C only if it changed after the previous compaction P, or is a
// tombstone at P: so the rows of [P, C] name every key to look at, and nothing older is read.
Status Store::CompactStep(std::size_t rows_max) {
  if (!compaction_due()) return {};
  CHECK(pending_.empty() && !in_txn_);
  if (compact_by_index_) {
    CompactIndexStep(rows_max);
    return {};
  }
  const RowName end({compact_revision_ + 1, 0}, false);
  const auto cursor = parts_.backend->Scan(Family::kRev, compact_from_, end.text());
  for (; cursor->Valid() && rows_max > 0; cursor->Next(), --rows_max) {
    Record record;
    if (!Decode(cursor->value(), &record)) {
      return Error{Code::kDataLoss, "revision store: row " + ToHex(cursor->key())};
    }
    CompactKey(record.key);
  }
  TRY(cursor->status());
  if (cursor->Valid()) {
    compact_from_.assign(cursor->key());
    return {};
  }
  FinishCompaction();
  return {};
}

void Store::CompactKey(std::string_view key) {
  storage::Batch& batch = *parts_.batch;
  Revision at = compact_revision_;
  if (QUORATE_PLANTED("mvcc.tombstone_lost_in_compaction")) at = at + 1;
  index_->Compact(key, at, [&](RevisionId id, bool tombstone) {
    batch.Delete(Family::kRev, RowName(id, tombstone).text());
    const bool unknown =
        (checkpoint_ && id.main > checkpoint_->begin) || (walk_ && id.main > walk_->head().begin);
    if (tombstone && unknown) NoteDropped(id, key, &batch);
  });
}

void Store::CompactIndexStep(std::size_t keys_max) {
  std::vector<std::string> keys;
  bool more = false;
  index_->VisitRows(compact_key_, [&](const IndexRow& row) {
    more = keys_max == 0;
    if (more) {
      compact_key_.assign(row.key);
      return false;
    }
    --keys_max;
    if (row.latest.tombstone() || !row.history.empty()) keys.emplace_back(row.key);
    return true;
  });
  for (const std::string& key : keys) CompactKey(key);
  if (more) return;
  compact_by_index_ = false;
  FinishCompaction();
}

void Store::FinishCompaction() {
  QUORATE_CRASH_SITE("mvcc.before_finished_compaction");
  finished_compact_revision_ = compact_revision_;
  const RowName finished({compact_revision_, 0}, false);
  compact_from_.assign(finished.text());
  parts_.batch->Put(Family::kMeta, storage::kFinishedCompact, finished.text());
}

bool Store::checkpoint_due() const {
  return changes_since_checkpoint_ > std::max(kCheckpointChanges, index_->key_count() / 2);
}

bool Store::checkpoint_worthwhile() const {
  return changes_since_checkpoint_ > std::max(kCheckpointChangesIdle, index_->key_count() / 32);
}

bool Store::CheckpointStep(std::size_t keys_max) {
  CHECK(pending_.empty() && !in_txn_);
  if (!walk_) {
    walk_.emplace(checkpoint_, revision_);
    changes_since_checkpoint_ = 0;
  }
  if (!walk_->Step(*index_, keys_max, parts_.batch)) return false;
  checkpoint_ = walk_->head();
  walk_.reset();
  return true;
}

Result<std::unique_ptr<HashTask>> Store::StartHash(Revision at) {
  if (at > Revision{0} && at < compact_revision_) return Compacted();
  if (at > revision_) return FutureRevision();
  return std::unique_ptr<HashTask>(new HashTask(*this, at > Revision{0} ? at : revision_));
}

HashTask::HashTask(Store& store, Revision at) : store_(store), keep_empty_(true) {
  CHECK(store_.pending_.empty() && !store_.in_txn_);
  hash_ = {Crc32c(0, AsBytes("key")), at, store_.compact_revision_, store_.revision_};
  store_.index_->Scan("", std::string_view("\0", 1), at, [&](std::string_view key, RevisionId) {
    keep_empty_ = !store_.index_->FindKept(key, at);
    return keep_empty_;
  });
  view_ = store_.parts_.backend->NewView();
  cursor_ = view_->Scan(Family::kRev, "", RowName({at + 1, 0}, false).text());
  store_.readers_.insert(at);
}

HashTask::~HashTask() {
  store_.readers_.erase(store_.readers_.find(hash_.revision));
}

Result<bool> HashTask::Step(std::size_t rows_max) {
  for (; cursor_->Valid() && rows_max > 0; cursor_->Next(), --rows_max) {
    const auto row = DecodeRowName(cursor_->key());
    Record record;
    if (!row || !Decode(cursor_->value(), &record)) {
      return Error{Code::kDataLoss, "revision store: row " + ToHex(cursor_->key())};
    }
    if (QUORATE_PLANTED("mvcc.hash_counts_what_goes")) keep_empty_ = true;
    // What compaction removes, or has removed already, must not count: of the compacted rows only
    // those that are still the newest of a living key at the hashed revision.
    if (row->id.main <= hash_.compact_revision && !keep_empty_) {
      const auto newest = store_.index_->FindKept(record.key, hash_.revision);
      if (!newest || *newest != row->id) continue;
    }
    if (row->id.main == hash_.compact_revision && row->tombstone) continue;
    hash_.hash = Crc32c(Crc32c(hash_.hash, AsBytes(cursor_->key())), AsBytes(cursor_->value()));
  }
  TRY(cursor_->status());
  return !cursor_->Valid();
}

}  // namespace quorate::mvcc
