#include "api/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "api/info.h"
#include "base/bytes.h"
#include "membership/version.h"

namespace quorate::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kNanoseconds = 1e-9;
constexpr double kFirstBucket = 0.001;

class Collector {
 public:
  void Gauge(const char* name, const char* help, double value,
             std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    Add(name, help, MetricType::Gauge, std::move(metric));
  }
  void Counter(const char* name, const char* help, double value) {
    ClientMetric metric;
    metric.counter.value = value;
    Add(name, help, MetricType::Counter, std::move(metric));
  }
  void Histogram(const char* name, const char* help, const DurationHistogram& histogram) {
    ClientMetric metric;
    std::uint64_t total = 0;
    double bound = kFirstBucket;
    for (std::size_t i = 0; i < DurationHistogram::kBuckets; ++i, bound *= 2) {
      total += histogram.counts[i];
      metric.histogram.bucket.push_back({total, bound});
    }
    metric.histogram.sample_count = total + histogram.counts[DurationHistogram::kBuckets];
    metric.histogram.sample_sum = static_cast<double>(histogram.sum_nanoseconds) * kNanoseconds;
    Add(name, help, MetricType::Histogram, std::move(metric));
  }
  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  void Add(const char* name, const char* help, MetricType type, ClientMetric metric) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    family.metric.push_back(std::move(metric));
    families_.push_back(std::move(family));
  }

  std::vector<MetricFamily> families_;
};

double Number(bool flag) {
  return flag ? 1 : 0;
}
template <typename T>
double Number(const T& number) {
  return static_cast<double>(number);
}

void CollectServer(const Context& context, const Counters& counters, Collector& out) {
  const node::Status status = context.node->status();
  const MemberId self = context.identity.member;
  out.Gauge("etcd_server_has_leader", "1 when a leader is known.",
            Number(status.leader != MemberId{}));
  out.Gauge("etcd_server_is_leader", "1 when this member leads.", Number(status.leader == self));
  out.Gauge("etcd_server_is_learner", "1 when this member is a learner.",
            Number(status.is_learner));
  out.Gauge("etcd_server_id", "The member's id, as a label.", 1,
            {{"server_id", ToHex(self.value)}});
  out.Gauge("etcd_server_version", "The etcd release served, as a label.", 1,
            {{"server_version", membership::kEtcdVersion.ToString()}});
  out.Gauge("quorate_version", "Quorate's own version, as a label.", 1,
            {{"version", kQuorateVersion}});
  out.Counter("etcd_server_leader_changes_seen_total", "Leader changes seen.",
              Number(counters.leader_changes.load()));
  out.Gauge("etcd_server_proposals_committed_total", "Index of the last committed entry.",
            Number(status.committed.value));
  out.Gauge("etcd_server_proposals_applied_total", "Index of the last applied entry.",
            Number(status.applied.value));
  out.Gauge("etcd_server_proposals_pending", "Proposals that wait to be applied.",
            Number(counters.proposals_pending.load()));
  out.Counter("etcd_server_proposals_failed_total", "Proposals that failed.",
              Number(counters.proposals_failed.load()));
  out.Gauge("etcd_server_quota_backend_bytes", "Size at which writes stop, bytes.",
            Number(context.applier->quota().limit()));
  const auto roster = context.cluster->roster();
  if (roster->version) {
    out.Gauge("etcd_cluster_version", "The version the cluster agreed on, as a label.", 1,
              {{"cluster_version", std::to_string(roster->version->major) + "." +
                                       std::to_string(roster->version->minor)}});
  }
  for (const auto& [member, kind] : context.applier->alarms().List(apply::AlarmKind::kNone)) {
    out.Gauge("etcd_debugging_server_alarms", "1 for each raised alarm.", 1,
              {{"server_id", ToHex(member.value)},
               {"alarm_type", kind == apply::AlarmKind::kNoSpace ? "NOSPACE" : "CORRUPT"}});
  }
}

