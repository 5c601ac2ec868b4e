// Metrics: what the operator counts, under the names that dashboards for operators know.
//
// Source: controller-runtime and client-go metric names; our own begin with quorate_operator_.
// Thread: any.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/work_queue.h"

namespace quorate::runtime {

// What the kernel says about this process.
struct ProcessFacts {
  double cpu_seconds = 0;  // user and system time
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double open_files = 0;
  double open_files_max = 0;
  double started_unix_seconds = 0;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // result: success, error, requeue, requeue_after.
  void ReconcileDone(std::string_view controller, std::string_view result,
                     std::chrono::nanoseconds took);
  void QueueState(std::string_view controller, const WorkQueue::Counts& counts);
  void QueueWait(std::string_view controller, std::chrono::nanoseconds waited);
  // status 0: no answer.
  void RestRequest(std::string_view method, int status);
  void Leading(std::string_view lease, bool leading);
  // One step the operator took for a cluster: outcome done, waiting, failed.
  void Step(std::string_view step, std::string_view outcome);
  // One condition of a cluster: 1 true, 0 false, -1 unknown.
  void ClusterCondition(std::string_view ns, std::string_view name, std::string_view condition,
                        double value);
  void ForgetCluster(std::string_view ns, std::string_view name);
  // Which program this is, once; `process` is asked at each Render, from its thread.
  void AboutProgram(const std::string& version, std::function<ProcessFacts()> process);

  // Prometheus text format 0.0.4.
  std::string Render() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::runtime
