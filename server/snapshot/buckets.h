// Buckets: which part of which family is which of etcd's buckets.
//
// Rows have etcd's bytes already; a bucket is a prefix of a family, and the prefix is ours alone.
#pragma once

#include <array>
#include <string_view>

#include "storage/schema.h"

namespace quorate::snapshot {

struct BucketRows {
  std::string_view bucket;
  storage::Family family;
  std::string_view prefix;  // of the rows in the family; not part of the bucket's keys
  std::string_view begin;   // the rows of the bucket are [begin, end) of the family
  std::string_view end;     // "": to its last row
};

// In the order of the buckets' names.
inline constexpr std::array kBuckets = {
    BucketRows{"alarm", storage::Family::kAlarm, "", "", ""},
    BucketRows{"auth", storage::Family::kAuth, "", "a", "b"},
    BucketRows{"authRoles", storage::Family::kAuth, storage::kAuthRolePrefix, "r/", "r0"},
    BucketRows{"authUsers", storage::Family::kAuth, storage::kAuthUserPrefix, "u/", "u0"},
    BucketRows{"cluster", storage::Family::kMember, storage::kClusterPrefix, "c/", "c0"},
    BucketRows{"key", storage::Family::kRev, "", "", ""},
    BucketRows{"lease", storage::Family::kLease, "", "", ""},
    BucketRows{"members", storage::Family::kMember, storage::kMemberPrefix, "m/", "m0"},
    BucketRows{"members_removed", storage::Family::kMember, storage::kRemovedMemberPrefix, "x/",
               "x0"},
    BucketRows{"meta", storage::Family::kMeta, "", "", ""},
};

}  // namespace quorate::snapshot
