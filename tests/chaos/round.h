// Round: one cluster from its start to its check.
//
// The members run, clients work, faults come; then everything is mended, everything is read, every
// member must have the same data, and the history and each data directory are checked.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "check/history.h"

namespace quorate::chaos {

struct RoundOptions {
  std::uint64_t seed = 1;
  int members = 3;
  int seconds = 60;                // of faults
  int faults = 0;                  // at least so many, even when the time is over
  int kill_all = 0;                // so many cycles of kill -9 to all instead of the drawn faults
  std::vector<std::string> kinds;  // of faults
  std::string directory;           // for data and logs; empty
};

struct RoundReport {
  std::map<std::string, int> faults;
  std::size_t operations = 0, writes = 0, reads = 0, unknown = 0, happened = 0;
  std::size_t watches = 0, events = 0, leases = 0, expired = 0;
  check::Instant worst_gap = 0;
  std::vector<std::string> findings;
};

// history_path: where the whole history goes as text when there are findings.
RoundReport PlayRound(const RoundOptions& options, const std::string& history_path);

}  // namespace quorate::chaos
