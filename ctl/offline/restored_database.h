// RestoredDatabase: the copy of a snapshot's database that a new cluster starts from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/disk.h"
#include "membership/member.h"
#include "raft/types.h"

namespace quorate::offline {

struct DatabaseChanges {
  std::vector<membership::Member> members;  // by id; replace the old ones
  raft::ConfState conf_state;
  LogIndex index;  // the log position it claims
  Term term;
  std::uint64_t bump_revision = 0;  // 0: none
};

struct Revisions {
  std::int64_t latest = 0;
  std::int64_t bumped = 0;  // 0: not bumped
};

// Ok when the file ends with the SHA-256 of what precedes it; etcdutl's errors otherwise.
Status CheckDigest(io::Disk& disk, std::string_view path);

// Copies the database at `from` into a new, synced file `to`, with the changes.
Result<Revisions> WriteRestoredDatabase(io::Disk& disk, std::string_view from, std::string_view to,
                                        const DatabaseChanges& changes);

}  // namespace quorate::offline
