// StoreAccess: how a pod of ours gets at a backup store: quoratectl's arguments, variables, mounts.
//
// Credentials reach the program by environment variables from the Secret, the authority's
// certificate as a file; neither is ever an argument. See ctl/backup for the other side.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/backup_kinds.h"
#include "kube/object.h"

namespace quorate::act {

// --store=s3://bucket/prefix or dir:///backup/..., and what goes with it.
std::vector<std::string> StoreArguments(const api::BackupStoreSpec& store);

// Adds what the arguments need to a pod's spec and to the container that uses them.
void AddStoreAccess(const api::BackupStoreSpec& store, kube::Json& pod_spec, kube::Json& container);

}  // namespace quorate::act
