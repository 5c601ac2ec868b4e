// MemoryBackend: a store in ordered maps, with the same crash behaviour as the real one.
//
// What was flushed lives in a MemoryStorage that outlives the backend: dropping the backend and
// opening another over the same storage is a crash and a restart. Rows are shared copy-on-write
// between the live state, views and the flushed state, so a view or a flush costs one copy of a
// family at its next change.
//
// Ownership: shares the MemoryStorage.
// Thread: as Backend.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "storage/backend.h"

namespace quorate::storage {

struct MemoryRows {
  std::map<std::string, std::string, std::less<>> map;
  std::uint64_t bytes = 0;  // keys and values

  void Put(std::string_view key, std::string_view value);
  // Deletes [begin, end).
  void Delete(std::string_view begin, std::string_view end);
  void Delete(std::string_view key);
};

using MemoryFamilies = std::array<std::shared_ptr<MemoryRows>, kFamilyCount>;

// MemoryStorage: the "disk" of MemoryBackend: the last flushed state, and checkpoints by path.
struct MemoryStorage {
  MemoryFamilies flushed;
  LogPosition position;
  std::map<std::string, std::shared_ptr<MemoryStorage>> checkpoints;
};

class MemoryBackend final : public Backend {
 public:
  explicit MemoryBackend(std::shared_ptr<MemoryStorage> storage);

  Result<bool> Get(Family family, std::string_view key, std::string* value) const override;
  std::unique_ptr<Cursor> Scan(Family family, std::string_view begin,
                               std::string_view end) const override;
  Result<Extent> AtMost(Family family) const override;
  Status GetMany(Family family, std::span<const std::string> keys,
                 std::vector<std::string>* values) const override;
  Status Commit(const Batch& batch, LogPosition position) override;
  LogPosition position() const override { return position_; }
  LogIndex FlushedIndex() const override;
  Status Flush(Wait wait) override;
  std::unique_ptr<Reader> NewView() const override;
  Status Checkpoint(const std::string& path) override;
  Result<std::unique_ptr<Backend>> NewIncoming() override;
  Status Adopt(std::unique_ptr<Backend> incoming) override;
  Sizes sizes() const override;
  Status health() const override { return {}; }

 private:
  MemoryRows& Own(Family family);  // the live rows, copied first if anything else shares them
  void CountBytes();

  const std::shared_ptr<MemoryStorage> storage_;
  MemoryFamilies live_;
  LogPosition position_;
  mutable Mutex mutex_;
  LogIndex flushed_ QUORATE_GUARDED_BY(mutex_);
  std::uint64_t bytes_ QUORATE_GUARDED_BY(mutex_) = 0;  // keys and values of live rows, less kIndex
};

}  // namespace quorate::storage
