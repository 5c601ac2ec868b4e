// RocksEngine: one open RocksDB with our column families, options and event listener.
//
// Only rocks_backend.cc and rocks_engine.cc include this: it shows the vendor's types.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "storage/backend.h"
#include "storage/options.h"

namespace quorate::storage {

// Our error for the engine's; never call it with an ok status.
Error ToError(const rocksdb::Status& status, std::string_view context);

// FlushProgress: which commits have reached the disk, and the first background error. Written by
// the engine's threads. Thread: any.
class FlushProgress {
 public:
  // A commit ended at `sequence` with log index `index`. Keeps one mark for many commits unless
  // `exact`.
  void Committed(std::uint64_t sequence, LogIndex index, bool exact);
  void Flushed(std::uint64_t sequence);
  void Failed(Error error);

  LogIndex flushed_index() const;
  void set_flushed_index(LogIndex index);
  Status health() const;

 private:
  struct Mark {
    std::uint64_t sequence;
    LogIndex index;
  };

  mutable Mutex mutex_;
  std::deque<Mark> marks_ QUORATE_GUARDED_BY(mutex_);
  LogIndex flushed_ QUORATE_GUARDED_BY(mutex_);
  Status health_ QUORATE_GUARDED_BY(mutex_);
};

// RocksEngine: owns the database; closes it when destroyed, without a flush.
class RocksEngine {
 public:
  static Result<std::unique_ptr<RocksEngine>> Open(const std::string& path, const Options& options,
                                                   std::shared_ptr<FlushProgress> progress);
  // Looks without changing a file or taking the lock.
  static Result<std::unique_ptr<RocksEngine>> OpenReadOnly(const std::string& path);
  ~RocksEngine();
  RocksEngine(const RocksEngine&) = delete;
  RocksEngine& operator=(const RocksEngine&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) const { return handles_[Slot(family)]; }
  std::vector<rocksdb::ColumnFamilyHandle*> handles() const {
    return {handles_.begin(), handles_.end()};
  }

 private:
  RocksEngine() = default;
  // What the engine calls a family, in the order of Family, with its options.
  static std::vector<rocksdb::ColumnFamilyDescriptor> Families(const Options& options);
  static std::unique_ptr<RocksEngine> Own(rocksdb::DB* db,
                                          std::vector<rocksdb::ColumnFamilyHandle*> handles);

  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_{};
};

}  // namespace quorate::storage
