// ProcessFacts, read: what the kernel says about this process right now.
//
// Thread: any.
#pragma once

#include "runtime/metrics.h"

namespace quorate::app {

// Reads /proc; what cannot be read is 0.
runtime::ProcessFacts ReadProcessFacts();

}  // namespace quorate::app
