// WatchService: etcdserverpb.Watch, one stream with many watchers.
//
// The stream's messages arrive on its connection's loop and go to the hub on the raft+apply loop;
// the hub's responses are encoded once there and leave from the connection's loop. A client that
// does not read fills its stream, and the hub lets its watchers fall behind and catch up later.
#pragma once

#include "api/context.h"
#include "api/leader_watch.h"
#include "rpc/router.h"

namespace quorate::api {

void RegisterWatch(rpc::Router& router, const Context& context, LeaderWatch& leader_watch);

}  // namespace quorate::api
