// BackupController: carries out EtcdBackup objects, one run of quoratectl at a time.
//
// What to do is decided by backup::DecideRun; this is the hand that does it: status first, then the
// pod, whose name follows from backup and attempt. A deletionPolicy of Delete is kept by a
// finalizer: the stored object is removed by a pod of its own before the EtcdBackup goes.
//
// Ownership: borrows everything.
// Thread: several workers, never two for one object.
#pragma once

#include <optional>
#include <string>

#include "api/backup_kinds.h"
#include "backup/run.h"
#include "controllers/backup_pod.h"
#include "kube/client.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace quorate::controllers {

class BackupController : public runtime::Reconciler {
 public:
  BackupController(kube::Client& live, kube::Reader& cached, io::Clock& clock,
                   runtime::EventRecorder& events, std::string default_repository);

  Result<runtime::Requeue> Reconcile(const kube::ObjectRef& ref) override;

 private:
  struct Sources;  // the cluster and the store it names

  Result<runtime::Requeue> Run(api::EtcdBackup backup);
  Result<runtime::Requeue> Finalize(const api::EtcdBackup& backup);
  Result<runtime::Requeue> FollowRemoval(const api::EtcdBackup& backup, const kube::Json& pod);
  Result<runtime::Requeue> StartRemoval(const api::EtcdBackup& backup, const kube::ObjectRef& pod);
  Result<Sources> FindSources(const api::EtcdBackup& backup);
  // The pod, when it is there and the backup's own.
  Result<std::optional<kube::Json>> OwnPod(const api::EtcdBackup& backup, const std::string& name);
  Status Claim(api::EtcdBackup& backup, const Sources& sources);
  Status CreatePod(const api::EtcdBackup& backup, const Sources& sources, const std::string& name);
  Status DeletePod(const kube::Json& pod);
  Status DropFinalizer(const api::EtcdBackup& backup);
  Status WriteStatus(const api::EtcdBackup& backup, const api::BackupStatus& status);
  void Announce(const api::EtcdBackup& backup, const api::BackupStatus& status);
  api::Time Now() const;

  kube::Client& live_;
  kube::Reader& cached_;
  io::Clock& clock_;
  runtime::EventRecorder& events_;
  const std::string default_repository_;
};

}  // namespace quorate::controllers
