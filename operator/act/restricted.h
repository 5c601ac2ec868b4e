// Restricted: what Kubernetes' restricted Pod Security Standard asks of every pod of ours.
//
// Thread: pure functions.
#pragma once

#include "kube/object.h"

namespace quorate::act {

// securityContext of a pod: the image's user, never root, the runtime's seccomp profile.
kube::Json RestrictedPod();

// securityContext of a container: no more privileges, a root filesystem that it cannot write to.
kube::Json RestrictedContainer();

}  // namespace quorate::act
