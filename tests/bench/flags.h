// Flags: what a run of quorate-bench is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quorate::bench {

struct Flags {
  std::vector<std::string> endpoints = {"127.0.0.1:2379"};
  int connections = 8;
  std::uint64_t depth = 64;
  std::uint64_t total = 0;  // requests; 0: as many as the time allows
  double seconds = 10;
  double rate = 0;  // requests a second; 0: closed loop
  std::uint64_t keys = 100000;
  std::size_t key_bytes = 16;
  std::size_t value_bytes = 256;
  bool sequential = false;    // keys in order, each once, instead of at random
  std::uint64_t limit = 1;    // keys in a range
  bool serializable = false;  // gets and ranges
  bool json = false;

  int streams = 100;  // watch
  int watchers = 1;   // on each stream

  int pid = 0;       // failover: who is killed
  double after = 1;  // seconds of load before that
};

}  // namespace quorate::bench
