#include "base/check.h"
#include "base/site.h"
#include "mvcc/store.h"

namespace quorate::mvcc {

using storage::Family;

WriteTxn::WriteTxn(Store& store) : store_(store), main_(store.revision_ + 1) {
  CHECK(!store_.in_txn_);
  store_.in_txn_ = true;
  store_.writing_.clear();
}

WriteTxn::~WriteTxn() {
  CHECK(ended_);
}

Revision WriteTxn::revision() const {
  return changed() ? main_ : store_.revision_;
}

RevisionId WriteTxn::NextId() const {
  return {main_, static_cast<std::int64_t>(store_.writing_.size())};
}

void WriteTxn::Put(std::string_view key, std::string_view value, LeaseId lease) {
  CHECK(lease == LeaseId{} || store_.parts_.leases->Exists(lease));
  storage::Batch& batch = *store_.parts_.batch;
  const RevisionId id = NextId();
  const KeyIndex::Written written = store_.index_->Put(key, id, lease);
  const Record record{key, written.create_revision, main_, written.version, value, lease};
  const std::size_t bytes = EncodedSize(record);
  const std::size_t op = batch.ops().size();
  char* place = batch.PutInPlace(Family::kRev, RowName(id, false).text(), bytes);
  EncodeTo(record, place);
  store_.cache_.Add(id, {place, bytes});
  store_.pending_.push_back({id, op});
  store_.writing_.push_back({id, false, op, written.previous});
  ++store_.changes_since_checkpoint_;
  if (QUORATE_PLANTED("mvcc.put_keeps_the_old_lease")) return;
  store_.MoveLease(key, written.previous_lease, lease);
}

std::int64_t WriteTxn::DeleteRange(std::string_view key, std::string_view range_end) {
  std::vector<std::string_view> doomed;  // entries stay where they are while they are marked
  store_.index_->Scan(key, range_end, revision(), [&](std::string_view found, RevisionId) {
    doomed.push_back(found);
    return true;
  });
  for (const std::string_view one : doomed) Delete(one);
  return static_cast<std::int64_t>(doomed.size());
}

void WriteTxn::Delete(std::string_view key) {
  storage::Batch& batch = *store_.parts_.batch;
  const RevisionId id = NextId();
  const KeyIndex::Written written = store_.index_->Tombstone(key, id);
  const Record record{key, {}, {}, 0, {}, {}};
  const std::size_t op = batch.ops().size();
  char* place = batch.PutInPlace(Family::kRev, RowName(id, true).text(), EncodedSize(record));
  EncodeTo(record, place);
  store_.writing_.push_back({id, true, op, written.previous});
  ++store_.changes_since_checkpoint_;
  store_.MoveLease(key, written.previous_lease, {});
}

Result<RangeAnswer> WriteTxn::Range(const RangeQuery& query) {
  return store_.RangeAt(query, revision());
}

Result<std::optional<std::string>> WriteTxn::Get(std::string_view key) {
  const auto id = store_.index_->Find(key, revision());
  if (!id) return std::optional<std::string>();
  return std::optional<std::string>(TRY(store_.View(*id, &store_.scratch_)));
}

Revision WriteTxn::End() {
  CHECK(!ended_);
  ended_ = true;
  store_.in_txn_ = false;
  if (QUORATE_PLANTED("mvcc.nothing_moves_the_revision")) store_.revision_ = main_;
  if (changed()) {
    store_.revision_ = main_;
    if (store_.listener_ != nullptr) Tell();
  }
  return store_.revision_;
}

void WriteTxn::Tell() {
  const storage::Batch& batch = *store_.parts_.batch;
  std::vector<Change> changes;
  std::vector<std::string> deletions;  // KeyValues of deleted keys, with their mod_revision
  changes.reserve(store_.writing_.size());
  deletions.reserve(store_.writing_.size());
  for (const auto& written : store_.writing_) {
    std::string_view bytes = batch.value(batch.ops()[written.op]);
    Record record;
    CHECK(Decode(bytes, &record));
    if (written.deleted) {
      deletions.push_back(Encode({record.key, {}, main_, 0, {}, {}}));
      bytes = deletions.back();
    }
    changes.push_back({written.id, written.deleted, record.key, bytes, written.previous});
  }
  store_.listener_->OnChanges(main_, changes);
}

}  // namespace quorate::mvcc
