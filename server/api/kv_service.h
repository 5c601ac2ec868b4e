// KvService: etcdserverpb.KV, the five calls that read and change keys.
//
// A put goes from the client's bytes into the raft entry without being decoded into an object; a
// range is answered with the store's bytes. Long ranges are read in slices, so that no reader holds
// the loop.
#pragma once

#include "api/context.h"
#include "rpc/router.h"

namespace quorate::api {

// Tells everybody that this member's space is used up, unless they know.
void RaiseNoSpace(const Context& context);

void RegisterKv(rpc::Router& router, const Context& context);

}  // namespace quorate::api
