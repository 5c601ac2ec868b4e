// Replay: a member's log and its store, brought together at a start.
//
// A received snapshot whose mark is durable but which was not installed is installed first, a tail
// that a crash cut short is repaired, and the log is read from the newest mark that the store has
// reached. What comes back is where raft goes on.
//
// Errors: kDataLoss when the two do not fit together, with what to do.
// Thread: the one that starts the member.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/disk.h"
#include "membership/cluster.h"
#include "membership/member.h"
#include "raft/core.h"
#include "storage/backend.h"
#include "wal/contents.h"
#include "wal/writer.h"

namespace quorate::app {

struct Replayed {
  wal::Metadata identity;
  wal::SnapshotMark mark;  // where the replay began
  raft::Start start;
  std::unique_ptr<wal::Writer> writer;
};

Result<Replayed> ReplayLog(io::Disk& disk, const std::string& wal_directory,
                           const std::string& snapshot_directory, storage::Backend& backend,
                           const wal::WriterOptions& options = {});

// The committed entries with which every member of a new cluster begins: one addition each, by id.
std::vector<raft::Entry> MakeBootstrapEntries(const std::vector<membership::Member>& members);

// Nothing has happened yet in what was replayed: a log that was created and no more.
bool IsBlank(const Replayed& replayed, const storage::Backend& backend);

// Whether a member that finds in its store that it was removed may not even start. Of two voters
// the one that stays may not know yet that this is committed, and learns it by the other's vote
// only; once it knows, it refuses the removed one's connections, which ends that (as in
// node::Driver, for one that did not restart).
bool RemovedForGood(const membership::Roster& roster, MemberId self, const raft::ConfState& state);

// Begins a new cluster's log with its members. REQUIRES: IsBlank.
Status Bootstrap(const std::vector<membership::Member>& members, Replayed& replayed);

}  // namespace quorate::app
