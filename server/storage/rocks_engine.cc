#include "storage/rocks_engine.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace quorate::storage {
namespace {

// RocksDB insists on a family called "default"; kMeta lives there.
constexpr std::array<const char*, kFamilyCount> kNames = {"rev",   "default", "lease", "auth",
                                                          "alarm", "member",  "index"};
// A file is compacted soon where so many rows in a row are a quarter deletions.
constexpr std::size_t kDeletionWindow = 4096;
constexpr std::uint64_t kMarkEvery = 1024;  // log indexes between two marks

class Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(std::shared_ptr<FlushProgress> progress) : progress_(std::move(progress)) {}

  // Every commit writes kMeta last, so this family's newest flushed sequence is where a whole
  // commit ended; the atomic flush has put the other families there too before it tells us.
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override {
    if (info.cf_name == kNames[Slot(Family::kMeta)]) progress_->Flushed(info.largest_seqno);
  }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    progress_->Failed(ToError(*status, "storage background work"));
  }
  // The first error is the last: the process ends and replays its log. Nothing is tried again.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* recover) override {
    *recover = false;
  }

 private:
  const std::shared_ptr<FlushProgress> progress_;
};

// A log that keeps nothing: who only looks has nothing to tell.
class Silent final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// What the engine warns of, in our own log. A file beside the data would be written to after the
// disk was full, and the engine's own checks end the process for that.
class Spoken final : public rocksdb::Logger {
 public:
  Spoken() : rocksdb::Logger(rocksdb::WARN_LEVEL) {}
  void Logv(const char*, va_list) override {}  // headers, without a level
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level == rocksdb::HEADER_LEVEL) return;
    char text[1024];
    std::vsnprintf(text, sizeof text, format, arguments);
    std::string_view line = text;
    while (line.ends_with('\n')) line.remove_suffix(1);
    log::Warn("storage engine", {{"says", line}});
  }
};

rocksdb::CompressionType Best(std::initializer_list<rocksdb::CompressionType> wanted) {
  const auto supported = rocksdb::GetSupportedCompressions();
  for (const auto type : wanted) {
    if (std::find(supported.begin(), supported.end(), type) != supported.end()) return type;
  }
  return rocksdb::kNoCompression;
}

rocksdb::DBOptions DatabaseOptions(const Options& options,
                                   std::shared_ptr<FlushProgress> progress) {
  rocksdb::DBOptions database;
  database.create_if_missing = true;
  database.create_missing_column_families = true;
  database.atomic_flush = true;
  database.avoid_flush_during_shutdown =
      true;  // closing is not a commit: Flush() decides what is durable
  database.paranoid_checks = true;
  database.max_background_jobs = options.background_jobs_max;
  database.allow_concurrent_memtable_write = false;  // one writer
  database.enable_write_thread_adaptive_yield = false;
  database.skip_stats_update_on_db_open = true;
  database.max_open_files = 512;
  // What a flush or a compaction has under way to the disk stays small: the log's sync queues
  // behind.
  database.bytes_per_sync = 256 << 10;
  database.strict_bytes_per_sync = true;
  database.avoid_unnecessary_blocking_io = true;  // files are deleted by the background threads
  database.max_bgerror_resume_count = 0;
  database.info_log = std::make_shared<Spoken>();
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;
  database.listeners.push_back(std::make_shared<Listener>(std::move(progress)));
  return database;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const Options& options,
                                           std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.block_size = 8 << 10;
  table.format_version = 5;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // The same for all: an atomic flush empties every family, so the first full one decides for all.
  family.write_buffer_size = options.write_buffer_bytes;
  family.arena_block_size = 64 << 10;
  family.max_write_buffer_number = options.write_buffers_max;
  // A commit must not wait for a compaction: reads seldom come here, so many young files are
  // bearable, and a flush that waits for the disk only uses memory, up to the bound above.
  family.level0_slowdown_writes_trigger = 100;
  family.level0_stop_writes_trigger = 200;
  // Compacted revisions are deleted one by one, all over the old files. Files full of such marks
  // are compacted soon, which is what gives the space back.
  family.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionWindow, kDeletionWindow / 4));
  family.level_compaction_dynamic_level_bytes = true;
  // The cheap one on every level: nearly all data is on the last, where point reads pay for it.
  family.compression = Best({rocksdb::kLZ4Compression});
  return family;
}

