#include "app/disk_reserve.h"

#include <utility>

#include "base/log.h"

namespace quorate::app {

DiskReserve::DiskReserve(io::Disk& disk, std::string directory, std::uint64_t reserve_bytes)
    : disk_(disk),
      directory_(std::move(directory)),
      path_(io::JoinPath(directory_, "reserve")),
      reserve_bytes_(reserve_bytes) {}

Status DiskReserve::Prepare() {
  if (reserve_bytes_ == 0) return TRY(io::Exists(disk_, path_)) ? Give() : Status();
  const io::Space space = TRY(disk_.FreeSpace(directory_));
  if (space.available < reserve_bytes_) scarce_ = true;
  if (space.available < reserve_bytes_ / 2 && TRY(io::Exists(disk_, path_))) return Give();
  return {};
}

Status DiskReserve::Look() {
  if (reserve_bytes_ == 0) return {};
  const std::uint64_t available = TRY(disk_.FreeSpace(directory_)).available;
  if (available < reserve_bytes_ && !scarce_.exchange(true)) {
    log::Warn("the disk is nearly full; writes are refused until there is room again",
              {{"available-bytes", available}, {"reserve-bytes", reserve_bytes_}});
  }
  if (available >= 2 * reserve_bytes_ && scarce_.exchange(false)) {
    log::Info("the disk has room again; writes are taken once the NOSPACE alarm is disarmed",
              {{"available-bytes", available}});
  }
  const bool whole = TRY(Whole());
  if (available < reserve_bytes_ / 2 && whole) return Give();
  if (available >= 3 * reserve_bytes_ && !whole) return Make();
  return {};
}

Status DiskReserve::Give() {
  TRY(disk_.Remove(path_));
  log::Warn("gave back the space that was kept for a full disk", {{"path", path_}});
  return disk_.SyncDirectory(directory_);
}

Status DiskReserve::Make() {
  const auto file = TRY(disk_.Open(path_, io::OpenMode::kTruncate));
  TRY(file->Reserve(reserve_bytes_));
  TRY(file->Sync());
  return disk_.SyncDirectory(directory_);
}

Result<bool> DiskReserve::Whole() {
  if (!TRY(io::Exists(disk_, path_))) return false;
  return TRY(disk_.Stat(path_)).size >= reserve_bytes_;
}

}  // namespace quorate::app
