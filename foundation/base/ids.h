// Ids: the numbers the whole house shares, each a type of its own.
#pragma once

#include <cstdint>

#include "base/strong_id.h"

namespace quorate {

using MemberId = StrongId<struct MemberIdTag, std::uint64_t>;    // 0: none
using ClusterId = StrongId<struct ClusterIdTag, std::uint64_t>;  // 0: not yet known
using LeaseId = StrongId<struct LeaseIdTag, std::int64_t>;       // 0: no lease

using Term = Ordinal<struct TermTag, std::uint64_t>;  // raft term; 0: before any election
using LogIndex =
    Ordinal<struct LogIndexTag, std::uint64_t>;  // raft log index; 0: before the first entry
using Revision =
    Ordinal<struct RevisionTag, std::int64_t>;  // mvcc main revision; an empty store is at 1

}  // namespace quorate
