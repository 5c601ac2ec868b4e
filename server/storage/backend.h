// Backend: the door to the store, ordered families of bytes that change in atomic batches.
//
// There is no log of its own: a commit is in memory until a flush carries it to disk. After a crash
// the store is exactly as it was after some earlier commit (never between two, never half of one);
// the raft log above FlushedIndex() brings it back. RocksBackend is the real one; MemoryBackend is
// the simulator's and the honest ceiling. Both pass tests/contracts/backend_contract_test.cc.
//
// Errors: a failed Commit, Flush or read of damaged bytes is sticky and fatal: health() keeps the
//   first one, and the process must stop (typed exit 11, or 13 when the disk is full).
// Thread: Commit, Get, Scan, Flush, Checkpoint and Adopt belong to one thread (raft+apply). A View,
//   its cursors, and FlushedIndex(), sizes(), health() and NewIncoming() may be used from any
//   thread; what NewIncoming returned belongs to its caller until it is adopted.
// Source: DESIGN 4.3, 4.4.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "storage/batch.h"
#include "storage/schema.h"

namespace quorate::storage {

// Cursor: walks rows in key order. Stands on a row while Valid().
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool Valid() const = 0;
  virtual void Next() = 0;                     // REQUIRES: Valid()
  virtual std::string_view key() const = 0;    // until Next()
  virtual std::string_view value() const = 0;  // until Next()
  virtual Status status() const = 0;           // why it stopped, if not at the end
};

// Extent: how much a family holds, or more.
struct Extent {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;      // keys and values
  std::uint64_t rows_gone = 0;  // about so many were deleted, and they or their marks are counted
};

// Reader: what can be asked of the store's present state or of a view.
class Reader {
 public:
  virtual ~Reader() = default;
  // True and *value, or false when there is no such row.
  virtual Result<bool> Get(Family family, std::string_view key, std::string* value) const = 0;
  // Rows of [begin, end); an empty end means to the last row. The cursor sees the state of the
  // moment of the call and must not outlive the reader.
  virtual std::unique_ptr<Cursor> Scan(Family family, std::string_view begin,
                                       std::string_view end) const = 0;
  // Never less than a scan of the whole family finds; quick, nothing is walked.
  virtual Result<Extent> AtMost(Family family) const = 0;
};

// LogPosition: how far the raft log is contained in the store.
struct LogPosition {
  LogIndex index;  // 0: nothing applied yet
  Term term;

  bool operator==(const LogPosition&) const = default;
};

// Without kIndex, which no other member need have alike and no client asked for.
struct Sizes {
  std::uint64_t bytes_total = 0;   // what the store occupies (disk and unflushed memory)
  std::uint64_t bytes_in_use = 0;  // of these, what live rows occupy, about
};

class Backend : public Reader {
 public:
  // The values of many rows, at less cost than a Get each; in the order of the keys. Errors:
  // kDataLoss when one is missing.
  virtual Status GetMany(Family family, std::span<const std::string> keys,
                         std::vector<std::string>* values) const = 0;

  // Applies the batch and moves the log position, atomically. REQUIRES: the position does not go
  // back.
  virtual Status Commit(const Batch& batch, LogPosition position) = 0;
  // The position of the last commit; after open, the one the store was found at.
  virtual LogPosition position() const = 0;
  // Everything up to this index survives a crash. Never decreases. Conservative: may lag behind
  // what is on disk.
  virtual LogIndex FlushedIndex() const = 0;

  enum class Wait { kNo, kYes };
  // Carries every commit so far to disk. kNo starts it and returns; FlushedIndex() tells when it is
  // done.
  virtual Status Flush(Wait wait) = 0;

  // A consistent state that later commits do not touch. Drop it soon: it pins what it shows.
  virtual std::unique_ptr<Reader> NewView() const = 0;

  // A copy of the present state as a store of its own at `path`, which must not exist (hard links
  // where the engine can).
  virtual Status Checkpoint(const std::string& path) = 0;

  // An empty store beside this one, to be filled by commits, for Adopt. A leftover of an earlier
  // attempt is removed.
  virtual Result<std::unique_ptr<Backend>> NewIncoming() = 0;
  // Replaces this store's content by that of `incoming` (made by NewIncoming), durably and
  // atomically: after a crash the store is wholly the old or wholly the new one. Quick when
  // `incoming` was flushed. REQUIRES: no view or cursor of either is alive.
  virtual Status Adopt(std::unique_ptr<Backend> incoming) = 0;

  virtual Sizes sizes() const = 0;
  // The first fatal error, background work included.
  virtual Status health() const = 0;
};

}  // namespace quorate::storage
