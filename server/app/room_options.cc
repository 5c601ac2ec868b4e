#include "app/room_options.h"

#include <algorithm>

#include "app/process_facts.h"

namespace quorate::app {
namespace {

constexpr std::size_t kFrameOverhead = 512 * 1024;
// etcd keeps as many back for its log, its store and its peers.
constexpr std::uint64_t kReservedFiles = 150;

}  // namespace

// 3/2 of the election timeout in whole seconds, at least 1, as etcd rounds it.
std::int64_t LeaseTtlMin(const config::Options& options) {
  const auto ticks = options.election_timeout / options.heartbeat_interval;
  const auto minimum = options.heartbeat_interval * (3 * ticks / 2);
  return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(minimum).count());
}

node::Options NodeOptions(const config::Options& options) {
  node::Options node;
  node.heartbeat_interval = options.heartbeat_interval;
  node.election_timeout = options.election_timeout;
  node.pre_vote = options.pre_vote;
  node.first_election_early = options.initial_election_tick_advance;
  node.request_bytes_max = options.max_request_bytes;
  node.snapshot_count = options.snapshot_count;
  node.catch_up_entries = options.snapshot_catchup_entries;
  return node;
}

rpc::ServerOptions RpcOptions(const config::Options& options) {
  using std::chrono::milliseconds;
  rpc::ServerOptions rpc;
  rpc.message_bytes_max = options.max_request_bytes + kFrameOverhead;
  rpc.concurrent_streams_max = options.max_concurrent_streams;
  rpc.keepalive_min_time =
      std::chrono::duration_cast<milliseconds>(options.grpc_keepalive_min_time);
  rpc.keepalive_interval =
      std::chrono::duration_cast<milliseconds>(options.grpc_keepalive_interval);
  rpc.keepalive_timeout = std::chrono::duration_cast<milliseconds>(options.grpc_keepalive_timeout);
  return rpc;
}

CorruptionCheckOptions CorruptionOptions(const config::Options& options) {
  CorruptionCheckOptions checks;
  checks.initial = options.initial_corrupt_check;
  checks.periodic = options.corrupt_check_time;
  checks.compacted = options.compact_hash_check;
  checks.compacted_interval = options.compact_hash_check_time;
  return checks;
}

AutoCompactionOptions CompactionOptions(const config::Options& options) {
  return {.period = options.auto_compaction_period, .revisions = options.auto_compaction_revisions};
}

std::size_t ConnectionsMax() {
  const std::uint64_t files = ReadProcessFacts().open_files_max;
  return files <= kReservedFiles ? 0 : static_cast<std::size_t>(files - kReservedFiles);
}

}  // namespace quorate::app
