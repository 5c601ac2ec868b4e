// VerifyDataDirectory: whether a stopped member's data fit together, without changing a byte.
//
// Checked are: the log's checksum chain, its segments and entries without a hole, its committed
// index; the snapshot files; the store's place in the log; every row of the history against the one
// before it; the key index that a start would make, from its checkpoint in the store, against that
// history; keys against leases; members against the configuration of the consensus. What a crash
// explains, and the next start mends, is a note and no problem.
//
// Errors: kNotFound for what is no data directory, kFailedPrecondition while a member runs on it,
// kInternal or kPermissionDenied when it cannot be read. Damage is no Error: it is a problem.
// Thread: any; nobody may write meanwhile (the directory's lock is held).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "io/disk.h"
#include "offline/verify_store.h"

namespace quorate::offline {

struct VerifyOptions {
  std::string data_directory;
  std::string wal_directory;  // "": DATA/member/wal
};

struct LogFacts {
  std::size_t segments = 0;
  std::uint64_t bytes = 0;
  LogIndex first, last;  // entries that were read; first > last: none
  LogIndex commit;
  Term term;
};

struct Verified {
  ClusterId cluster;  // 0: the log could not be read
  MemberId self;
  LogFacts log;
  StoreFacts store;
  std::vector<std::string> notes;
  std::vector<Problem> problems;

  bool sound() const { return problems.empty(); }
};

Result<Verified> VerifyDataDirectory(io::Disk& disk, const VerifyOptions& options,
                                     const VerifyProgress& progress);

}  // namespace quorate::offline
