// Info: what a member says of itself over HTTP: /version, /quorate/status.
//
// /quorate/status is one JSON object with everything an operator needs to know of a member; it is
// answered without a quorum, and on the metrics listener too. Its fields are listed in
// docs/status.md.
#pragma once

#include <string>

#include "api/context.h"
#include "rpc/router.h"

namespace quorate::api {

void RegisterInfo(rpc::Router& router, const Context& context);

// {"etcdserver":"3.6.14","etcdcluster":"3.6.0","storage":"3.6.0","quorate":"0.1.0"}
std::string VersionJson(const membership::Cluster& cluster);

inline constexpr const char* kQuorateVersion = "0.1.0";

}  // namespace quorate::api
