// SnapFile: the small .snap files of etcd 3.6, which say at what index, and with which members, a
// snapshot was taken. The state itself is in the bbolt file beside them.
//
// Errors: kDataLoss for a wrong checksum or shape.
// Source: FORMAT.md.
#pragma once

#include <optional>
#include <string>

#include "io/disk.h"
#include "raft/types.h"

namespace quorate::snapshot {

// "0000000000000002-00000000000003e8.snap": term, index.
std::string SnapFileName(Term term, LogIndex index);
// "00000000000003e8.snap.db": a database received from a leader and not installed yet.
std::string ReceivedFileName(LogIndex index);
std::optional<LogIndex> ParseReceivedFileName(std::string_view name);

std::string EncodeSnapFile(const raft::Snapshot& snapshot);
Result<raft::Snapshot> DecodeSnapFile(std::string_view bytes);

// The metadata of the .snap file for this index, if the directory has one.
Result<std::optional<raft::SnapshotMetadata>> FindSnapFile(io::Disk& disk,
                                                           std::string_view directory,
                                                           LogIndex index);

}  // namespace quorate::snapshot
