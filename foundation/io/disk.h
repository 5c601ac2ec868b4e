// Disk: the only door to the file system.
//
// Contract, what a crash keeps: written bytes survive only after File::Sync returned ok; a created,
// renamed or removed name survives only after SyncDirectory of its directory returned ok. Anything
// else may be lost, wholly, in part and out of order, in sectors of 512 bytes. RealDisk has this
// contract from the kernel; sim::Disk enforces the worst of it.
//
// Errors: kNotFound, kAlreadyExists, kPermissionDenied, kResourceExhausted (disk full or quota),
// kFailedPrecondition (a directory where a file was meant, or the reverse; a directory that is not
// empty), kDataLoss (the device failed), kInternal. The text names the call and the path:
// "open /d/wal/0.tmp: no space left on device". After a failed Sync the file's content is unknown
// for good: never retry, stop.
//
// Thread: a Disk may be shared; a File belongs to one thread at a time.
// Ownership: a File may outlive its name, not its Disk.
// Source: Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace quorate::io {

enum class OpenMode : std::uint8_t {
  kRead,       // must exist; writing fails
  kReadWrite,  // must exist
  kCreate,     // made if absent, kept if there
  kCreateNew,  // kAlreadyExists if there
  kTruncate,   // made if absent, emptied if there
};

class File {
 public:
  virtual ~File() = default;  // closes; does not sync; gives up the lock

  // Fills out from offset; returns how many bytes it got, fewer only at the end of the file.
  virtual Result<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) = 0;

  // Writes all of bytes at offset, growing the file as needed; a gap reads as zeros.
  virtual Status WriteAt(std::uint64_t offset, Bytes bytes) = 0;

  // WriteAt(end of the file as this handle knows it). One appender a file.
  virtual Status Append(Bytes bytes) = 0;

  // Makes [offset, offset + length) zeros with blocks of their own, growing the file as needed:
  // later writes into it and their Sync change no metadata. Durable after Sync, as any write.
  virtual Status ZeroFill(std::uint64_t offset, std::uint64_t length) = 0;

  // Makes an empty file so many bytes long and takes the blocks for them; they read as zeros, but
  // are not written where the file system can do without. For space that is kept, not written to.
  virtual Status Reserve(std::uint64_t bytes) { return ZeroFill(0, bytes); }

  // Content and size become durable (fdatasync).
  virtual Status Sync() = 0;

  virtual Status Truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> Size() = 0;

  // Takes the exclusive lock of the file (flock) without waiting; held until this File is
  // destroyed. false: another File holds it.
  virtual Result<bool> TryLock() = 0;
};

struct FileInfo {
  std::uint64_t size = 0;  // bytes; 0 for a directory
  bool directory = false;

  bool operator==(const FileInfo&) const = default;
};

struct Space {
  std::uint64_t total = 0;      // bytes
  std::uint64_t available = 0;  // bytes that an ordinary user may still fill
};

class Disk {
 public:
  virtual ~Disk() = default;

  // Mode 0600 for what it makes. The directory must exist.
  virtual Result<std::unique_ptr<File>> Open(std::string_view path, OpenMode mode) = 0;

  virtual Result<FileInfo> Stat(std::string_view path) = 0;
  // Names, without the path, sorted bytewise; "." and ".." left out.
  virtual Result<std::vector<std::string>> List(std::string_view directory) = 0;

  // Replaces a file at `to`. A directory moves with all it holds; at `to` only an empty directory
  // may stand.
  virtual Status Rename(std::string_view from, std::string_view to) = 0;
  // A file or an empty directory.
  virtual Status Remove(std::string_view path) = 0;
  // Makes the directory and its missing parents, mode 0700, and syncs each parent it wrote to. Ok
  // when it exists.
  virtual Status MakeDirectories(std::string_view path) = 0;
  virtual Status SyncDirectory(std::string_view path) = 0;

  virtual Result<Space> FreeSpace(std::string_view path) = 0;
};

// True when something is at path; an Error only if that cannot be told.
Result<bool> Exists(Disk& disk, std::string_view path);
Result<std::string> ReadFile(Disk& disk, std::string_view path);
// Replaces path as a whole: written beside it as path + ".tmp", synced, renamed, directory synced.
Status WriteFile(Disk& disk, std::string_view path, Bytes bytes);
// Copies and syncs the bytes of `from`; the caller syncs the directory of `to`.
Status CopyFile(Disk& disk, std::string_view from, std::string_view to);
// Removes path with everything below it; ok when nothing is there. The caller syncs the parent.
Status RemoveTree(Disk& disk, std::string_view path);

// "a/b/c" -> "a/b"; "c" -> "."; "/c" -> "/".
std::string ParentOf(std::string_view path);
// "a", "b" -> "a/b".
std::string JoinPath(std::string_view directory, std::string_view name);

}  // namespace quorate::io
