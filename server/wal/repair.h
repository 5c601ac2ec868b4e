// Repair: cuts a torn tail off, so that a Writer may go on.
//
// The whole segment is first copied to NAME.wal.broken, because bytes that look torn may be the
// only evidence of something worse. Only what Replay reported as torn is ever cut.
//
// Thread: any; nobody may write meanwhile.
#pragma once

#include "io/disk.h"
#include "wal/contents.h"

namespace quorate::wal {

Status RepairTail(io::Disk& disk, const TornTail& torn);

}  // namespace quorate::wal
