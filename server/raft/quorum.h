// Majority quorums: which index is committed, and how an election stands.
//
// Pure functions over values: no clock, no disk, no lock.
// Source: Raft thesis, sections 3.4 (elections) and 3.6.2 (commit rule).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace quorate::raft {

// How many of `voters` members make a majority; 1 for an empty set, so that nothing is decided
// without anybody.
constexpr std::size_t Majority(std::size_t voters) {
  return voters / 2 + 1;
}

// The largest index that a majority has acknowledged: acked holds one number for each voter, 0
// where nothing is known. 0 when there are no voters. Reorders its argument.
LogIndex CommittedIndex(std::vector<LogIndex>& acked);

enum class Vote : std::uint8_t { kPending, kWon, kLost };

// How an election among `voters` members stands. REQUIRES: granted + rejected <= voters.
Vote CountVotes(std::size_t voters, std::size_t granted, std::size_t rejected);

}  // namespace quorate::raft
