// ProcessFacts: what the kernel says of this process, for /metrics.
#pragma once

#include "api/context.h"

namespace quorate::app {

api::ProcessFacts ReadProcessFacts();

}  // namespace quorate::app
