// CheckLinearizable: whether a history of keys and transactions could have come from etcd.
//
// Every answer carries the revision of the store when it was made, so nothing has to be searched as
// long as answers arrive: requests are put in the order of their revisions, executed by the model,
// and every answer is compared with the model's. What has no answer is found by the revisions that
// nobody claims: each of them was made by exactly one such request (or by a lease that ended), the
// one that fits the values and events seen of that revision. Only where nothing was seen it is
// guessed, and a guess that later proves wrong is taken back. Then a sweep over time finds answers
// that are older than what somebody had already seen.
//
// Rules: KV-1 to KV-5, KV-7 to KV-11; KV-6 by a last read of everything that the harness makes. The
// answer to what a lease's end deletes is here as well (L-4); its time is CheckLeases'.
// Thread: any; pure.
// Source: knowledge/reliability.md 3.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "check/history.h"
#include "check/model.h"

namespace quorate::check {

struct KvOptions {
  std::size_t findings_max = 20;      // then the check stops
  std::size_t guesses_max = 200'000;  // then the history is undecided
};

struct KvVerdict {
  std::vector<Finding> findings;
  // Guesses ran out: neither shown right nor wrong. `findings` says where.
  bool undecided = false;

  // The history as it must have been: for the other checkers. With findings, as near as possible.
  Model model;
  // For each operation the revision at which it wrote or read; 0: none, or it never happened.
  std::vector<std::int64_t> revision_of;
  // For each revision the operation that made it, -1: a lease's end or unknown.
  std::vector<std::ptrdiff_t> writer_of;

  // Counts, for reports.
  std::size_t writes = 0, reads = 0, serializable_reads = 0, refused = 0;
  std::size_t unknown_happened = 0, unknown_absent = 0, lease_ends = 0, guesses = 0;

  bool ok() const { return findings.empty() && !undecided; }
};

KvVerdict CheckLinearizable(const History& history, const KvOptions& options = {});

// No answer of a range or of a transaction that only reads and allows stale answers.
bool IsSerializable(const etcdserverpb::RequestOp& request);
// Whether an answer says that something was changed.
bool Mutated(const etcdserverpb::ResponseOp& response);

}  // namespace quorate::check
