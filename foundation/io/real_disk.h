// RealDisk: io::Disk over POSIX calls.
//
// Stateless: two of them show the same files. Paths are the process's own, relative ones from its
// working directory.
#pragma once

#include "io/disk.h"

namespace quorate::io {

class RealDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> Open(std::string_view path, OpenMode mode) override;
  Result<FileInfo> Stat(std::string_view path) override;
  Result<std::vector<std::string>> List(std::string_view directory) override;
  Status Rename(std::string_view from, std::string_view to) override;
  Status Remove(std::string_view path) override;
  Status MakeDirectories(std::string_view path) override;
  Status SyncDirectory(std::string_view path) override;
  Result<Space> FreeSpace(std::string_view path) override;
};

}  // namespace quorate::io
