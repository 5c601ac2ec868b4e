#include "app/replay.h"

#include <utility>

#include "base/log.h"
#include "base/site.h"
#include "snapshot/conf_state.h"
#include "snapshot/import.h"
#include "snapshot/snap_file.h"
#include "wal/reader.h"
#include "wal/repair.h"
#include "wal/segment.h"
#include "wire/raftpb.h"

namespace quorate::app {
namespace {

// A crash between the durable mark of a received snapshot and its installation: install it now,
// the log begins behind it.
Status InstallReceived(io::Disk& disk, const std::string& directory,
                       const std::vector<wal::SnapshotMark>& marks, storage::Backend& backend) {
  if (marks.empty() || marks.back().index <= backend.position().index) return {};
  const wal::SnapshotMark& newest = marks.back();
  const std::string path = directory + "/" + snapshot::ReceivedFileName(newest.index);
  if (!TRY(io::Exists(disk, path))) return {};
  log::Info("installing a snapshot that was received before the last stop",
            {{"index", newest.index}});
  QUORATE_CRASH_SITE("app.received_before_import");
  TRY(snapshot::ImportDatabase(disk, path, backend, newest.conf_state, newest.index));
  QUORATE_CRASH_SITE("app.received_after_import");
  return disk.Remove(path);
}

Result<raft::ConfState> ConfStateOf(const storage::Backend& backend,
                                    const wal::SnapshotMark& mark) {
  std::string json;
  if (TRY(backend.Get(storage::Family::kMeta, storage::kConfState, &json))) {
    return snapshot::ParseConfState(json);
  }
  return mark.conf_state.value_or(raft::ConfState{});
}

}  // namespace

Result<Replayed> ReplayLog(io::Disk& disk, const std::string& wal_directory,
                           const std::string& snapshot_directory, storage::Backend& backend,
                           const wal::WriterOptions& options) {
  const LogIndex stored = backend.position().index;
  const auto marks = TRY(wal::NewestSnapshots(disk, wal_directory, stored));
  TRY(InstallReceived(disk, snapshot_directory, marks, backend));
  const LogIndex applied = backend.position().index;
  const wal::SnapshotMark* best = nullptr;
  for (const wal::SnapshotMark& mark : marks) {
    if (mark.index <= applied && (best == nullptr || mark.index >= best->index)) best = &mark;
  }
  if (best == nullptr) {
    return Error{Code::kDataLoss,
                 "the store ends at index " + std::to_string(applied.value) +
                     " but the log begins later; remove this member and add it anew, or restore "
                     "a backup"};
  }
  Replayed replayed;
  replayed.mark = *best;
  wal::Contents contents = TRY(wal::Replay(disk, wal_directory, replayed.mark));
  if (contents.torn) {
    // Nothing is applied before it is synced: so what the store has was no unfinished write.
    if (contents.tail.last_index < applied) {
      return Error{Code::kDataLoss,
                   "wal: " + contents.torn->reason + ": " + contents.torn->path + " at offset " +
                       std::to_string(contents.torn->offset) + ", behind index " +
                       std::to_string(contents.tail.last_index.value) +
                       ", but the store has applied index " + std::to_string(applied.value) +
                       "; remove this member and add it anew, or restore a backup"};
    }
    log::Warn("repairing a write that a crash cut short",
              {{"path", contents.torn->path}, {"offset", contents.torn->offset}});
    QUORATE_CRASH_SITE("app.before_repair");
    TRY(wal::RepairTail(disk, *contents.torn));
    QUORATE_CRASH_SITE("app.after_repair");
    contents = TRY(wal::Replay(disk, wal_directory, replayed.mark));
  }
  replayed.identity = contents.metadata;
  replayed.writer = TRY(wal::Writer::Open(disk, wal_directory, contents, options));
  replayed.start.hard_state = contents.hard_state;
  replayed.start.entries = std::move(contents.entries);
  replayed.start.compacted = {replayed.mark.index, replayed.mark.term};
  replayed.start.conf_state = TRY(ConfStateOf(backend, replayed.mark));
  replayed.start.applied = applied;
  return replayed;
}

std::vector<raft::Entry> MakeBootstrapEntries(const std::vector<membership::Member>& members) {
  std::vector<raft::Entry> entries;
  for (const membership::Member& member : members) {
    raft::Entry entry;
    entry.type = raft::EntryType::kConfChange;
    entry.term = Term{1};
    entry.index = LogIndex{entries.size() + 1};
    entry.data = raft::Payload(wire::EncodeConfChange({.type = raft::ConfChangeType::kAddNode,
                                                       .member = member.id,
                                                       .context = membership::ToJson(member)}));
    entries.push_back(std::move(entry));
  }
  return entries;
}

bool IsBlank(const Replayed& replayed, const storage::Backend& backend) {
  return replayed.start.entries.empty() && replayed.start.hard_state == raft::HardState{} &&
         replayed.mark.index == LogIndex{} && backend.position().index == LogIndex{};
}

bool RemovedForGood(const membership::Roster& roster, MemberId self, const raft::ConfState& state) {
  return roster.removed.contains(self) && state.voters.size() != 1;
}

Status Bootstrap(const std::vector<membership::Member>& members, Replayed& replayed) {
  raft::Start& start = replayed.start;
  start.entries = MakeBootstrapEntries(members);
  start.hard_state.term = Term{1};
  start.hard_state.commit = LogIndex{start.entries.size()};
  replayed.writer->Append(start.entries, &start.hard_state);
  QUORATE_CRASH_SITE("app.bootstrap_before_sync");
  return replayed.writer->Sync();
}

}  // namespace quorate::app
