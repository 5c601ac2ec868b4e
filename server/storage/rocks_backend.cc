#include "storage/rocks_backend.h"

#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "storage/rocks_engine.h"

namespace quorate::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSizesEvery = std::uint64_t{1}
                                      << 20;  // bytes committed between two estimates

constexpr std::size_t kReadAheadBytes = std::size_t{256} << 10;

class RocksCursor final : public Cursor {
 public:
  RocksCursor(const RocksEngine& engine, Family family, std::string_view begin,
              std::string_view end, const rocksdb::Snapshot* snapshot)
      : end_(end), upper_(end_) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.fill_cache = false;
    // Who reads all of a family reads on: not every block is worth a call.
    if (begin.empty() && end.empty()) options.readahead_size = kReadAheadBytes;
    if (!end_.empty()) options.iterate_upper_bound = &upper_;
    iterator_.reset(engine.db().NewIterator(options, engine.handle(family)));
    iterator_->Seek({begin.data(), begin.size()});
  }
  bool Valid() const override { return iterator_->Valid(); }
  void Next() override { iterator_->Next(); }
  std::string_view key() const override { return iterator_->key().ToStringView(); }
  std::string_view value() const override { return iterator_->value().ToStringView(); }
  Status status() const override {
    const rocksdb::Status status = iterator_->status();
    if (status.ok()) return {};
    return ToError(status, "read storage");
  }

 private:
  const std::string end_;
  const rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

Result<bool> Read(const RocksEngine& engine, Family family, std::string_view key,
                  const rocksdb::Snapshot* snapshot, std::string* value) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice found;
  const rocksdb::Status status =
      engine.db().Get(options, engine.handle(family), {key.data(), key.size()}, &found);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return ToError(status, "read storage");
  value->assign(found.data(), found.size());
  return true;
}

// A row goes from the active memtable to the full ones and from there into a file, each at once:
// who looks in this order meets every row at least once.
Result<Extent> ReadExtent(const RocksEngine& engine, Family family) {
  using Properties = rocksdb::DB::Properties;
  auto* handle = engine.handle(family);
  const auto number = [&](const std::string& property) {
    std::uint64_t value = 0;
    CHECK(engine.db().GetIntProperty(handle, property, &value));
    return value;
  };
  Extent extent;
  extent.rows = number(Properties::kNumEntriesActiveMemTable);
  extent.rows += number(Properties::kNumEntriesImmMemTables);
  extent.rows_gone = number(Properties::kNumDeletesActiveMemTable);
  extent.rows_gone += number(Properties::kNumDeletesImmMemTables);
  extent.bytes = number(Properties::kCurSizeAllMemTables);
  rocksdb::TablePropertiesCollection files;
  const rocksdb::Status status = engine.db().GetPropertiesOfAllTables(handle, &files);
  if (!status.ok()) return ToError(status, "read storage");
  for (const auto& [name, file] : files) {
    extent.rows += file->num_entries;
    extent.rows_gone += file->num_deletions;
    // Eight bytes of each key are the engine's own.
    extent.bytes += file->raw_key_size - 8 * file->num_entries + file->raw_value_size;
  }
  return extent;
}

class RocksView final : public Reader {
 public:
  explicit RocksView(std::shared_ptr<RocksEngine> engine)
      : engine_(std::move(engine)), snapshot_(engine_->db().GetSnapshot()) {}
  ~RocksView() override { engine_->db().ReleaseSnapshot(snapshot_); }
  RocksView(const RocksView&) = delete;
  RocksView& operator=(const RocksView&) = delete;

  Result<bool> Get(Family family, std::string_view key, std::string* value) const override {
    return Read(*engine_, family, key, snapshot_, value);
  }
  std::unique_ptr<Cursor> Scan(Family family, std::string_view begin,
                               std::string_view end) const override {
    return std::make_unique<RocksCursor>(*engine_, family, begin, end, snapshot_);
  }
  Result<Extent> AtMost(Family family) const override { return ReadExtent(*engine_, family); }

