// ReadIncoming: a received snapshot file becomes a store and an index beside the present ones.
//
// All that takes long about installing a snapshot, so that the loop only has to swap. An
// interruption leaves a store that the next attempt begins by removing; the file stays.
//
// Thread: the background; `backend` is only asked for NewIncoming().
#pragma once

#include <string>

#include "app/machine.h"
#include "io/disk.h"
#include "raft/types.h"

namespace quorate::app {

Result<Incoming> ReadIncoming(io::Disk& disk, const std::string& path,
                              const raft::SnapshotMetadata& snapshot, storage::Backend& backend);

// The file is not needed any more. That it cannot be removed is only worth a line in the log.
void RemoveReceived(io::Disk& disk, const std::string& path);

}  // namespace quorate::app
