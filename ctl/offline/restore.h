// Restore: a new member's data directory from a snapshot file, in etcd's layout.
//
// What it writes starts under etcd and under quorate-server alike: member/snap/db with the new
// members and the log position of a fresh cluster, and a write-ahead log that holds one
// configuration change a member. Every member of the new cluster is restored from the same file
// with the same initial cluster and token.
//
// The directory is built as member.restoring and renamed when it is whole and synced, so an
// interrupted restore can simply be run again. Unlike etcdutl it drops an old NOSPACE alarm,
// which would block every write of the new cluster.
//
// Errors: etcdutl's words. kInvalidArgument for the flags, kFailedPrecondition for directories in
// the way, kDataLoss for the file.
// Thread: any.
// Source: knowledge/etcd.md 4.3.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/disk.h"
#include "membership/member.h"

namespace quorate::offline {

// A file of this name in the data directory is not in the way: a backup is fetched to it.
inline constexpr const char* kFetchedSnapshotName = "backup.fetched";

struct RestoreOptions {
  std::string name = "default";
  std::string initial_cluster = "default=http://localhost:2380";
  std::string initial_cluster_token = "etcd-cluster";
  std::string initial_advertise_peer_urls = "http://localhost:2380";  // comma list
  std::string data_directory;                                         // "": NAME.etcd
  std::string wal_directory;                                          // "": DATA/member/wal
  bool skip_hash_check = false;     // for a file without a digest, copied from a data directory
  std::uint64_t bump_revision = 0;  // the next revision is larger by so much; needs mark_compacted
  bool mark_compacted = false;      // watchers of older revisions are told so
};

struct Restored {
  std::string data_directory;
  std::string wal_directory;
  ClusterId cluster;
  MemberId self;
  std::vector<membership::Member> members;  // by id
  std::int64_t revision = 0;                // of the last change in the file
  std::int64_t revision_bumped = 0;         // after the bump; 0: none was asked for
};

Result<Restored> RestoreSnapshot(io::Disk& disk, std::string_view path,
                                 const RestoreOptions& options);

}  // namespace quorate::offline
