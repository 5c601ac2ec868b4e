// ScheduleController: starts the runs of an EtcdBackupSchedule and lets old ones go.
//
// A run is an EtcdBackup with a name made from the time it was due, so that starting it twice makes
// one. Retention deletes EtcdBackup objects (their finalizer removes what is stored), only of the
// cluster's present UID, only while that cluster is available, and never without a full listing.
// Backups outlive their schedule: they have no owner reference.
//
// Ownership: borrows everything.
// Thread: several workers, never two for one object.
#pragma once

#include <string>
#include <vector>

#include "api/backup_kinds.h"
#include "backup/schedule.h"
#include "kube/client.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace quorate::io {
class Disk;
}  // namespace quorate::io

namespace quorate::controllers {

class ScheduleController : public runtime::Reconciler {
 public:
  // disk: where /usr/share/zoneinfo is.
  ScheduleController(kube::Client& live, kube::Reader& cached, io::Clock& clock, io::Disk& disk,
                     runtime::EventRecorder& events);

  Result<runtime::Requeue> Reconcile(const kube::ObjectRef& ref) override;

 private:
  using Runs = std::vector<api::EtcdBackup>;

  Result<Runs> ListRuns(const api::EtcdBackupSchedule& schedule);
  Result<backup::TimeZone> ZoneOf(const api::EtcdBackupSchedule& schedule);
  Status Start(const api::EtcdBackupSchedule& schedule, api::Time due);
  Status DeleteRun(const api::EtcdBackup& run, const std::string& why);
  Status Retain(const api::EtcdBackupSchedule& schedule, const Runs& runs,
                const backup::TimeZone& zone);
  // Empty: deletions are allowed. Else why not (yet).
  Result<std::string> RetentionBlocked(const api::EtcdBackupSchedule& schedule, std::string& uid);
  Result<runtime::Requeue> Refused(api::EtcdBackupSchedule schedule, const std::string& reason,
                                   const std::string& message);
  Status WriteStatus(const api::EtcdBackupSchedule& schedule,
                     const api::BackupScheduleStatus& before);
  api::Time Now() const;

  kube::Client& live_;
  kube::Reader& cached_;
  io::Clock& clock_;
  io::Disk& disk_;
  runtime::EventRecorder& events_;
};

}  // namespace quorate::controllers
