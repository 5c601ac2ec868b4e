// SnapshotStatus: what `snapshot status` says of a snapshot file.
//
// The whole file is read once; every page is checked on the way.
//
// Errors: kNotFound, in etcdutl's words; kDataLoss for a file that is not a sound database.
// Thread: any.
#pragma once

#include <cstdint>
#include <string>

#include "io/disk.h"

namespace quorate::offline {

struct SnapshotStatus {
  std::uint32_t hash = 0;     // CRC-32C over bucket names, keys and values, in order
  std::int64_t revision = 0;  // of the last change; 0: none
  std::int64_t keys = 0;      // that live at that revision
  std::uint64_t size = 0;     // bytes of the database, without what follows it
  std::string version;        // storage version; empty before 3.6
};

Result<SnapshotStatus> ReadSnapshotStatus(io::Disk& disk, std::string_view path);

}  // namespace quorate::offline