void CollectGuards(const Counters& counters, Collector& out) {
  out.Counter("quorate_hello_unknown_total",
              "Members that did not say at our start what they know of us.",
              Number(counters.hellos_unknown.load()));
  out.Counter("quorate_state_hash_equal_total",
              "Windows of a thousand entries whose effects are equal on every member.",
              Number(counters.state_hashes_equal.load()));
  out.Counter("quorate_state_hash_unknown_total", "Windows of which some member could say nothing.",
              Number(counters.state_hashes_unknown.load()));
  out.Counter("quorate_hash_check_equal_total", "HashKV comparisons equal on every member.",
              Number(counters.hash_checks_equal.load()));
  out.Counter("quorate_hash_check_unknown_total",
              "HashKV comparisons to which some member gave no comparable answer.",
              Number(counters.hash_checks_unknown.load()));
  out.Counter("quorate_divergence_total", "Differences found between members.",
              Number(counters.divergences.load()));
}

void CollectStore(const Context& context, Collector& out) {
  const storage::Sizes sizes = context.environment->sizes();
  out.Gauge("etcd_mvcc_db_total_size_in_bytes", "What the store occupies, bytes.",
            Number(sizes.bytes_total));
  out.Gauge("etcd_mvcc_db_total_size_in_use_in_bytes", "Of these, bytes of live rows.",
            Number(sizes.bytes_in_use));
  out.Gauge("etcd_debugging_mvcc_current_revision", "The store's revision.",
            Number(context.store->revision().value));
  out.Gauge("etcd_debugging_mvcc_compact_revision", "The revision compacted last.",
            Number(context.store->compact_revision().value));
  out.Gauge("etcd_debugging_mvcc_keys_total", "Keys that live.",
            Number(context.store->key_count()));
  out.Gauge("etcd_debugging_mvcc_watch_stream_total", "Watch streams open.",
            Number(context.hub->stream_count()));
  out.Gauge("etcd_debugging_mvcc_watcher_total", "Watchers.", Number(context.hub->watcher_count()));
  out.Gauge("etcd_debugging_mvcc_slow_watcher_total", "Watchers that catch up.",
            Number(context.hub->slow_watcher_count()));
  out.Counter("etcd_debugging_mvcc_events_total", "Events sent to watchers.",
              Number(context.hub->events_sent()));
}

void CollectProcess(const Context& context, const rpc::ServerCounters& grpc,
                    const Counters& counters, Collector& out) {
  out.Counter("etcd_network_client_grpc_sent_bytes_total", "Message bytes sent to clients.",
              Number(grpc.sent_bytes.load()));
  out.Counter("etcd_network_client_grpc_received_bytes_total",
              "Message bytes received from clients.", Number(grpc.received_bytes.load()));
  out.Histogram("etcd_disk_wal_fsync_duration_seconds", "Time of a log sync.", counters.wal_fsync);
  out.Histogram("etcd_disk_backend_commit_duration_seconds", "Time of a store commit.",
                counters.backend_commit);
  const ProcessFacts process = context.environment->process();
  out.Counter("process_cpu_seconds_total", "User and system time, seconds.", process.cpu_seconds);
  out.Gauge("process_resident_memory_bytes", "Resident memory, bytes.",
            Number(process.resident_bytes));
  out.Gauge("process_open_fds", "Open file descriptors.", Number(process.open_files));
  out.Gauge("process_max_fds", "File descriptors allowed.", Number(process.open_files_max));
  out.Gauge("process_start_time_seconds", "Start, seconds since 1970.",
            Number(context.environment->facts().started_unix_seconds));
}

}  // namespace

void DurationHistogram::Observe(std::chrono::nanoseconds duration) {
  std::size_t bucket = 0;
  auto bound = std::chrono::nanoseconds(std::chrono::milliseconds(1));
  while (bucket < kBuckets && duration > bound) {
    bound *= 2;
    ++bucket;
  }
  ++counts[bucket];
  sum_nanoseconds += static_cast<std::uint64_t>(duration.count());
}

void RegisterMetrics(rpc::Router& router, const Context& context, const Counters& counters,
                     const rpc::ServerCounters& grpc) {
  router.Http("/metrics", [&](const std::shared_ptr<net::HttpExchange>& exchange) {
    context.node->Post([&context, &counters, &grpc, exchange] {
      Collector out;
      CollectServer(context, counters, out);
      CollectGuards(counters, out);
      CollectStore(context, out);
      CollectProcess(context, grpc, counters, out);
      net::HttpResponse response;
      response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      response.body = out.Text();
      exchange->Respond(std::move(response));
    });
  });
}

}  // namespace quorate::api
