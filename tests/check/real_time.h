// Proofs: what revision somebody had certainly seen at a moment, from every answer of a history.
//
// Thread: any; plain data.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "check/history.h"
#include "check/linearizable.h"

namespace quorate::check {

class Proofs {
 public:
  explicit Proofs(const History& history);

  // The highest revision that an answer received before `at` carried; 0: none.
  std::int64_t SeenBefore(Instant at) const;
  // When a revision of at least this was first seen; kNever: not at all.
  Instant FirstSeen(std::int64_t revision) const;
  // The highest of all.
  std::int64_t last() const;

 private:
  // By time; only those that raise the revision, so both columns ascend.
  std::vector<std::pair<Instant, std::int64_t>> seen_;
};

// KV-2, KV-4, KV-8, KV-9, KV-10: adds to the verdict's findings.
void CheckRealTime(const History& history, const Proofs& proofs, KvVerdict& verdict);

}  // namespace quorate::check
