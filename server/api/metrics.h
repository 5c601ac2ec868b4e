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
  DurationHistogram wal_fsync;
  DurationHistogram backend_commit;
};

// grpc: the client port's byte counters.
void RegisterMetrics(rpc::Router& router, const Context& context, const Counters& counters,
                     const rpc::ServerCounters& grpc);

}  // namespace quorate::api
