#include "runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace quorate::runtime {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

Family<Counter>& MakeCounter(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}
Family<Gauge>& MakeGauge(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}
Family<Histogram>& MakeHistogram(Registry& registry, const char* name, const char* help) {
  return BuildHistogram().Name(name).Help(help).Register(registry);
}

// Seconds: controller-runtime's buckets, of which every second one.
Histogram::BucketBoundaries ReconcileBuckets() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};
}
Histogram::BucketBoundaries QueueBuckets() {
  return {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000};
}

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// A counter that follows a number counted elsewhere.
void RaiseTo(Counter& counter, double value) {
  if (value > counter.Value()) counter.Increment(value - counter.Value());
}

// The names that every Prometheus client library gives to these.
class Process {
 public:
  Process(Registry& registry, std::function<ProcessFacts()> read)
      : read_(std::move(read)),
        cpu_(MakeCounter(registry, "process_cpu_seconds_total",
                         "Total user and system CPU time spent in seconds")
                 .Add({})),
        resident_(Add(registry, "process_resident_memory_bytes", "Resident memory size in bytes")),
        virtual_(Add(registry, "process_virtual_memory_bytes", "Virtual memory size in bytes")),
        open_files_(Add(registry, "process_open_fds", "Number of open file descriptors")),
        open_files_max_(
            Add(registry, "process_max_fds", "Maximum number of open file descriptors")),
        started_(Add(registry, "process_start_time_seconds",
                     "Start time of the process since unix epoch in seconds")) {}

  void Update() {
    const ProcessFacts facts = read_();
    RaiseTo(cpu_, facts.cpu_seconds);
    resident_.Set(facts.resident_bytes);
    virtual_.Set(facts.virtual_bytes);
    open_files_.Set(facts.open_files);
    open_files_max_.Set(facts.open_files_max);
    started_.Set(facts.started_unix_seconds);
  }

 private:
  static Gauge& Add(Registry& registry, const char* name, const char* help) {
    return MakeGauge(registry, name, help).Add({});
  }

  std::function<ProcessFacts()> read_;
  Counter& cpu_;
  Gauge& resident_;
  Gauge& virtual_;
  Gauge& open_files_;
  Gauge& open_files_max_;
  Gauge& started_;
};

}  // namespace

