// RunLoad: one kind of request, many at once, and how long they took.
//
// Closed loop: `depth` requests are always under way. With a rate the loop is open: requests begin
// when they are due, whatever became of those before, and latency counts from that instant, so that
// a stall is not hidden.
#pragma once

#include "bench/flags.h"
#include "bench/requests.h"
#include "etcdclient/pipeline.h"

namespace quorate::bench {

// Prints what came out; 1: every request failed.
int RunLoad(const Flags& flags, Kind kind, etcdclient::Pipeline& pipeline);

}  // namespace quorate::bench
