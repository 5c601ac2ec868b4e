// Judge: who is right when members answer the same question differently.
//
// A value that a majority of all voters hold is right: the cluster goes on with it, and whoever
// holds another one has diverged. Members that did not answer count for nobody. Without such a
// majority nobody can tell who is right.
//
// Thread: any; pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/ids.h"

namespace quorate::app {

struct Judgement {
  enum class Kind : std::uint8_t { kEqual, kMinority, kUndecided };

  Kind kind = Kind::kEqual;     // kEqual: all that answered agree
  std::uint64_t right = 0;      // of kMinority: what the majority holds
  std::vector<MemberId> wrong;  // of kMinority: who holds something else, learners too
};

Judgement Judge(const std::map<MemberId, std::uint64_t>& answers, const std::set<MemberId>& voters);

}  // namespace quorate::app
