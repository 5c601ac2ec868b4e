// Contents: what a write-ahead log says, once read.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "raft/types.h"

namespace quorate::wal {

// Whose log this is; repeated at the start of each segment.
struct Metadata {
  MemberId member;
  ClusterId cluster;

  bool operator==(const Metadata&) const = default;
};

// "Everything up to index is in the state machine's own files": where a replay may begin.
struct SnapshotMark {
  LogIndex index;
  Term term;
  std::optional<raft::ConfState> conf_state;  // as of index; absent at index 0 and in old logs

  bool operator==(const SnapshotMark&) const = default;
};

// A write that a crash left unfinished at the end of the last segment. Nobody was promised it.
struct TornTail {
  std::string path;
  std::uint64_t offset = 0;  // where the unfinished write begins
  std::string reason;
};

// Where a Writer goes on.
struct Tail {
  std::uint64_t sequence = 0;  // of the last segment
  std::string segment;         // its file name
  std::uint64_t offset = 0;    // end of its last intact record
  std::uint32_t crc = 0;       // running checksum there
  LogIndex lock_from;          // the segment that holds this index and later ones are needed
  LogIndex last_index;         // of the last entry, or of the mark the replay began at
};

struct Contents {
  Metadata metadata;
  raft::HardState hard_state;        // the last one; all zero if none was written
  std::vector<raft::Entry> entries;  // consecutive, from start.index + 1 on
  Tail tail;
  std::optional<TornTail> torn;  // set: RepairTail before a Writer may go on
};

}  // namespace quorate::wal
