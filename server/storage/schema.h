// Schema: the families of the store and the names of their rows.
//
// A family is a separate ordered map of bytes. Rows keep etcd's bytes wherever etcd has the same
// thing in a bucket, so that a snapshot file is a plain merge of the families:
//
//   kRev     bucket key: 17 bytes "main(8, big-endian) _ sub(8)" (+ 't' for a tombstone)
//            -> mvccpb.KeyValue
//   kMeta    bucket meta: consistent_index, term, confState, scheduledCompactRev,
//            finishedCompactRev, ...
//   kLease   bucket lease: 8-byte big-endian id -> leasepb.Lease
//   kAuth    buckets auth, authUsers, authRoles: authEnabled, authRevision; "u/"+name ->
//            authpb.User; "r/"+name -> authpb.Role
//   kAlarm   bucket alarm: etcdserverpb.AlarmMember -> empty
//   kMember  buckets members, members_removed, cluster: "m/"+hex id -> JSON; "x/"+hex id ->
//            "removed"; "c/"+name -> text
//   kIndex   no bucket: the checkpoint of the key index (mvcc/FORMAT.md), this member's own
//
// Source: etcd server/storage/schema (names), knowledge/etcd.md 5.5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quorate::storage {

enum class Family : std::uint8_t { kRev, kMeta, kLease, kAuth, kAlarm, kMember, kIndex };

inline constexpr std::array kFamilies = {Family::kRev,  Family::kMeta,  Family::kLease,
                                         Family::kAuth, Family::kAlarm, Family::kMember,
                                         Family::kIndex};
inline constexpr std::size_t kFamilyCount = kFamilies.size();

constexpr std::size_t Slot(Family family) {
  return static_cast<std::size_t>(family);
}

// Rows of kMeta. The backend itself writes the first two, with every commit.
inline constexpr std::string_view kConsistentIndex = "consistent_index";  // 8 bytes, big-endian
inline constexpr std::string_view kTerm = "term";                         // 8 bytes, big-endian
inline constexpr std::string_view kConfState = "confState";  // JSON of raftpb.ConfState
inline constexpr std::string_view kScheduledCompact = "scheduledCompactRev";
inline constexpr std::string_view kFinishedCompact = "finishedCompactRev";
inline constexpr std::string_view kStorageVersion = "storageVersion";  // "3.6.0"

// Rows of kAuth and the prefixes of the other buckets that share a family.
inline constexpr std::string_view kAuthEnabled = "authEnabled";
inline constexpr std::string_view kAuthRevision = "authRevision";
inline constexpr std::string_view kAuthUserPrefix = "u/";
inline constexpr std::string_view kAuthRolePrefix = "r/";
inline constexpr std::string_view kMemberPrefix = "m/";
inline constexpr std::string_view kRemovedMemberPrefix = "x/";
inline constexpr std::string_view kClusterPrefix = "c/";
inline constexpr std::string_view kClusterVersion = "c/clusterVersion";
inline constexpr std::string_view kDowngrade = "c/downgrade";

}  // namespace quorate::storage
