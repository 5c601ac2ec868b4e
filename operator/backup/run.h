// DecideRun: how one EtcdBackup comes about: a pod an attempt, a report at its end, a few attempts
// at most.
//
// The pod's name follows from the backup's and the attempt's number, so making it twice makes one.
// The operator holds no bytes of the backup: the pod carries them to the store and reports by its
// termination message.
//
// Thread: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/backup_kinds.h"

namespace quorate::backup {

using api::Time;

enum class RunPodPhase { kPending, kRunning, kSucceeded, kFailed };

struct RunPod {
  std::string name;
  RunPodPhase phase = RunPodPhase::kPending;
  std::optional<Time> finished;
  std::string report;   // termination message of its container
  std::string problem;  // why it does not start or was ended from outside; "": none known
};

struct RunInput {
  api::EtcdBackup backup;
  std::optional<RunPod> pod;  // the one of status.podName
  std::string blocked;        // sentence: why no run can start now (no such store, cluster not
                              // available); "": nothing
  Time now;
};

enum class RunAction { kNothing, kCreatePod, kDeletePod };

struct RunDecision {
  RunAction action = RunAction::kNothing;  // to be done after `status` was written
  std::string pod;                         // the pod it is about
  api::BackupStatus status;
  std::optional<Time> look_again;
};

RunDecision DecideRun(const RunInput& input);

// What a backup pod's termination message says: one JSON object, written by `quoratectl backup
// save`.
//   {"location":"db/a/<uid>/20261121T030000Z-1234","revision":1234,"sizeBytes":1,
//    "storedBytes":1,"sha256":"..","clusterId":"cafe","member":"a-x1y2z",
//    "serverVersion":"0.1.0"}     or
//    {"reason":"AccessDenied","message":".."}
struct RunReport {
  bool good = false;
  std::string location;
  std::int64_t revision = 0;
  std::int64_t size_bytes = 0;
  std::int64_t stored_bytes = 0;
  std::string sha256;
  std::string cluster_id;
  std::string member;
  std::string server_version;
  std::string reason;  // only when not good
  std::string message;
};

RunReport ParseReport(std::string_view text);

}  // namespace quorate::backup
