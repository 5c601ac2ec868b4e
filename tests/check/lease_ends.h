// LeaseEnds: which revisions are the ends of leases.
//
// The end of a lease deletes what is attached to it and nobody is told; a deletion whose answer got
// lost looks the same. A revision that no such deletion can have made is an end for certain. The
// others are doubtful: what would be wrong with an end there must be excused by a deletion, and
// each deletion can have made one revision only. So the doubt lasts as long as there are enough
// deletions to explain everything at once (a matching), and not longer.
//
// Ownership: borrows the history and the verdict. Thread: any; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "check/history.h"
#include "check/linearizable.h"
#include "check/real_time.h"

namespace quorate::check {

class LeaseEnds {
 public:
  LeaseEnds(const History& history, const KvVerdict& kv, const Proofs& proofs);

  struct End {
    std::int64_t lease = 0;
    std::int64_t revision = 0;
  };
  // By lease: the revision, for certain.
  const std::map<std::int64_t, std::int64_t>& certain() const { return certain_; }
  // Revisions that are the end of this lease, or a deletion's.
  const std::vector<End>& doubtful() const { return doubtful_; }

  // Whether a deletion can have made this doubtful revision while others made all that were excused
  // before, and those that only a deletion can have made.
  bool Excuse(std::int64_t revision);

 private:
  void Judge(std::int64_t revision);
  std::int64_t LeaseOf(std::int64_t revision, const std::vector<mvccpb::Event>& events) const;
  std::vector<std::size_t> Makers(std::int64_t revision,
                                  const std::vector<mvccpb::Event>& events) const;
  bool Match(std::int64_t revision, std::set<std::size_t>& tried);

  const History& history_;
  const KvVerdict& kv_;
  const Proofs& proofs_;
  std::vector<std::size_t> deletions_;                  // without an answer
  std::map<std::int64_t, std::int64_t> attached_last_;  // by lease: the last revision of a put
  std::map<std::int64_t, std::int64_t> certain_;
  std::vector<End> doubtful_;
  std::map<std::int64_t, std::vector<std::size_t>> makers_;  // by revision: deletions
  std::map<std::size_t, std::int64_t> made_;                 // by deletion: the revision it excuses
};

}  // namespace quorate::check
