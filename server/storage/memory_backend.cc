#include "storage/memory_backend.h"

#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"

namespace quorate::storage {
namespace {

class MemoryCursor final : public Cursor {
 public:
  MemoryCursor(std::shared_ptr<const MemoryMap> map, std::string_view begin, std::string_view end)
      : map_(std::move(map)), at_(map_->lower_bound(begin)) {
    end_ = end.empty() ? map_->end() : map_->lower_bound(end);
    if (!end.empty() && end <= begin) end_ = at_;
  }
  bool Valid() const override { return at_ != end_; }
  void Next() override { ++at_; }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  Status status() const override { return {}; }

 private:
  std::shared_ptr<const MemoryMap> map_;  // keeps a commit from changing the map under the cursor
  MemoryMap::const_iterator at_;
  MemoryMap::const_iterator end_;
};

Result<bool> Find(const MemoryMap& map, std::string_view key, std::string* value) {
  const auto found = map.find(key);
  if (found == map.end()) return false;
  *value = found->second;
  return true;
}

Extent ExtentOf(const MemoryMap& map) {
  Extent extent;
  extent.rows = map.size();
  for (const auto& [key, value] : map) extent.bytes += key.size() + value.size();
  return extent;
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

MemoryBackend::MemoryBackend(std::shared_ptr<MemoryStorage> storage)
    : storage_(std::move(storage)),
      live_(storage_->flushed),
      position_(storage_->position),
      flushed_(storage_->position.index) {
  for (auto& map : live_) {
    if (!map) map = std::make_shared<MemoryMap>();
    std::uint64_t& bytes = &map == &live_[Slot(Family::kIndex)] ? index_bytes_ : bytes_;
    for (const auto& [key, value] : *map) bytes += key.size() + value.size();
  }
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
  for (const Batch::Op& op : batch.ops()) Apply(batch, op);
  MemoryMap& meta = Own(Family::kMeta);
  meta.insert_or_assign(std::string(kConsistentIndex), BigEndian(position.index.value));
  meta.insert_or_assign(std::string(kTerm), BigEndian(position.term.value));
  position_ = position;
  QUORATE_CRASH_SITE("storage.after_commit");
  return {};
}

void MemoryBackend::Apply(const Batch& batch, const Batch::Op& op) {
  MemoryMap& map = Own(op.family);
  const std::string_view key = batch.key(op);
  const std::string_view value = batch.value(op);
  MutexLock lock(mutex_);
  std::uint64_t& bytes = op.family == Family::kIndex ? index_bytes_ : bytes_;
  if (op.kind == Batch::Kind::kPut) {
    // Revisions arrive in key order, so the end is the usual place.
    const auto at = !map.empty() && map.rbegin()->first < key ? map.end() : map.lower_bound(key);
    if (at != map.end() && at->first == key) {
      bytes = bytes - at->second.size() + value.size();
      at->second.assign(value);
    } else {
      map.emplace_hint(at, key, value);
      bytes += key.size() + value.size();
    }
    return;
  }
  auto first = map.lower_bound(key);
  auto last = first;
  if (op.kind == Batch::Kind::kDelete) {
    if (last != map.end() && last->first == key) ++last;
  } else {
    last = map.lower_bound(value);
  }
  for (auto row = first; row != last; ++row) bytes -= row->first.size() + row->second.size();
  map.erase(first, last);
}

MemoryMap& MemoryBackend::Own(Family family) {
  auto& map = live_[Slot(family)];
  if (map.use_count() > 1) map = std::make_shared<MemoryMap>(*map);
  return *map;
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
  {
    MutexLock theirs(other->mutex_);
    MutexLock lock(mutex_);
    bytes_ = other->bytes_;
  }
  return Flush(Wait::kYes);
}

Sizes MemoryBackend::sizes() const {
  MutexLock lock(mutex_);
  return {bytes_, bytes_};
}

}  // namespace quorate::storage
