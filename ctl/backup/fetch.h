// Fetch: brings one backup's snapshot from the store to a file, checked on the way.
//
// Size and SHA-256 of the stored object, zstd's own checksum, size and SHA-256 of the database
// inside: all must be what the manifest says. The file is an ordinary etcd snapshot with its digest
// at the end. After an Error it is gone.
//
// Errors: kDataLoss "... is damaged: ..."; the store's and the Disk's own.
#pragma once

#include <string>

#include "backup/catalog.h"
#include "backup/report.h"
#include "backup/save.h"
#include "io/disk.h"

namespace quorate::backup {

Status Fetch(objectstore::ObjectStore& store, const Entry& entry, io::Disk& disk,
             const std::string& path, const Watcher& watcher, Stage& stage);

}  // namespace quorate::backup
