#include "backup/run.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace quorate::backup {
namespace {

using api::BackupPhase;
using std::chrono::seconds;

std::string PodName(const std::string& backup, std::int32_t attempt) {
  return backup + "-" + std::to_string(attempt);
}

// 10 s, 20 s, 40 s, ... at most 5 minutes.
seconds Backoff(std::int32_t attempt) {
  return std::min(seconds(10) * (1 << std::min(attempt - 1, 6)), seconds(300));
}

api::BackupStatus Failed(api::BackupStatus status, const std::string& reason,
                         const std::string& message, Time now) {
  status.phase = BackupPhase::kFailed;
  status.completion_time = now;
  status.reason = reason;
  status.message = message;
  return status;
}

// The longest a backup may take with all its attempts.
api::Duration Patience(const api::BackupSpec& spec) {
  return (spec.deadline + seconds(300)) * (spec.retries + 1);
}

RunDecision Wait(const RunInput& input, api::BackupStatus status) {
  const std::string& why = input.blocked;
  const Time since = input.backup.meta.created.value_or(input.now);
  const auto give_up = std::chrono::ceil<seconds>(input.backup.spec.deadline);
  RunDecision decision;
  if (input.now - since > give_up) {
    decision.status = Failed(std::move(status), "CouldNotStart",
                             "no run could start within spec.deadline: " + why, input.now);
    return decision;
  }
  status.reason = "Waiting";
  status.message = why;
  decision.status = std::move(status);
  decision.look_again = since + give_up + seconds(1);
  return decision;
}

RunDecision Begin(const RunInput& input, api::BackupStatus status, std::int32_t attempt) {
  status.phase = BackupPhase::kRunning;
  status.attempt = attempt;
  if (!status.start_time) status.start_time = input.now;
  status.pod_name = PodName(input.backup.meta.name, attempt);
  status.reason = "Running";
  if (attempt == 1) status.message.clear();
  RunDecision decision;
  decision.action = RunAction::kCreatePod;
  decision.pod = status.pod_name;
  decision.status = std::move(status);
  return decision;
}

RunDecision Complete(const RunReport& report, const RunInput& input, api::BackupStatus status) {
  status.phase = BackupPhase::kCompleted;
  status.completion_time = input.pod->finished.value_or(input.now);
  status.location = report.location;
  status.revision = report.revision;
  status.size_bytes = report.size_bytes;
  status.stored_bytes = report.stored_bytes;
  status.sha256 = report.sha256;
  status.cluster_id = report.cluster_id;
  status.member = report.member;
  status.server_version = report.server_version;
  status.reason = "Completed";
  status.message.clear();
  return {RunAction::kDeletePod, input.pod->name, std::move(status), {}};
}

RunDecision Retry(const RunReport& report, const RunInput& input, api::BackupStatus status) {
  const std::int32_t attempt = std::max(status.attempt, 1);
  const Time ended = input.pod->finished.value_or(input.now);
  status.reason = report.reason;
  status.message = report.message;
  if (attempt > input.backup.spec.retries) {
    return {RunAction::kDeletePod,
            input.pod->name,
            Failed(std::move(status), report.reason, report.message, input.now),
            {}};
  }
  const Time again = ended + Backoff(attempt);
  if (input.now >= again) return Begin(input, std::move(status), attempt + 1);
  return {RunAction::kNothing, "", std::move(status), again};
}

RunReport ReportOf(const RunPod& pod) {
  RunReport report = ParseReport(pod.report);
  if (pod.phase == RunPodPhase::kSucceeded && report.good) return report;
  report.good = false;
  if (report.reason.empty()) report.reason = "PodFailed";
  if (report.message.empty()) {
    report.message = !pod.problem.empty() ? pod.problem
                     : pod.report.empty() ? "the backup pod ended without a report"
                                          : pod.report;
  }
  return report;
}

}  // namespace

RunDecision DecideRun(const RunInput& input) {
  api::BackupStatus status = input.backup.status;
  status.observed_generation = input.backup.meta.generation;
  if (status.phase == BackupPhase::kCompleted || status.phase == BackupPhase::kFailed) {
    const bool pod = input.pod.has_value();
    return {
        pod ? RunAction::kDeletePod : RunAction::kNothing, pod ? input.pod->name : "", status, {}};
  }
  if (status.start_time && input.now - *status.start_time > Patience(input.backup.spec)) {
    return {input.pod ? RunAction::kDeletePod : RunAction::kNothing,
            status.pod_name,
            Failed(status, "DeadlineExceeded", "the attempts took too long", input.now),
            {}};
  }
  const bool ended = input.pod && (input.pod->phase == RunPodPhase::kSucceeded ||
                                   input.pod->phase == RunPodPhase::kFailed);
  if (ended) {
    const RunReport report = ReportOf(*input.pod);
    return report.good ? Complete(report, input, std::move(status))
                       : Retry(report, input, std::move(status));
  }
  if (input.pod) {
    status.message = input.pod->problem;
    RunDecision decision;
    decision.look_again = status.start_time.value_or(input.now) +
                          std::chrono::ceil<seconds>(Patience(input.backup.spec)) + seconds(1);
    decision.status = std::move(status);
    return decision;
  }
  if (!input.blocked.empty()) return Wait(input, std::move(status));
  return Begin(input, status, std::max(status.attempt, 1));
}

RunReport ParseReport(std::string_view text) {
  RunReport report;
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return report;
  const auto string = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto number = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                             : std::int64_t{0};
  };
  report.location = string("location");
  report.revision = number("revision");
  report.size_bytes = number("sizeBytes");
  report.stored_bytes = number("storedBytes");
  report.sha256 = string("sha256");
  report.cluster_id = string("clusterId");
  report.member = string("member");
  report.server_version = string("serverVersion");
  report.reason = string("reason");
  report.message = string("message");
  report.good = !report.location.empty() && report.revision > 0 && report.reason.empty();
  return report;
}

}  // namespace quorate::backup
