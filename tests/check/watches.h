// CheckWatches: whether every watch was told everything, once, in order and nothing else.
//
// The events that a watch must get follow from the model that CheckLinearizable left: those of its
// key range that its filters let pass, from its start on. A stream may end at any time; only
// `complete_until` claims that it did not end too early.
//
// Rules: W-1 to W-10, and W-11 by `complete_until`; events are compared with the model's in full,
// prev_kv included where it was asked for. One revision's events may come in any order.
// Thread: any; pure.
// Source: knowledge/reliability.md 3.2.
#pragma once

#include <cstddef>
#include <vector>

#include "check/history.h"
#include "check/linearizable.h"

namespace quorate::check {

struct WatchVerdict {
  std::vector<Finding> findings;
  std::size_t watches = 0, events = 0, bookmarks = 0;

  bool ok() const { return findings.empty(); }
};

// kv: of the same history, without findings (else the model may be wrong).
WatchVerdict CheckWatches(const History& history, const KvVerdict& kv,
                          std::size_t findings_max = 20);

}  // namespace quorate::check
