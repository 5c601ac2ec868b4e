#include "raft/waiting_changes.h"

#include <algorithm>
#include <utility>

namespace quorate::raft {

bool WaitingChanges::Add(Entry change) {
  if (changes_.size() >= kMax) return false;
  changes_.push_back({std::move(change)});
  return true;
}

std::size_t WaitingChanges::Age() {
  const std::size_t forgotten =
      std::erase_if(changes_, [](const Change& change) { return change.old; });
  for (Change& change : changes_) change.old = true;
  return forgotten;
}

}  // namespace quorate::raft
