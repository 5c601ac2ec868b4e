// Backup pods: how a run of quoratectl is asked for, and how its pod is read. Pure.
//
//   quoratectl backup save --endpoints=URL,... --cluster-namespace=NS --cluster-name=NAME
//                          --cluster-uid=UID --store=... --termination-log=/dev/termination-log
//   quoratectl backup delete LOCATION --store=... --termination-log=/dev/termination-log
//
// Credentials come by environment, from the Secret, never as arguments. The answer is one JSON
// object in the termination message (backup/run.h).
//
// Thread: pure functions.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "api/backup_kinds.h"
#include "backup/run.h"
#include "kube/object.h"

namespace quorate::controllers {

struct BackupPodRequest {
  std::string name;
  std::string image;
  std::vector<std::string> command;  // after "quoratectl backup"
  std::chrono::seconds deadline{1800};
  std::vector<std::string> image_pull_secrets;
};

// The pod that does it, owned by the backup, as restricted as Pod Security's "restricted".
kube::Json MakeBackupPod(const api::EtcdBackup& backup, const api::EtcdBackupStore& store,
                         const BackupPodRequest& request);

backup::RunPod ReadRunPod(const kube::Json& pod);

}  // namespace quorate::controllers
