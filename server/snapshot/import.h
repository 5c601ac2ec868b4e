// Import: a bbolt file of etcd becomes the content of a store.
//
// Two occasions: a snapshot received from a leader is installed, and a data directory that etcd
// left behind (or `etcdutl snapshot restore` wrote) is taken over at the first start. The rows go
// into a store beside the present one, which is adopted when it is whole, so that an interruption
// leaves the old content and the file as they were.
//
// Errors: kDataLoss when the file is not a sound database of etcd; the store's and the Disk's own.
// Thread: ReadDatabase: any; nobody else uses the incoming store meanwhile. The others: the one
// that owns the backend, which has no views or cursors alive. Source: FORMAT.md;
// knowledge/etcd.md 5.5.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/disk.h"
#include "raft/types.h"
#include "storage/backend.h"

namespace quorate::snapshot {

struct Imported {
  storage::LogPosition position;  // consistent_index and term of the file
  raft::ConfState conf_state;     // members as of that position
  std::uint64_t rows = 0;
  std::vector<std::string> ignored;  // buckets that nobody here knows; worth a log line
};

// Copies the file into an empty store, durably. known: the members as of the file's
// position, from the log or the message that came with it. Without them the meta bucket is
// believed if it names the same members as the members bucket, and else the latter: `etcdutl
// snapshot restore` leaves the old cluster's confState in a restored file. at_least: what the file
// was sent as; one that ends before it would leave a hole in front of the log, and is refused.
Result<Imported> ReadDatabase(io::Disk& disk, std::string_view path, storage::Backend& incoming,
                              const std::optional<raft::ConfState>& known,
                              LogIndex at_least = LogIndex{});

// The same into a store beside `store`, whose content it then becomes.
Result<Imported> ImportDatabase(io::Disk& disk, std::string_view path, storage::Backend& store,
                                const std::optional<raft::ConfState>& known,
                                LogIndex at_least = LogIndex{});

// Takes over etcd's member directory if that was not done before. newest_mark: the newest valid
// snapshot mark of its log; etcd may have been stopped between receiving that snapshot and
// installing it, and at its index it names the members. nullopt: there was nothing to take over.
// The log stays where it is; the database is renamed to db.imported once the store has it.
Result<std::optional<Imported>> TakeOverEtcd(io::Disk& disk, std::string_view member_directory,
                                             const raft::SnapshotMetadata& newest_mark,
                                             storage::Backend& store);

}  // namespace quorate::snapshot
