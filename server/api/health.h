// Health: /health, /livez and /readyz, and grpc.health.v1.
//
// /health fails on an active alarm, without a leader, and when a read fails; /livez asks only
// whether this member can read its own data; /readyz whether it serves clients (linearizable reads,
// no corruption, not a learner). A full store fails /health but neither of the other two, so that a
// probe does not kill a member that needs help.
//
// Source: knowledge/etcd.md 2.3, 2.4 (bodies byte for byte).
#pragma once

#include "api/context.h"
#include "rpc/router.h"

namespace quorate::api {

void RegisterHealth(rpc::Router& router, const Context& context);

}  // namespace quorate::api