// A new store. Open would write, sync and read back its options once for each family; this does so
// twice. What a crash leaves half made, the next Open completes.
rocksdb::Status CreateAll(const rocksdb::DBOptions& database, const std::string& path,
                          const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                          std::vector<rocksdb::ColumnFamilyHandle*>* handles, rocksdb::DB** db) {
  std::vector<rocksdb::ColumnFamilyDescriptor> first;
  std::vector<rocksdb::ColumnFamilyDescriptor> others;
  for (const auto& family : families) {
    (family.name == rocksdb::kDefaultColumnFamilyName ? first : others).push_back(family);
  }
  rocksdb::Status status = rocksdb::DB::Open(database, path, first, handles, db);
  if (!status.ok()) return status;
  std::vector<rocksdb::ColumnFamilyHandle*> made;
  status = (*db)->CreateColumnFamilies(others, &made);
  if (!status.ok()) {
    for (auto* handle : made) (*db)->DestroyColumnFamilyHandle(handle);
    (*db)->DestroyColumnFamilyHandle(handles->front());
    delete *db;
    return status;
  }
  made.insert(made.begin() + static_cast<std::ptrdiff_t>(Slot(Family::kMeta)), handles->front());
  *handles = std::move(made);
  return status;
}

}  // namespace

Error ToError(const rocksdb::Status& status, std::string_view context) {
  Code code = Code::kInternal;
  const std::string text = status.ToString();
  if (status.IsCorruption()) code = Code::kDataLoss;
  if (status.IsNoSpace()) code = Code::kResourceExhausted;
  if (status.IsIOError() && text.find("lock") != std::string::npos) code = Code::kUnavailable;
  return Annotate(Error{code, text}, context);
}

void FlushProgress::Committed(std::uint64_t sequence, LogIndex index, bool exact) {
  MutexLock lock(mutex_);
  if (exact || marks_.empty() || index - marks_.back().index >= kMarkEvery) {
    marks_.push_back({sequence, index});
  }
}

void FlushProgress::Flushed(std::uint64_t sequence) {
  MutexLock lock(mutex_);
  while (!marks_.empty() && marks_.front().sequence <= sequence) {
    flushed_ = std::max(flushed_, marks_.front().index);
    marks_.pop_front();
  }
}

void FlushProgress::Failed(Error error) {
  MutexLock lock(mutex_);
  if (health_.ok()) health_ = std::move(error);
}

LogIndex FlushProgress::flushed_index() const {
  MutexLock lock(mutex_);
  return flushed_;
}

void FlushProgress::set_flushed_index(LogIndex index) {
  MutexLock lock(mutex_);
  marks_.clear();
  flushed_ = index;
}

Status FlushProgress::health() const {
  MutexLock lock(mutex_);
  return health_;
}

Result<std::unique_ptr<RocksEngine>> RocksEngine::Open(const std::string& path,
                                                       const Options& options,
                                                       std::shared_ptr<FlushProgress> progress) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (!failed) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, failed);
  }
  if (failed) return Error{Code::kInternal, "create " + path + ": " + failed.message()};

  const rocksdb::DBOptions database = DatabaseOptions(options, std::move(progress));
  const auto families = Families(options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const bool fresh = !std::filesystem::exists(path + "/CURRENT", failed);
  const rocksdb::Status opened = fresh ? CreateAll(database, path, families, &handles, &db)
                                       : rocksdb::DB::Open(database, path, families, &handles, &db);
  if (!opened.ok()) return ToError(opened, "open storage " + path);
  return Own(db, std::move(handles));
}

Result<std::unique_ptr<RocksEngine>> RocksEngine::OpenReadOnly(const std::string& path) {
  rocksdb::DBOptions database = DatabaseOptions({}, std::make_shared<FlushProgress>());
  database.create_if_missing = false;
  database.create_missing_column_families = false;
  database.listeners.clear();
  database.info_log = std::make_shared<Silent>();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::OpenForReadOnly(database, path, Families({}), &handles, &db);
  if (!opened.ok()) return ToError(opened, "open storage " + path);
  return Own(db, std::move(handles));
}

std::vector<rocksdb::ColumnFamilyDescriptor> RocksEngine::Families(const Options& options) {
  auto cache = rocksdb::NewLRUCache(options.block_cache_bytes, 2);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : kNames) families.emplace_back(name, FamilyOptions(options, cache));
  return families;
}

std::unique_ptr<RocksEngine> RocksEngine::Own(rocksdb::DB* db,
                                              std::vector<rocksdb::ColumnFamilyHandle*> handles) {
  std::unique_ptr<RocksEngine> engine(new RocksEngine);
  engine->db_.reset(db);
  std::copy(handles.begin(), handles.end(), engine->handles_.begin());
  return engine;
}

RocksEngine::~RocksEngine() {
  if (!db_) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  rocksdb::CancelAllBackgroundWork(db_.get(), true);
  db_->Close();
}

}  // namespace quorate::storage
