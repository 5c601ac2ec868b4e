// Metrics: GET /metrics in Prometheus' text format, under etcd's names.
//
// Nothing is counted twice: at a scrape, gauges are read from where they live; counters and
// histograms that belong to no other room live in a Counters that app hands to whoever counts.
//
// Thread: Counters from any; Collect on the raft+apply loop.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "api/context.h"
#include "rpc/router.h"
#include "rpc/server.h"

namespace quorate::api {

// DurationHistogram: etcd's disk buckets: 1 ms doubled thirteen times.
class DurationHistogram {
 public:
  static constexpr std::size_t kBuckets = 14;

  void Observe(std::chrono::nanoseconds duration);

  std::array<std::atomic<std::uint64_t>, kBuckets + 1> counts{};  // per bucket; last: beyond all
  std::atomic<std::uint64_t> sum_nanoseconds{0};
};

struct Counters {
  std::atomic<std::uint64_t> leader_changes{0};
  std::atomic<std::uint64_t> proposals_failed{0};
  std::atomic<std::uint64_t> proposals_pending{0};
  // What members compare. An answer that says nothing is unknown, never a pass.
  std::atomic<std::uint64_t> hellos_unknown{0};        // members that did not say what they know
  std::atomic<std::uint64_t> state_hashes_equal{0};    // windows equal on every member
  std::atomic<std::uint64_t> state_hashes_unknown{0};  // windows some member said nothing of
  std::atomic<std::uint64_t> hash_checks_equal{0};     // HashKV equal on every member
  std::atomic<std::uint64_t> hash_checks_unknown{0};   // some member gave no comparable HashKV
  std::atomic<std::uint64_t> divergences{0};           // differences found
  DurationHistogram wal_fsync;
  DurationHistogram backend_commit;
};

// grpc: the client port's byte counters.
void RegisterMetrics(rpc::Router& router, const Context& context, const Counters& counters,
                     const rpc::ServerCounters& grpc);

}  // namespace quorate::api
