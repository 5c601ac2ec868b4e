// MakeMemberPod: the pod of one member, whole.
//
// Restricted by Pod Security's "restricted" profile: not root, no capabilities, read-only root file
// system. Liveness asks only whether the process serves; readiness whether it answers linearizable
// reads; a start may take as long as a replay takes. Host name and subdomain give it the stable
// name its peers know.
//
// Thread: pure function.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "act/context.h"
#include "api/backup_kinds.h"
#include "plan/step.h"

namespace quorate::act {

// store: only for a pod that restores. It is the one of observed.restore.
kube::Json MakeMemberPod(const Context& context, const plan::CreatePod& step,
                         const std::optional<api::EtcdBackupStore>& store);

// The server's command line.
std::vector<std::string> ServerArguments(const plan::Desired& desired, const plan::CreatePod& step);

}  // namespace quorate::act