 private:
  const std::shared_ptr<RocksEngine> engine_;
  const rocksdb::Snapshot* const snapshot_;
};

// A store that nobody has open.
class RocksFiles final : public Reader {
 public:
  explicit RocksFiles(std::unique_ptr<RocksEngine> engine) : engine_(std::move(engine)) {}

  Result<bool> Get(Family family, std::string_view key, std::string* value) const override {
    return Read(*engine_, family, key, nullptr, value);
  }
  std::unique_ptr<Cursor> Scan(Family family, std::string_view begin,
                               std::string_view end) const override {
    return std::make_unique<RocksCursor>(*engine_, family, begin, end, nullptr);
  }
  Result<Extent> AtMost(Family family) const override { return ReadExtent(*engine_, family); }

 private:
  const std::unique_ptr<RocksEngine> engine_;
};

class RocksBackend final : public Backend {
 public:
  RocksBackend(std::string path, Options options) : path_(std::move(path)), options_(options) {}

  Status Open();

  Result<bool> Get(Family family, std::string_view key, std::string* value) const override {
    return Read(*engine_, family, key, nullptr, value);
  }
  std::unique_ptr<Cursor> Scan(Family family, std::string_view begin,
                               std::string_view end) const override {
    return std::make_unique<RocksCursor>(*engine_, family, begin, end, nullptr);
  }
  Result<Extent> AtMost(Family family) const override { return ReadExtent(*engine_, family); }
  Status GetMany(Family family, std::span<const std::string> keys,
                 std::vector<std::string>* values) const override;
  Status Commit(const Batch& batch, LogPosition position) override;
  LogPosition position() const override { return position_; }
  LogIndex FlushedIndex() const override { return progress_->flushed_index(); }
  Status Flush(Wait wait) override;
  std::unique_ptr<Reader> NewView() const override { return std::make_unique<RocksView>(engine_); }
  Status Checkpoint(const std::string& path) override;
  Result<std::unique_ptr<Backend>> NewIncoming() override;
  Status Adopt(std::unique_ptr<Backend> incoming) override;
  Sizes sizes() const override {
    return {bytes_total_.load(std::memory_order_relaxed),
            bytes_in_use_.load(std::memory_order_relaxed)};
  }
  Status health() const override { return progress_->health(); }

 private:
  Result<std::uint64_t> ReadNumber(std::string_view row) const;
  Status Fail(Error error);
  Status SwapDirectories();
  void Fill(const Batch& batch, LogPosition position);
  void EstimateSizes();

  const std::string path_;
  const Options options_;
  const std::shared_ptr<FlushProgress> progress_ = std::make_shared<FlushProgress>();
  std::shared_ptr<RocksEngine> engine_;
  rocksdb::WriteBatch write_;
  LogPosition position_;
  bool term_written_ = false;
  std::uint64_t bytes_since_estimate_ = 0;
  std::atomic<std::uint64_t> bytes_total_ = 0;
  std::atomic<std::uint64_t> bytes_in_use_ = 0;
};

Status Moved(const std::error_code& failed, const std::string& what) {
  if (!failed) return {};
  return Error{Code::kInternal, what + ": " + failed.message()};
}

Status SyncParent(const std::string& path) {
  std::unique_ptr<rocksdb::Directory> directory;
  const fs::path parent = fs::path(path).parent_path();
  rocksdb::Status status = rocksdb::Env::Default()->NewDirectory(
      parent.empty() ? std::string(".") : parent.string(), &directory);
  if (status.ok()) status = directory->Fsync();
  if (!status.ok()) return ToError(status, "sync directory of " + path);
  return {};
}

// Moves a complete `path.next` into place; harmless when there is none. What stood there becomes
// `path.old`.
Status FinishAdoption(const std::string& path) {
  std::error_code failed;
  const std::string next = path + ".next";
  if (!fs::exists(next, failed)) return Moved(failed, "look for " + next);
  if (fs::exists(path, failed)) {
    fs::remove_all(path + ".old", failed);  // if that fails, the rename says so
    fs::rename(path, path + ".old", failed);
  }
  TRY(Moved(failed, "rename " + path));
  fs::rename(next, path, failed);
  TRY(Moved(failed, "rename " + next));
  return SyncParent(path);
}

