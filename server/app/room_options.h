// RoomOptions: the part of the member's options that each room understands.
//
// Thread: any; pure.
#pragma once

#include <cstdint>

#include "app/auto_compaction.h"
#include "app/corruption_check.h"
#include "config/options.h"
#include "node/driver.h"
#include "rpc/server.h"

namespace quorate::app {

// The shortest time to live that a lease may have, in seconds.
std::int64_t LeaseTtlMin(const config::Options& options);
node::Options NodeOptions(const config::Options& options);
rpc::ServerOptions RpcOptions(const config::Options& options);
CorruptionCheckOptions CorruptionOptions(const config::Options& options);
AutoCompactionOptions CompactionOptions(const config::Options& options);

// Client connections that one listener keeps open: the descriptors that a process may have, less
// what the member needs for itself. 0: too few for anything.
std::size_t ConnectionsMax();

}  // namespace quorate::app