struct Metrics::Impl {
  Registry registry;
  Family<Counter>& reconciles = MakeCounter(registry, "controller_runtime_reconcile_total",
                                            "Total number of reconciliations per controller");
  Family<Counter>& errors = MakeCounter(registry, "controller_runtime_reconcile_errors_total",
                                        "Total number of reconciliation errors per controller");
  Family<Histogram>& reconcile_time =
      MakeHistogram(registry, "controller_runtime_reconcile_time_seconds",
                    "Length of time per reconciliation per controller");
  Family<Gauge>& depth = MakeGauge(registry, "workqueue_depth", "Current depth of workqueue");
  Family<Counter>& adds =
      MakeCounter(registry, "workqueue_adds_total", "Total number of adds handled by workqueue");
  Family<Counter>& retries = MakeCounter(registry, "workqueue_retries_total",
                                         "Total number of retries handled by workqueue");
  Family<Histogram>& queue_time =
      MakeHistogram(registry, "workqueue_queue_duration_seconds",
                    "How long in seconds an item stays in workqueue before being requested");
  Family<Gauge>& active = MakeGauge(registry, "controller_runtime_active_workers",
                                    "Number of currently used workers per controller");
  Family<Counter>& requests =
      MakeCounter(registry, "rest_client_requests_total",
                  "Number of HTTP requests, partitioned by status code and method");
  Family<Gauge>& leading = MakeGauge(registry, "leader_election_master_status",
                                     "1 when this process holds the lease, 0 otherwise");
  Family<Counter>& steps = MakeCounter(registry, "quorate_operator_steps_total",
                                       "Steps taken for clusters, by kind and outcome");
  Family<Gauge>& conditions = MakeGauge(registry, "quorate_operator_cluster_condition",
                                        "Condition of a cluster: 1 true, 0 false, -1 unknown");
  Mutex mutex;
  std::optional<Process> process QUORATE_GUARDED_BY(mutex);
  std::map<std::pair<std::string, std::string>, std::map<std::string, Gauge*>> clusters
      QUORATE_GUARDED_BY(mutex);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::ReconcileDone(std::string_view controller, std::string_view result,
                            std::chrono::nanoseconds took) {
  const std::string name(controller);
  impl_->reconciles.Add({{"controller", name}, {"result", std::string(result)}}).Increment();
  auto& errors = impl_->errors.Add({{"controller", name}});
  if (result == "error") errors.Increment();
  impl_->reconcile_time.Add({{"controller", name}}, ReconcileBuckets()).Observe(Seconds(took));
}

void Metrics::QueueState(std::string_view controller, const WorkQueue::Counts& counts) {
  const prometheus::Labels labels{{"name", std::string(controller)},
                                  {"controller", std::string(controller)}};
  impl_->depth.Add(labels).Set(static_cast<double>(counts.depth));
  const MutexLock lock(impl_->mutex);  // two workers must not raise one counter at once
  RaiseTo(impl_->adds.Add(labels), static_cast<double>(counts.adds));
  RaiseTo(impl_->retries.Add(labels), static_cast<double>(counts.retries));
  impl_->active.Add({{"controller", std::string(controller)}})
      .Set(static_cast<double>(counts.in_work));
}

void Metrics::QueueWait(std::string_view controller, std::chrono::nanoseconds waited) {
  impl_->queue_time
      .Add({{"name", std::string(controller)}, {"controller", std::string(controller)}},
           QueueBuckets())
      .Observe(Seconds(waited));
}

void Metrics::RestRequest(std::string_view method, int status) {
  const std::string code = status == 0 ? "<error>" : std::to_string(status);
  impl_->requests.Add({{"method", std::string(method)}, {"code", code}}).Increment();
}

void Metrics::Leading(std::string_view lease, bool leading) {
  impl_->leading.Add({{"name", std::string(lease)}}).Set(leading ? 1 : 0);
}

void Metrics::Step(std::string_view step, std::string_view outcome) {
  impl_->steps.Add({{"step", std::string(step)}, {"outcome", std::string(outcome)}}).Increment();
}

void Metrics::ClusterCondition(std::string_view ns, std::string_view name,
                               std::string_view condition, double value) {
  const MutexLock lock(impl_->mutex);  // ForgetCluster must not take the gauge away meanwhile
  auto& gauge = impl_->conditions.Add({{"namespace", std::string(ns)},
                                       {"name", std::string(name)},
                                       {"condition", std::string(condition)}});
  gauge.Set(value);
  impl_->clusters[{std::string(ns), std::string(name)}][std::string(condition)] = &gauge;
}

void Metrics::ForgetCluster(std::string_view ns, std::string_view name) {
  const MutexLock lock(impl_->mutex);
  const auto it = impl_->clusters.find({std::string(ns), std::string(name)});
  if (it == impl_->clusters.end()) return;
  for (const auto& [condition, gauge] : it->second) impl_->conditions.Remove(gauge);
  impl_->clusters.erase(it);
}

void Metrics::AboutProgram(const std::string& version, std::function<ProcessFacts()> process) {
  MakeGauge(impl_->registry, "quorate_operator_build_info", "1; the labels say what runs")
      .Add({{"version", version}})
      .Set(1);
  const MutexLock lock(impl_->mutex);
  impl_->process.emplace(impl_->registry, std::move(process));
}

std::string Metrics::Render() const {
  {
    const MutexLock lock(impl_->mutex);
    if (impl_->process) impl_->process->Update();
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace quorate::runtime
