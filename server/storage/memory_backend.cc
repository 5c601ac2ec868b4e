#include "storage/memory_backend.h"

#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"

namespace quorate::storage {
namespace {

class MemoryCursor final : public Cursor {
 public:
  MemoryCursor(std::shared_ptr<const MemoryRows> rows, std::string_view begin, std::string_view end)
      : rows_(std::move(rows)), at_(rows_->map.lower_bound(begin)) {
    end_ = end.empty() ? rows_->map.end() : rows_->map.lower_bound(end);
    if (!end.empty() && end <= begin) end_ = at_;
  }
  bool Valid() const override { return at_ != end_; }
  void Next() override { ++at_; }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  Status status() const override { return {}; }

 private:
  std::shared_ptr<const MemoryRows> rows_;  // keeps a commit from changing them under the cursor
  decltype(MemoryRows::map)::const_iterator at_;
  decltype(MemoryRows::map)::const_iterator end_;
};

Result<bool> Find(const MemoryRows& rows, std::string_view key, std::string* value) {
  const auto found = rows.map.find(key);
  if (found == rows.map.end()) return false;
  *value = found->second;
  return true;
}

Extent ExtentOf(const MemoryRows& rows) {
  return {.rows = rows.map.size(), .bytes = rows.bytes};
}

class MemoryView final : public Reader {
 public:
  explicit MemoryView(MemoryFamilies families) : families_(std::move(families)) {}
  Result<bool> Get(Family family, std::string_view key, std::string* value) const override {
    return Find(*families_[Slot(family)], key, value);
  }
  std::unique_ptr<Cursor> Scan(Family family, std::string_view begin,
                               std::string_view end) const override {
    return std::make_unique<MemoryCursor>(families_[Slot(family)], begin, end);
  }
  Result<Extent> AtMost(Family family) const override { return ExtentOf(*families_[Slot(family)]); }

 private:
  MemoryFamilies families_;
};

std::string BigEndian(std::uint64_t number) {
  std::string text;
  AppendBigEndian64(text, number);
  return text;
}

}  // namespace

void MemoryRows::Put(std::string_view key, std::string_view value) {
  // Revisions arrive in key order, so the end is the usual place.
  const auto at = !map.empty() && map.rbegin()->first < key ? map.end() : map.lower_bound(key);
  if (at != map.end() && at->first == key) {
    bytes = bytes - at->second.size() + value.size();
    at->second.assign(value);
  } else {
    map.emplace_hint(at, key, value);
    bytes += key.size() + value.size();
  }
}

void MemoryRows::Delete(std::string_view begin, std::string_view end) {
  const auto first = map.lower_bound(begin);
  const auto last = map.lower_bound(end);
  for (auto row = first; row != last; ++row) bytes -= row->first.size() + row->second.size();
  map.erase(first, last);
}

void MemoryRows::Delete(std::string_view key) {
  const auto row = map.find(key);
  if (row == map.end()) return;
  bytes -= row->first.size() + row->second.size();
  map.erase(row);
}

MemoryBackend::MemoryBackend(std::shared_ptr<MemoryStorage> storage)
    : storage_(std::move(storage)),
      live_(storage_->flushed),
      position_(storage_->position),
      flushed_(storage_->position.index) {
  for (auto& rows : live_) {
    if (!rows) rows = std::make_shared<MemoryRows>();
  }
  CountBytes();
}

Result<bool> MemoryBackend::Get(Family family, std::string_view key, std::string* value) const {
  return Find(*live_[Slot(family)], key, value);
}

Status MemoryBackend::GetMany(Family family, std::span<const std::string> keys,
                              std::vector<std::string>* values) const {
  values->resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!TRY(Get(family, keys[i], &(*values)[i]))) {
      return Error{Code::kDataLoss, "storage row " + ToHex(keys[i]) + " is missing"};
    }
  }
  return {};
}

std::unique_ptr<Cursor> MemoryBackend::Scan(Family family, std::string_view begin,
                                            std::string_view end) const {
  return std::make_unique<MemoryCursor>(live_[Slot(family)], begin, end);
}

Result<Extent> MemoryBackend::AtMost(Family family) const {
  return ExtentOf(*live_[Slot(family)]);
}

Status MemoryBackend::Commit(const Batch& batch, LogPosition position) {
  CHECK(position.index >= position_.index);
  QUORATE_CRASH_SITE("storage.before_commit");
  for (const Batch::Op& op : batch.ops()) {
    MemoryRows& rows = Own(op.family);
    const std::string_view key = batch.key(op);
    if (op.kind == Batch::Kind::kPut) rows.Put(key, batch.value(op));
    if (op.kind == Batch::Kind::kDelete) rows.Delete(key);
    if (op.kind == Batch::Kind::kDeleteRange) rows.Delete(key, batch.value(op));
  }
  MemoryRows& meta = Own(Family::kMeta);
  meta.Put(kConsistentIndex, BigEndian(position.index.value));
  meta.Put(kTerm, BigEndian(position.term.value));
  position_ = position;
  CountBytes();
  QUORATE_CRASH_SITE("storage.after_commit");
  return {};
}

MemoryRows& MemoryBackend::Own(Family family) {
  auto& rows = live_[Slot(family)];
  if (rows.use_count() > 1) rows = std::make_shared<MemoryRows>(*rows);
  return *rows;
}

void MemoryBackend::CountBytes() {
  std::uint64_t bytes = 0;
  for (const Family family : kFamilies) {
    if (family != Family::kIndex) bytes += live_[Slot(family)]->bytes;
  }
  MutexLock lock(mutex_);
  bytes_ = bytes;
}

LogIndex MemoryBackend::FlushedIndex() const {
  MutexLock lock(mutex_);
  return flushed_;
}

Status MemoryBackend::Flush(Wait) {
  storage_->flushed = live_;
  storage_->position = position_;
  MutexLock lock(mutex_);
  flushed_ = position_.index;
  return {};
}

std::unique_ptr<Reader> MemoryBackend::NewView() const {
  return std::make_unique<MemoryView>(live_);
}

Status MemoryBackend::Checkpoint(const std::string& path) {
  if (storage_->checkpoints.contains(path)) {
    return Error{Code::kAlreadyExists, "checkpoint " + path + ": already exists"};
  }
  auto copy = std::make_shared<MemoryStorage>();
  copy->flushed = live_;
  copy->position = position_;
  storage_->checkpoints.emplace(path, std::move(copy));
  return {};
}

Result<std::unique_ptr<Backend>> MemoryBackend::NewIncoming() {
  return std::unique_ptr<Backend>(
      std::make_unique<MemoryBackend>(std::make_shared<MemoryStorage>()));
}

Status MemoryBackend::Adopt(std::unique_ptr<Backend> incoming) {
  auto* other = dynamic_cast<MemoryBackend*>(incoming.get());
  CHECK(other != nullptr);
  live_ = other->live_;
  position_ = other->position_;
  CountBytes();
  return Flush(Wait::kYes);
}

Sizes MemoryBackend::sizes() const {
  MutexLock lock(mutex_);
  return {bytes_, bytes_};
}

}  // namespace quorate::storage
