// Reader: replays a write-ahead log.
//
// A start first asks NewestSnapshots for the marks it may begin at, chooses the newest that its
// state machine has reached, and then replays from there: what is older is not read at all. Neither
// changes a byte; a torn tail is reported in Contents::torn and its bytes are not part of the
// contents.
//
// Errors: kNotFound when there is no log. kDataLoss for everything that a crash cannot explain,
// the text naming file and offset, with etcd's words: "wal: crc mismatch", "wal: snapshot not
// found", "wal: snapshot mismatch", "wal: slice bounds out of range", "wal: conflicting metadata
// found", "wal: file not found".
// Thread: any; nobody may write meanwhile.
#pragma once

#include <vector>

#include "io/disk.h"
#include "wal/contents.h"

namespace quorate::wal {

// The snapshot marks that lie within the committed log, oldest first.
Result<std::vector<SnapshotMark>> ValidSnapshots(io::Disk& disk, std::string_view directory);

// Of these, the ones from a mark at or below `reached` on, if there is one: all that a state
// machine that has come to `reached` asks for. Segments in front of it are not read.
Result<std::vector<SnapshotMark>> NewestSnapshots(io::Disk& disk, std::string_view directory,
                                                  LogIndex reached);

// The log behind `start`, which must be one of its marks: index and term are compared.
Result<Contents> Replay(io::Disk& disk, std::string_view directory, const SnapshotMark& start);

}  // namespace quorate::wal
