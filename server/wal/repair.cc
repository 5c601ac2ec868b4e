#include "wal/repair.h"

namespace quorate::wal {

Status RepairTail(io::Disk& disk, const TornTail& torn) {
  TRY(io::CopyFile(disk, torn.path, torn.path + ".broken"));
  TRY(disk.SyncDirectory(io::ParentOf(torn.path)));
  const auto file = TRY(disk.Open(torn.path, io::OpenMode::kReadWrite));
  TRY(file->Truncate(torn.offset));
  return file->Sync();
}

}  // namespace quorate::wal
