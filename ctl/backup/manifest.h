// Manifest: what is known of one backup, stored beside it as manifest.json and written last.
//
// A folder without a manifest is no backup: a run that did not end. Fields that this version does
// not know are ignored; another format is refused. FORMAT.md shows an example.
//
// Errors: kDataLoss when the text is no manifest; kUnimplemented for a format of a later version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace quorate::backup {

inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kSnapshotName = "snapshot.db.zst";
inline constexpr std::string_view kFormat = "quorate.dev/backup/v1";

// The HashKV that a member gave for the backup's revision, and how far it was compacted then.
struct MemberHash {
  std::uint32_t hash = 0;
  std::int64_t compact_revision = -1;  // -1: never compacted

  bool operator==(const MemberHash&) const = default;
};

struct Manifest {
  std::string created;       // "2026-11-21T08:43:00Z"
  std::string cluster_id;    // hexadecimal
  std::string name_space;    // of the EtcdCluster; empty outside Kubernetes
  std::string cluster_name;  // "
  std::string cluster_uid;   // "
  std::string member;        // name of the member it was read from
  std::string member_id;     // hexadecimal
  std::string server_version;
  std::string storage_version;     // of the file; empty before 3.6
  std::int64_t revision = 0;       // every change up to this one is in it
  std::uint64_t size_bytes = 0;    // of the snapshot file, its digest included
  std::uint64_t stored_bytes = 0;  // compressed
  std::string sha256;              // of the stored object, hexadecimal
  std::string database_sha256;     // of the database inside, hexadecimal
  std::vector<MemberHash> hashes;  // at `revision`; none: the member gave none
  std::string tool;                // program and version that wrote it

  bool operator==(const Manifest&) const = default;
};

std::string ToJson(const Manifest& manifest);
Result<Manifest> ParseManifest(std::string_view json);

}  // namespace quorate::backup
