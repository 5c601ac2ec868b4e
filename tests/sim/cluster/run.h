// Run: one seed from begin to end, and a failing one made small.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cluster/cluster.h"
#include "sim/cluster/plan.h"

namespace quorate::sim::cluster {

struct RunOptions {
  PlanOptions plan;
  std::string planted;  // a planted bug by its name; empty: none
  bool verbose = false;
  std::optional<std::set<std::size_t>> only;  // these faults of the plan
};

struct Outcome {
  std::optional<std::string> violation;
  std::uint64_t trace = 0;
  std::uint64_t events = 0;
  double seconds = 0;  // simulated
  Counts counts;
  std::uint64_t compared = 0;
  std::uint64_t leaders = 0;
  std::uint64_t messages = 0;
};

Outcome RunSeed(std::uint64_t seed, const RunOptions& options);

// The positions of the faults that are enough for the run to fail, found by leaving out ever
// smaller parts (delta debugging). runs_max bounds the work.
std::set<std::size_t> Minimise(std::uint64_t seed, RunOptions options, int runs_max = 120);

// What a person needs who must look at a failure: the seed, the violation, the command that repeats
// it and the shortest list of faults.
std::string Story(std::uint64_t seed, const RunOptions& options, const std::string& violation,
                  const std::set<std::size_t>& faults);

// The commit that is checked out, or "unknown".
std::string Commit();

// How often each kind of fault came.
std::string FaultReport(const Counts& counts);

// Reached and hit, by name, of every place in the rooms; `brief`: totals and what was never
// reached.
std::string SiteReport(bool brief);

}  // namespace quorate::sim::cluster
