// RunFanOut: one key, many watchers: a put, then the wait until every watcher has seen it, and so
// on.
//
// Streams are spread over the members and over `connections` connections; a round's time is from
// the put's start to the last event.
#pragma once

#include "bench/flags.h"

namespace quorate::bench {

// flags.total rounds. Prints what came out; 1: it did not get that far.
int RunFanOut(const Flags& flags);

}  // namespace quorate::bench
