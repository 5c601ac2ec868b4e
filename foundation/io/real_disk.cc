#include "io/real_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace quorate::io {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

Code CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return Code::kNotFound;
    case EEXIST:
      return Code::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
    case EBADF:  // written through a read-only handle
      return Code::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Code::kResourceExhausted;
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
    case EINVAL:
      return Code::kFailedPrecondition;
    case EIO:
      return Code::kDataLoss;
    default:
      return Code::kInternal;
  }
}

// "call path: text", the text as Go prints it: lower case.
Error SystemError(std::string_view call, std::string_view path, int error) {
  std::string text = std::generic_category().message(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && (text.size() < 2 || text[1] >= 'a')) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return Error{CodeOf(error), std::string(call) + " " + std::string(path) + ": " + text};
}

template <typename Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class RealFile final : public File {
 public:
  RealFile(int fd, std::string path, std::uint64_t end)
      : fd_(fd), path_(std::move(path)), end_(end) {}
  ~RealFile() override { close(fd_); }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;

  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = Retry([&] {
        return pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      });
      if (got < 0) return SystemError("read", path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status WriteAt(std::uint64_t offset, Bytes bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t put = Retry([&] {
        return pwrite(fd_, bytes.data() + done, bytes.size() - done,
                      static_cast<off_t>(offset + done));
      });
      if (put < 0) return SystemError("write", path_, errno);
      done += static_cast<std::size_t>(put);
    }
    end_ = std::max(end_, offset + bytes.size());
    return {};
  }

  Status Append(Bytes bytes) override { return WriteAt(end_, bytes); }

  Status ZeroFill(std::uint64_t offset, std::uint64_t length) override {
    // Blocks first, so that a full disk says so before anything is written. Some file systems
    // cannot; zeros then do it.
    TRY(Allocate(offset, length));
    // The kernel keeps what one call writes in one piece of memory, and each later small write and
    // its sync walk all pages of their piece: so not too large.
    constexpr std::uint64_t kChunkBytes = 64U << 10U;
    const std::vector<std::byte> zeros(std::min(length, kChunkBytes));
    for (std::uint64_t done = 0; done < length;) {
      const std::uint64_t size = std::min(length - done, kChunkBytes);
      TRY(WriteAt(offset + done, Bytes(zeros).first(size)));
      done += size;
    }
    return {};
  }

  Status Reserve(std::uint64_t bytes) override {
    return TRY(Allocate(0, bytes)) ? Status() : ZeroFill(0, bytes);
  }

  Status Sync() override {
    // Not retried, whatever the error: the kernel may have dropped the pages already.
    if (fdatasync(fd_) != 0) return SystemError("fdatasync", path_, errno);
    return {};
  }

  Status Truncate(std::uint64_t size) override {
    if (Retry([&] { return ftruncate(fd_, static_cast<off_t>(size)); }) != 0) {
      return SystemError("truncate", path_, errno == EINVAL ? EBADF : errno);
    }
    end_ = size;
    return {};
  }

  Result<std::uint64_t> Size() override {
    struct stat info {};
    if (fstat(fd_, &info) != 0) return SystemError("stat", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<bool> TryLock() override {
    if (Retry([&] { return flock(fd_, LOCK_EX | LOCK_NB); }) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return SystemError("flock", path_, errno);
  }

 private:
  // False: the file system cannot.
  Result<bool> Allocate(std::uint64_t offset, std::uint64_t length) {
    const int failed = Retry(
        [&] { return fallocate(fd_, 0, static_cast<off_t>(offset), static_cast<off_t>(length)); });
    if (failed == 0) {
      end_ = std::max(end_, offset + length);
      return true;
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return false;
    return SystemError("fallocate", path_, errno);
  }

  int fd_;
  std::string path_;
  std::uint64_t end_;
};

int FlagsOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kTruncate:
      return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> RealDisk::Open(std::string_view path, OpenMode mode) {
  std::string name(path);
  const int fd = Retry([&] { return open(name.c_str(), FlagsOf(mode) | O_CLOEXEC, kFileMode); });
  if (fd < 0) return SystemError("open", path, errno);
  struct stat info {};
  int error = fstat(fd, &info) != 0 ? errno : 0;
  if (error == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
  if (error != 0) {
    close(fd);
    return SystemError("open", path, error);
  }
  return std::unique_ptr<File>(
      std::make_unique<RealFile>(fd, std::move(name), static_cast<std::uint64_t>(info.st_size)));
}

Result<FileInfo> RealDisk::Stat(std::string_view path) {
  struct stat info {};
  if (stat(std::string(path).c_str(), &info) != 0) return SystemError("stat", path, errno);
  if (S_ISDIR(info.st_mode)) return FileInfo{0, true};
  return FileInfo{static_cast<std::uint64_t>(info.st_size), false};
}

Result<std::vector<std::string>> RealDisk::List(std::string_view directory) {
  DIR* const stream = opendir(std::string(directory).c_str());
  if (stream == nullptr) return SystemError("list", directory, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  closedir(stream);
  if (error != 0) return SystemError("list", directory, error);
  std::sort(names.begin(), names.end());
  return names;
}

Status RealDisk::Rename(std::string_view from, std::string_view to) {
  if (rename(std::string(from).c_str(), std::string(to).c_str()) != 0) {
    return SystemError("rename", from, errno == EEXIST ? ENOTEMPTY : errno);
  }
  return {};
}

Status RealDisk::Remove(std::string_view path) {
  if (remove(std::string(path).c_str()) != 0) {
    return SystemError("remove", path, errno == EEXIST ? ENOTEMPTY : errno);
  }
  return {};
}

Status RealDisk::MakeDirectories(std::string_view path) {
  const auto there = Stat(path);
  if (there.ok()) {
    if (there->directory) return {};
    return SystemError("mkdir", path, ENOTDIR);
  }
  if (there.error().code != Code::kNotFound) return there.error();
  const std::string parent = ParentOf(path);
  if (parent != path) TRY(MakeDirectories(parent));
  if (mkdir(std::string(path).c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return SystemError("mkdir", path, errno);
  }
  return SyncDirectory(parent);
}

Status RealDisk::SyncDirectory(std::string_view path) {
  const int fd =
      Retry([&] { return open(std::string(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return SystemError("open", path, errno);
  const int error = fsync(fd) != 0 ? errno : 0;
  close(fd);
  if (error != 0) return SystemError("fsync", path, error);
  return {};
}

Result<Space> RealDisk::FreeSpace(std::string_view path) {
  struct statvfs info {};
  if (statvfs(std::string(path).c_str(), &info) != 0) return SystemError("statvfs", path, errno);
  return Space{info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize};
}

}  // namespace quorate::io
