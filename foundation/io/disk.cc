#include "io/disk.h"

#include <algorithm>

namespace quorate::io {

Result<bool> Exists(Disk& disk, std::string_view path) {
  const auto info = disk.Stat(path);
  if (info.ok()) return true;
  if (info.error().code == Code::kNotFound) return false;
  return info.error();
}

Result<std::string> ReadFile(Disk& disk, std::string_view path) {
  const auto file = TRY(disk.Open(path, OpenMode::kRead));
  std::string bytes(TRY(file->Size()), '\0');
  const std::size_t size =
      TRY(file->ReadAt(0, std::as_writable_bytes(std::span(bytes.data(), bytes.size()))));
  bytes.resize(size);
  return bytes;
}

Status WriteFile(Disk& disk, std::string_view path, Bytes bytes) {
  const std::string temporary = std::string(path) + ".tmp";
  auto file = TRY(disk.Open(temporary, OpenMode::kTruncate));
  TRY(file->WriteAt(0, bytes));
  TRY(file->Sync());
  file.reset();
  TRY(disk.Rename(temporary, path));
  return disk.SyncDirectory(ParentOf(path));
}

Status CopyFile(Disk& disk, std::string_view from, std::string_view to) {
  constexpr std::size_t kChunkBytes = 1U << 20U;
  const auto source = TRY(disk.Open(from, OpenMode::kRead));
  const auto target = TRY(disk.Open(to, OpenMode::kTruncate));
  std::vector<std::byte> chunk(kChunkBytes);
  std::uint64_t offset = 0;
  while (true) {
    const std::size_t size = TRY(source->ReadAt(offset, chunk));
    if (size == 0) break;
    TRY(target->WriteAt(offset, Bytes(chunk).first(size)));
    offset += size;
  }
  return target->Sync();
}

Status RemoveTree(Disk& disk, std::string_view path) {
  const auto info = disk.Stat(path);
  if (!info.ok()) {
    if (info.error().code == Code::kNotFound) return {};
    return info.error();
  }
  if (info->directory) {
    for (const std::string& name : TRY(disk.List(path))) {
      TRY(RemoveTree(disk, JoinPath(path, name)));
    }
  }
  return disk.Remove(path);
}

std::string ParentOf(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, std::max<std::size_t>(slash, 1)));
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

}  // namespace quorate::io
