// RunOperator: puts the operator together and runs it until a signal or a lost lease ends it.
//
// Thread: the main thread, before any other was started (signals are blocked first).
#pragma once

#include "config/options.h"

namespace quorate::app {

// The process's exit code: 0 stopped by a signal, 1 cannot work, 3 lost the leader lease.
int RunOperator(const config::Options& options);

}  // namespace quorate::app
