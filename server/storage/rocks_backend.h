// RocksBackend: the store on RocksDB, one column family per Family, without RocksDB's own log.
//
// A commit is one WriteBatch. Flushes are atomic over the families, so what a crash leaves is the
// state after one of our commits, and its consistent_index row says after which. Old revisions
// leave by deletes; the engine reclaims their space in the background, a family of ever-growing
// keys being cheap to compact. (The seam for doing it inside the engine's compaction instead is
// Store::CompactStep in mvcc/compaction.cc: it decides, row by row, what is dead.)
//
// Directory: `path` holds RocksDB's files (0700). `path.incoming` is a store being filled,
//   `path.next` a complete one whose adoption a crash interrupted: Open finishes that adoption.
//   `path.old` is what an adoption replaced: it is deleted beside the work, or at the next Open.
// Thread: as Backend; the engine has threads of its own.
// Source: RocksDB 7.8 wiki (atomic flush, write-buffer manager), knowledge/performance.md 3.5.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "storage/backend.h"
#include "storage/options.h"

namespace quorate::storage {

// Opens the store at `path`, creating it when there is none. Errors: kDataLoss for damage (says
// which file), kUnavailable when another process holds it, kResourceExhausted when the disk is
// full.
Result<std::unique_ptr<Backend>> OpenRocksBackend(const std::string& path, const Options& options);

// The store as a stopped member left it, without changing a file: for checks. A store whose
// adoption a crash interrupted is shown as it will be. Errors: kNotFound, kDataLoss.
Result<std::unique_ptr<Reader>> OpenRocksReader(const std::string& path);

}  // namespace quorate::storage
