// Catalog: the backups in a store.
//
// A backup is a folder with a manifest. Folders without one are runs that did not end; they are not
// listed. Thread: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backup/manifest.h"
#include "base/result.h"
#include "objectstore/object_store.h"

namespace quorate::backup {

struct Entry {
  std::string location;  // folder below the store
  Manifest manifest;
  std::string problem;  // why the manifest cannot be used; empty: it can

  bool operator==(const Entry&) const = default;
};

// All below `folder` ("" for the whole store), oldest first.
Result<std::vector<Entry>> List(objectstore::ObjectStore& store, const std::string& folder);

// One backup: its own folder, or "FOLDER/latest" or "latest" for the newest good one below FOLDER.
// kNotFound says what is missing; kDataLoss: its manifest cannot be read.
Result<Entry> Find(objectstore::ObjectStore& store, const std::string& location);

// Manifest first, so that what remains of an interrupted deletion is no backup. Ok when there was
// none. kFailedPrecondition: the folder holds something that is not ours.
Status Delete(objectstore::ObjectStore& store, const std::string& location);

struct Retention {
  std::size_t keep_last = 0;                    // newest good ones; 0: no such rule
  std::optional<std::chrono::seconds> max_age;  // younger ones stay
};

// Which of one cluster's backups may go: those no rule keeps. Entries with a problem are never
// chosen, and the newest good one always stays. Pure.
std::vector<std::string> Expired(const std::vector<Entry>& entries, const Retention& retention,
                                 std::chrono::system_clock::time_point now);

}  // namespace quorate::backup
