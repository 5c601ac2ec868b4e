// CheckRegisters: a second opinion on linearizability that trusts no revision.
//
// Each key is looked at alone, as a register that is read and written, and an order is searched
// that fits the answers and the times at which they were asked for and came; a key for which there
// is none is a finding. Whatever CheckLinearizable believes because of a revision in an answer is
// not believed here, so an error in that trust shows. Necessary, not sufficient: transactions are
// taken apart, old revisions and leased keys are left out.
//
// The search is that of Wing and Gong, with Lowe's just-in-time linearization: what may be true is
// a set of (value, which open operations have happened), carried along the answers in time. Thread:
// any; pure. Source: Lowe, "Testing for linearizability", 2016.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "check/history.h"

namespace quorate::check {

struct RegisterVerdict {
  std::vector<Finding> findings;  // rule "KV-L"
  std::size_t keys = 0, steps = 0;
  std::size_t left_out = 0;  // keys with too much open at a time

  bool ok() const { return findings.empty(); }
};

// states_max: kept for one key at a time; more, and the key is left out.
RegisterVerdict CheckRegisters(const History& history, std::size_t states_max = 20'000);

}  // namespace quorate::check
