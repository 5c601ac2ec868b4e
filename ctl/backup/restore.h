// Restore and Verify: a backup becomes a new member's data directory, or is proven able to.
//
// Restore fetches into the data directory itself, builds the new member there and removes the
// snapshot; it may be interrupted at any moment and run again. Verify does the same in a scratch
// directory and compares the HashKV of what came out with the one the member gave when the backup
// was made.
#pragma once

#include <optional>
#include <string>

#include "backup/catalog.h"
#include "backup/fetch.h"
#include "backup/report.h"
#include "base/result.h"
#include "io/disk.h"
#include "offline/restore.h"

namespace quorate::backup {

struct RestoreResult {
  bool existed = false;  // the directory held a member already; nothing was done
  offline::Restored restored;
};

// options.data_directory must be set. With keep_existing a directory that already holds a member is
// left as it is and that is a success: an init container runs again whenever its pod starts anew.
Result<RestoreResult> Restore(objectstore::ObjectStore& store, const Entry& entry, io::Disk& disk,
                              const offline::RestoreOptions& options, bool keep_existing,
                              const Watcher& watcher, Stage& stage);

struct VerifyResult {
  bool restored = false;              // else only the digests were compared
  std::optional<std::uint32_t> hash;  // HashKV at the backup's revision, when it could be compared
};

// scratch: an existing directory; what Verify makes in it is removed again. checksum_only: no
// restore, no scratch. kDataLoss: the backup is not what it was when it was made.
Result<VerifyResult> Verify(objectstore::ObjectStore& store, const Entry& entry, io::Disk& disk,
                            const std::string& scratch, bool checksum_only, const Watcher& watcher,
                            Stage& stage);

}  // namespace quorate::backup
