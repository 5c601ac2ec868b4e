// Compaction and hashing: the work of Store that walks the history in steps.
#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/site.h"
#include "mvcc/errors.h"
#include "mvcc/store.h"

namespace quorate::mvcc {

using storage::Family;

Status Store::Compact(Revision at) {
  if (at <= compact_revision_) return Compacted();
  if (!QUORATE_PLANTED("mvcc.compacts_the_future")) {
    if (at > revision_) return FutureRevision();
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
  storage::Batch& batch = *parts_.batch;
  const RowName end({compact_revision_ + 1, 0}, false);
  const auto cursor = parts_.backend->Scan(Family::kRev, compact_from_, end.text());
  for (; cursor->Valid() && rows_max > 0; cursor->Next(), --rows_max) {
    Record record;
    if (!Decode(cursor->value(), &record)) {
      return Error{Code::kDataLoss, "revision store: row " + ToHex(cursor->key())};
    }
    Revision at = compact_revision_;
    if (QUORATE_PLANTED("mvcc.tombstone_lost_in_compaction")) at = at + 1;
    index_->Compact(record.key, at, [&](RevisionId id, bool tombstone) {
      batch.Delete(Family::kRev, RowName(id, tombstone).text());
    });
  }
  TRY(cursor->status());
  if (cursor->Valid()) {
    compact_from_.assign(cursor->key());
    return {};
  }
  QUORATE_CRASH_SITE("mvcc.before_finished_compaction");
  finished_compact_revision_ = compact_revision_;
  const RowName finished({compact_revision_, 0}, false);
  compact_from_.assign(finished.text());
  batch.Put(Family::kMeta, storage::kFinishedCompact, finished.text());
  return {};
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