// To delete a large store takes a while; the engine's background threads have it.
void RemoveInBackground(const std::string& path) {
  const auto remove = [](void* argument) {
    const std::unique_ptr<std::string> doomed(static_cast<std::string*>(argument));
    std::error_code failed;  // the next Open tries again
    fs::remove_all(*doomed, failed);
  };
  rocksdb::Env::Default()->Schedule(remove, std::make_unique<std::string>(path).release());
}

Status RocksBackend::Open() {
  TRY(FinishAdoption(path_));
  std::error_code failed;
  if (fs::exists(path_ + ".old", failed)) RemoveInBackground(path_ + ".old");
  engine_ = TRY(RocksEngine::Open(path_, options_, progress_));
  position_.index = LogIndex{TRY(ReadNumber(kConsistentIndex))};
  position_.term = Term{TRY(ReadNumber(kTerm))};
  term_written_ = position_.index.value > 0;
  progress_->set_flushed_index(position_.index);
  EstimateSizes();
  return {};
}

Result<std::uint64_t> RocksBackend::ReadNumber(std::string_view row) const {
  std::string value;
  if (!TRY(Get(Family::kMeta, row, &value))) return std::uint64_t{0};
  if (value.size() != 8) return Error{Code::kDataLoss, "storage row " + std::string(row)};
  return ReadBigEndian64(value);
}

Status RocksBackend::GetMany(Family family, std::span<const std::string> keys,
                             std::vector<std::string>* values) const {
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> found(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  engine_->db().MultiGet(rocksdb::ReadOptions(), engine_->handle(family), keys.size(),
                         slices.data(), found.data(), statuses.data());
  values->resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      return Error{Code::kDataLoss, "storage row " + ToHex(keys[i]) + " is missing"};
    }
    if (!statuses[i].ok()) return ToError(statuses[i], "read storage");
    (*values)[i].assign(found[i].data(), found[i].size());
  }
  return {};
}

Status RocksBackend::Commit(const Batch& batch, LogPosition position) {
  CHECK(position.index >= position_.index);
  TRY(health());
  Fill(batch, position);
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  const rocksdb::Status written = engine_->db().Write(options, &write_);
  if (!written.ok()) return Fail(ToError(written, "write storage"));
  position_ = position;
  progress_->Committed(engine_->db().GetLatestSequenceNumber(), position.index, false);
  bytes_since_estimate_ += batch.bytes();
  if (bytes_since_estimate_ >= kSizesEvery) EstimateSizes();
  return {};
}

void RocksBackend::Fill(const Batch& batch, LogPosition position) {
  write_.Clear();
  for (const Batch::Op& op : batch.ops()) {
    auto* handle = engine_->handle(op.family);
    const std::string_view key = batch.key(op);
    const std::string_view value = batch.value(op);
    const rocksdb::Slice key_slice(key.data(), key.size());
    const rocksdb::Slice value_slice(value.data(), value.size());
    if (op.kind == Batch::Kind::kPut) {
      write_.Put(handle, key_slice, value_slice);
    } else if (op.kind == Batch::Kind::kDelete) {
      write_.Delete(handle, key_slice);
    } else {
      write_.DeleteRange(handle, key_slice, value_slice);
    }
  }
  auto* meta = engine_->handle(Family::kMeta);
  std::string number;
  if (!term_written_ || position.term != position_.term) {
    AppendBigEndian64(number, position.term.value);
    write_.Put(meta, {kTerm.data(), kTerm.size()}, number);
    term_written_ = true;
    number.clear();
  }
  AppendBigEndian64(number, position.index.value);
  write_.Put(meta, {kConsistentIndex.data(), kConsistentIndex.size()}, number);
}

