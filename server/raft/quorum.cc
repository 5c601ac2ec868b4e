#include "raft/quorum.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/check.h"

namespace quorate::raft {

LogIndex CommittedIndex(std::vector<LogIndex>& acked) {
  if (acked.empty()) return LogIndex{0};
  const std::size_t position = acked.size() - Majority(acked.size());
  std::nth_element(acked.begin(), acked.begin() + static_cast<std::ptrdiff_t>(position),
                   acked.end());
  return acked[position];
}

Vote CountVotes(std::size_t voters, std::size_t granted, std::size_t rejected) {
  CHECK(granted + rejected <= voters);
  const std::size_t needed = Majority(voters);
  if (granted >= needed) return Vote::kWon;
  if (voters - rejected < needed) return Vote::kLost;
  return Vote::kPending;
}

}  // namespace quorate::raft
