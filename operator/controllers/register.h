// Register: which changes concern which objects: the watches of all controllers.
//
// Ownership: borrows everything; the controllers must outlive the manager's run.
// Thread: before the manager runs.
#pragma once

#include "controllers/backup_controller.h"
#include "controllers/cluster_controller.h"
#include "controllers/schedule_controller.h"
#include "controllers/store_controller.h"
#include "runtime/manager.h"

namespace quorate::controllers {

struct Controllers {
  ClusterController& cluster;
  BackupController& backup;
  ScheduleController& schedule;
  StoreController& store;
};

void Register(runtime::Manager& manager, const Controllers& controllers);

// Objects the operator made carry this label; only those are watched among pods, volumes, Services
// and disruption budgets.
std::string OwnSelector();

}  // namespace quorate::controllers