Status RocksBackend::Flush(Wait wait) {
  TRY(health());
  if (position_.index > FlushedIndex()) {
    progress_->Committed(engine_->db().GetLatestSequenceNumber(), position_.index, true);
  }
  rocksdb::FlushOptions options;
  options.wait = wait == Wait::kYes;
  options.allow_write_stall = true;
  const rocksdb::Status flushed = engine_->db().Flush(options, engine_->handles());
  if (!flushed.ok()) return Fail(ToError(flushed, "flush storage"));
  if (wait == Wait::kYes) {
    progress_->Flushed(engine_->db().GetLatestSequenceNumber());
    EstimateSizes();
  }
  return {};
}

Status RocksBackend::Checkpoint(const std::string& path) {
  TRY(Flush(Wait::kYes));
  rocksdb::Checkpoint* raw = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&engine_->db(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  if (status.ok()) status = checkpoint->CreateCheckpoint(path);
  if (status.IsInvalidArgument()) {
    return Error{Code::kAlreadyExists, "checkpoint " + path + ": already exists"};
  }
  if (!status.ok()) return ToError(status, "checkpoint " + path);
  return {};
}

Result<std::unique_ptr<Backend>> RocksBackend::NewIncoming() {
  const std::string path = path_ + ".incoming";
  std::error_code failed;
  fs::remove_all(path, failed);
  TRY(Moved(failed, "remove " + path));
  return OpenRocksBackend(path, options_);
}

Status RocksBackend::Adopt(std::unique_ptr<Backend> incoming) {
  auto* other = dynamic_cast<RocksBackend*>(incoming.get());
  CHECK(other != nullptr && other->path_ == path_ + ".incoming");
  TRY(other->Flush(Wait::kYes));
  CHECK(other->engine_.use_count() == 1);  // no view of it
  CHECK(engine_.use_count() == 1);         // no view of this
  incoming.reset();
  engine_.reset();
  const Status swapped = SwapDirectories();
  if (!swapped.ok()) return Fail(swapped.error());
  const Status opened = Open();
  if (!opened.ok()) return Fail(opened.error());
  return {};
}

Status RocksBackend::SwapDirectories() {
  std::error_code failed;
  fs::rename(path_ + ".incoming", path_ + ".next", failed);  // from here on the new store wins
  TRY(Moved(failed, "rename " + path_ + ".incoming"));
  TRY(SyncParent(path_));
  return FinishAdoption(path_);
}

Status RocksBackend::Fail(Error error) {
  progress_->Failed(error);
  return error;
}

void RocksBackend::EstimateSizes() {
  bytes_since_estimate_ = 0;
  const auto sum = [this](const std::string& property) {
    std::uint64_t total = 0;
    for (const Family family : kFamilies) {
      std::uint64_t value = 0;
      if (family == Family::kIndex) continue;
      engine_->db().GetIntProperty(engine_->handle(family), property, &value);
      total += value;
    }
    return total;
  };
  const std::uint64_t memory = sum(rocksdb::DB::Properties::kCurSizeAllMemTables);
  const std::uint64_t files = sum(rocksdb::DB::Properties::kTotalSstFilesSize);
  const std::uint64_t live = sum(rocksdb::DB::Properties::kEstimateLiveDataSize);
  bytes_total_.store(files + memory, std::memory_order_relaxed);
  bytes_in_use_.store(std::min(live, files) + memory, std::memory_order_relaxed);
}

}  // namespace

Result<std::unique_ptr<Backend>> OpenRocksBackend(const std::string& path, const Options& options) {
  TRY(Validate(options));
  auto backend = std::make_unique<RocksBackend>(path, options);
  TRY(backend->Open());
  return std::unique_ptr<Backend>(std::move(backend));
}

Result<std::unique_ptr<Reader>> OpenRocksReader(const std::string& path) {
  std::error_code failed;
  const std::string next = path + ".next";
  const std::string& shown = fs::exists(next, failed) ? next : path;
  if (!fs::exists(shown, failed)) return Error{Code::kNotFound, "there is no store at " + shown};
  return std::unique_ptr<Reader>(
      std::make_unique<RocksFiles>(TRY(RocksEngine::OpenReadOnly(shown))));
}

}  // namespace quorate::storage
