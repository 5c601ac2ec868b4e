#include "app/snapshot_file.h"

#include <utility>

#include "base/log.h"
#include "base/site.h"
#include "snapshot/export.h"

namespace quorate::app {

SnapshotFile::SnapshotFile(std::shared_ptr<storage::Reader> view, std::string data, io::Disk& disk,
                           std::string path)
    : view_(std::move(view)), data_(std::move(data)), disk_(disk), path_(std::move(path)) {}

SnapshotFile::~SnapshotFile() {
  file_.reset();
  const Status removed = disk_.Remove(path_);
  if (!removed.ok() && removed.error().code != Code::kNotFound) {
    log::Warn("failed to remove a temporary snapshot",
              {{"path", path_}, {"error", removed.error().message}});
  }
}

std::uint64_t SnapshotFile::size() const {
  const Status prepared = Prepare();
  if (!prepared.ok()) failure_ = prepared.error();
  return size_;
}

Result<std::size_t> SnapshotFile::Read(std::span<std::byte> out) {
  if (failure_) return *failure_;
  TRY(Prepare());
  const std::size_t got = TRY(file_->ReadAt(offset_, out));
  offset_ += got;
  return got;
}

Status SnapshotFile::Prepare() const {
  if (view_ == nullptr) return {};
  sha256_ = TRY(snapshot::WriteFile(*view_, disk_, path_, false));
  QUORATE_CRASH_SITE("app.snapshot_written");
  file_ = TRY(disk_.Open(path_, io::OpenMode::kRead));
  size_ = TRY(file_->Size());
  view_.reset();
  return {};
}

}  // namespace quorate::app
