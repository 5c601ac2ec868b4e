// BackupSummary: what the EtcdBackup objects of a cluster, or of a store, say together. Pure.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/backup_kinds.h"
#include "status/cluster_status.h"

namespace quorate::controllers {

// `scheduled`: an EtcdBackupSchedule names the cluster.
status::BackupSummary SummarizeCluster(const std::vector<api::EtcdBackup>& backups,
                                       const std::string& cluster, bool scheduled);

struct StoreSummary {
  std::optional<api::Time> last_used;  // the last backup that was completed in it
  // the last run in it failed, for a reason that is the store's
  bool failing = false;
  std::string reason;   // CamelCase
  std::string message;  // sentence
};
StoreSummary SummarizeStore(const std::vector<api::EtcdBackup>& backups, const std::string& store);

}  // namespace quorate::controllers
