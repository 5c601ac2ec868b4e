// Backup pods: how a run of quoratectl is asked for, and how its pod is read. Pure.
//
//   quoratectl backup save   --endpoints=URL,... --store=s3://BUCKET/PREFIX|dir:///backup/SUBPATH
//                            --path=NAMESPACE/CLUSTER/CLUSTER-UID --report=/dev/termination-log
//   quoratectl backup delete --store=... --location=<folder of the backup> --report=...
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

// "--store=...", and what else the store's kind needs.
std::vector<std::string> StoreArguments(const api::BackupStoreSpec& store);

// Where the backups of a cluster are below the store's prefix: "namespace/cluster/uid".
std::string BackupFolder(std::string_view ns, std::string_view cluster, std::string_view uid);

backup::RunPod ReadRunPod(const kube::Json& pod);

}  // namespace quorate::controllers
