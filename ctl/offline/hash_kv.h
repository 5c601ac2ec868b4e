// HashKvOfFile: the HashKV that a member with this database would answer.
//
// The file is read twice; memory holds each key once.
//
// Errors: kDataLoss for a file that is not a sound database; kOutOfRange for a revision that is
// compacted or not yet there, in the server's words. Thread: any. Source: knowledge/etcd.md 7.5.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "io/disk.h"

namespace quorate::offline {

struct FileHash {
  std::uint32_t hash = 0;
  std::int64_t revision = 0;           // up to which it was made
  std::int64_t compact_revision = -1;  // of the file; -1: never compacted
};

// at 0: up to the last change in the file.
Result<FileHash> HashKvOfFile(io::Disk& disk, std::string_view path, Revision at);

}  // namespace quorate::offline
