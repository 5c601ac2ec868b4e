// RunFailover: puts at a steady rate while the leader dies, and what became of them.
//
// The endpoints are those of the others. Puts begin when they are due, each with its own key and
// with nobody to repeat it; after `after` seconds `pid` gets SIGKILL, and the load goes on for
// `seconds`. The run ends when every put was answered or timed out.
#pragma once

#include "bench/flags.h"
#include "etcdclient/pipeline.h"

namespace quorate::bench {

// Prints what came out; 1: no put was accepted after the kill.
int RunFailover(const Flags& flags, etcdclient::Pipeline& pipeline);

}  // namespace quorate::bench
