// AuthService: etcdserverpb.Auth while there is no authentication: its status is answered
// truthfully, everything that would change it is refused with a text that says so.
#pragma once

#include "api/context.h"
#include "rpc/router.h"

namespace quorate::api {

void RegisterAuth(rpc::Router& router, const Context& context);

}  // namespace quorate::api
