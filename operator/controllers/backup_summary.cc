#include "controllers/backup_summary.h"

#include <algorithm>
#include <array>

namespace quorate::controllers {
namespace {

// What quoratectl blames on the store (ctl/backup/report.cc), not on the cluster or the pod.
constexpr std::array<std::string_view, 6> kStoreReasons = {"StoreUnreachable", "AccessDenied",
                                                           "BucketNotFound",   "StoreFull",
                                                           "InvalidStore",     "StoreFailed"};

bool IsStoreReason(const std::string& reason) {
  return std::ranges::find(kStoreReasons, reason) != kStoreReasons.end();
}

bool Finished(const api::EtcdBackup& backup) {
  return backup.status.completion_time.has_value() &&
         (backup.status.phase == api::BackupPhase::kCompleted ||
          backup.status.phase == api::BackupPhase::kFailed);
}

// Later in time; by name between equals, so that the answer is the same each time.
bool IsLater(const api::EtcdBackup& a, const api::EtcdBackup* b) {
  if (b == nullptr) return true;
  if (*a.status.completion_time != *b->status.completion_time) {
    return *a.status.completion_time > *b->status.completion_time;
  }
  return a.meta.name > b->meta.name;
}

}  // namespace

status::BackupSummary SummarizeCluster(const std::vector<api::EtcdBackup>& backups,
                                       const std::string& cluster, bool scheduled) {
  status::BackupSummary summary;
  summary.wanted = scheduled;
  const api::EtcdBackup* last = nullptr;
  const api::EtcdBackup* last_good = nullptr;
  for (const api::EtcdBackup& backup : backups) {
    if (backup.spec.cluster_ref.name != cluster) continue;
    summary.wanted = true;
    if (!Finished(backup)) continue;
    if (IsLater(backup, last)) last = &backup;
    const bool good = backup.status.phase == api::BackupPhase::kCompleted;
    if (good && IsLater(backup, last_good)) last_good = &backup;
  }
  if (last_good != nullptr) {
    summary.last.last_successful_name = last_good->meta.name;
    summary.last.last_successful_time = last_good->status.completion_time;
    summary.last.last_successful_revision = last_good->status.revision;
  }
  if (last != nullptr && last != last_good) {
    summary.problem = "backup " + last->meta.name + " failed: " + last->status.message;
  }
  return summary;
}

StoreSummary SummarizeStore(const std::vector<api::EtcdBackup>& backups, const std::string& store) {
  StoreSummary summary;
  const api::EtcdBackup* last = nullptr;
  for (const api::EtcdBackup& backup : backups) {
    if (backup.spec.store_ref.name != store) continue;
    // A run that is still being retried tells about the store as well.
    const bool retrying = backup.status.phase != api::BackupPhase::kCompleted &&
                          !Finished(backup) && IsStoreReason(backup.status.reason);
    if (retrying) {
      summary.failing = true;
      summary.reason = backup.status.reason;
      summary.message = backup.status.message;
    }
    if (!Finished(backup)) continue;
    if (IsLater(backup, last)) last = &backup;
    if (backup.status.phase != api::BackupPhase::kCompleted) continue;
    summary.last_used = summary.last_used
                            ? std::max(*summary.last_used, *backup.status.completion_time)
                            : *backup.status.completion_time;
  }
  if (summary.failing || last == nullptr) return summary;
  if (last->status.phase == api::BackupPhase::kFailed && IsStoreReason(last->status.reason)) {
    summary.failing = true;
    summary.reason = last->status.reason;
    summary.message = last->status.message;
  }
  return summary;
}

}  // namespace quorate::controllers
