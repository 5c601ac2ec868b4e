#include "mvcc/store.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/fields.h"
#include "mvcc/errors.h"

namespace quorate::mvcc {
namespace {

using storage::Family;

Error Damaged(std::string_view what) {
  return {Code::kDataLoss, "revision store: " + std::string(what)};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const Parts& parts) {
  return Open(parts, TRY(Restore(*parts.backend)));
}

std::unique_ptr<Store> Store::Open(const Parts& parts, Restored restored) {
  std::unique_ptr<Store> store(new Store(parts));
  store->Take(std::move(restored));
  return store;
}

std::unique_ptr<KeyIndex> Store::Reload(Restored restored) {
  CHECK(idle() && pending_.empty() && !in_txn_);
  std::unique_ptr<KeyIndex> former = std::move(index_);
  cache_ = RecordCache();
  Take(std::move(restored));
  return former;
}

Store::~Store() {
  CHECK(readers_.empty());
}

void Store::Take(Restored restored) {
  index_ = std::move(restored.index);
  index_->BindLeases([this](LeaseId lease, std::string_view key) {
    if (!parts_.leases->Exists(lease)) return false;
    parts_.leases->Attach(lease, key);
    return true;
  });
  revision_ = restored.revision;
  committed_revision_ = revision_;
  compact_revision_ = restored.compact_revision;
  finished_compact_revision_ = restored.finished_compact_revision;
  compact_from_.clear();
  if (finished_compact_revision_ > Revision{0}) {
    compact_from_ = RowName({finished_compact_revision_, 0}, false).text();
  }
  checkpoint_ = restored.checkpoint;
  walk_.reset();
  changes_since_checkpoint_ = restored.rows;
  compact_by_index_ = checkpoint_ && finished_compact_revision_ < compact_revision_;
  compact_key_.clear();
}

void Store::MoveLease(std::string_view key, LeaseId from, LeaseId to) {
  if (from == to) return;
  if (from != LeaseId{}) parts_.leases->Detach(from, key);
  if (to != LeaseId{}) parts_.leases->Attach(to, key);
}

Result<Revision> Store::ReadableAt(Revision wanted, Revision current) const {
  if (wanted > current) return FutureRevision();
  if (wanted <= Revision{0}) return current;
  if (wanted < compact_revision_) return Compacted();
  return wanted;
}

Result<RangeAnswer> Store::Range(const RangeQuery& query) {
  return RangeAt(query, revision_);
}

Result<RangeAnswer> Store::RangeAt(const RangeQuery& query, Revision current) {
  const Revision at = TRY(ReadableAt(query.revision, current));
  if (query.range_end.empty()) return RangeOne(query, at, current);
  RangeTask task(*this, query, at, current);
  while (!TRY(task.Step(SIZE_MAX))) {
  }
  return task.Take();
}

Result<RangeAnswer> Store::RangeOne(const RangeQuery& query, Revision at, Revision current) {
  RangeAnswer answer;
  answer.revision = current;
  const auto id = index_->Find(query.key, at);
  if (!id) return answer;
  answer.count = 1;
  if (!query.count_only) {
    const std::string_view record = TRY(View(*id, &scratch_));
    TRY(AppendTo(query, record, &answer));
  }
  fields::AppendUnlessZero(answer.body, 4, answer.count);
  return answer;
}

Result<std::unique_ptr<RangeTask>> Store::StartRange(const RangeQuery& query, std::string head) {
  const Revision at = TRY(ReadableAt(query.revision, revision_));
  std::unique_ptr<RangeTask> task(new RangeTask(*this, query, at, revision_));
  task->answer_.body = std::move(head);
  return task;
}

Result<std::optional<std::string>> Store::Get(std::string_view key, Revision at) {
  const auto id = index_->Find(key, TRY(ReadableAt(at, revision_)));
  if (!id) return std::optional<std::string>();
  return std::optional<std::string>(TRY(View(*id, &scratch_)));
}

Status Store::ReadRecord(RevisionId id, std::string* record) {
  record->assign(TRY(View(id, &scratch_)));
  return {};
}

Result<std::string_view> Store::View(RevisionId id, std::string* scratch) {
  if (const auto known = FindInMemory(id)) return *known;
  const RowName name(id, false);
  if (!TRY(parts_.backend->Get(Family::kRev, name.text(), scratch))) {
    return Damaged("row " + ToHex(name.text()) + " is missing");
  }
  cache_.Add(id, *scratch);
  return std::string_view(*scratch);
}

std::optional<std::string_view> Store::FindInMemory(RevisionId id) const {
  if (const std::string* cached = cache_.Find(id)) return std::string_view(*cached);
  if (pending_.empty() || id < pending_.front().id) return std::nullopt;
  const auto found = std::lower_bound(pending_.begin(), pending_.end(), id,
                                      [](const Pending& a, RevisionId b) { return a.id < b; });
  if (found == pending_.end() || found->id != id) return std::nullopt;
  return parts_.batch->value(parts_.batch->ops()[found->op]);
}

std::unique_ptr<storage::Cursor> Store::History(Revision from, Revision to) const {
  return parts_.backend->Scan(Family::kRev, RowName({from, 0}, false).text(),
                              RowName({to, 0}, false).text());
}

void Store::Committed() {
  pending_.clear();
  committed_revision_ = revision_;
}

}  // namespace quorate::mvcc
