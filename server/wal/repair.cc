#include "wal/repair.h"

#include "base/site.h"

namespace quorate::wal {

Status RepairTail(io::Disk& disk, const TornTail& torn) {
  TRY(io::CopyFile(disk, torn.path, torn.path + ".broken"));
  TRY(disk.SyncDirectory(io::ParentOf(torn.path)));
  QUORATE_CRASH_SITE("wal.repair.after_copy");
  const auto file = TRY(disk.Open(torn.path, io::OpenMode::kReadWrite));
  TRY(file->Truncate(torn.offset));
  QUORATE_CRASH_SITE("wal.repair.after_truncate");
  return file->Sync();
}

}  // namespace quorate::wal
