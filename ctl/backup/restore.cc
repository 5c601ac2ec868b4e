#include "backup/restore.h"

#include <utility>

#include "base/bytes.h"
#include "offline/hash_kv.h"

namespace quorate::backup {
namespace {

// Compares with whichever of the member's hashes was made at the file's state of compaction.
Result<std::optional<std::uint32_t>> CompareHash(objectstore::ObjectStore& store,
                                                 const Entry& entry, io::Disk& disk,
                                                 const std::string& database) {
  const auto file = TRY(offline::HashKvOfFile(disk, database, Revision{entry.manifest.revision}));
  for (const auto& noted : entry.manifest.hashes) {
    if (noted.compact_revision != file.compact_revision) continue;
    if (noted.hash == file.hash) return std::optional<std::uint32_t>(file.hash);
    return Error{Code::kDataLoss, "backup " + store.AddressOf(entry.location) +
                                      " is damaged: its HashKV at revision " +
                                      std::to_string(entry.manifest.revision) + " is " +
                                      std::to_string(file.hash) + " where its manifest says " +
                                      std::to_string(noted.hash) + "; use another backup"};
  }
  return std::optional<std::uint32_t>();
}

Result<VerifyResult> RestoreAndCompare(objectstore::ObjectStore& store, const Entry& entry,
                                       io::Disk& disk, const std::string& folder,
                                       const std::string& snapshot, Stage& stage) {
  stage = Stage::kBackup;
  offline::RestoreOptions options;
  options.data_directory = io::JoinPath(folder, "data");
  const auto restored = TRY(offline::RestoreSnapshot(disk, snapshot, options));
  VerifyResult result;
  result.restored = true;
  result.hash =
      TRY(CompareHash(store, entry, disk, io::JoinPath(restored.data_directory, "member/snap/db")));
  return result;
}

}  // namespace

Result<RestoreResult> Restore(objectstore::ObjectStore& store, const Entry& entry, io::Disk& disk,
                              const offline::RestoreOptions& options, bool keep_existing,
                              const Watcher& watcher, Stage& stage) {
  stage = Stage::kDisk;
  RestoreResult result;
  const std::string& directory = options.data_directory;
  if (TRY(io::Exists(disk, io::JoinPath(directory, "member")))) {
    result.existed = true;
    if (keep_existing) return result;
    return Error{
        Code::kFailedPrecondition,
        "data-dir \"" + directory + "\" already holds a member: restore into an empty one"};
  }
  TRY(disk.MakeDirectories(directory));
  const std::string snapshot = io::JoinPath(directory, offline::kFetchedSnapshotName);
  TRY(Fetch(store, entry, disk, snapshot, watcher, stage));
  stage = Stage::kDisk;
  auto restored = offline::RestoreSnapshot(disk, snapshot, options);
  if (!restored.ok() && restored.error().code == Code::kDataLoss) stage = Stage::kBackup;
  if (!restored.ok() && restored.error().code == Code::kInvalidArgument) stage = Stage::kArguments;
  const Status removed = disk.Remove(snapshot);
  if (!restored.ok()) return std::move(restored).error();
  TRY(Status(removed));
  TRY(disk.SyncDirectory(directory));
  result.restored = std::move(restored).value();
  return result;
}

Result<VerifyResult> Verify(objectstore::ObjectStore& store, const Entry& entry, io::Disk& disk,
                            const std::string& scratch, bool checksum_only, const Watcher& watcher,
                            Stage& stage) {
  stage = Stage::kDisk;
  const std::string folder = io::JoinPath(scratch, "quorate-verify-" + entry.manifest.sha256);
  TRY(io::RemoveTree(disk, folder));
  TRY(disk.MakeDirectories(folder));
  const std::string snapshot = io::JoinPath(folder, offline::kFetchedSnapshotName);
  Result<VerifyResult> result = VerifyResult{};
  Status fetched = Fetch(store, entry, disk, snapshot, watcher, stage);
  if (!fetched.ok()) {
    result = std::move(fetched).error();
  } else if (!checksum_only) {
    result = RestoreAndCompare(store, entry, disk, folder, snapshot, stage);
  }
  const Status removed = io::RemoveTree(disk, folder);
  if (result.ok() && !removed.ok()) {
    stage = Stage::kDisk;
    return removed.error();
  }
  return result;
}

}  // namespace quorate::backup
