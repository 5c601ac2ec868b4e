// FindRestoreSource: the backup that spec.bootstrap.restore names, looked up.
//
// Thread: any.
#pragma once

#include "base/result.h"
#include "kube/reader.h"
#include "plan/desired.h"
#include "plan/observed.h"

namespace quorate::observe {

// What is missing is a problem a person reads, not an Error; an Error is an API server that did not
// answer.
Result<plan::RestoreSource> FindRestoreSource(const plan::Desired& desired, kube::Reader& reader);

}  // namespace quorate::observe
