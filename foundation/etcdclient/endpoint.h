// Endpoint: where a member is served, as users write it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace quorate::etcdclient {

struct Endpoint {
  std::string target;  // what gRPC dials: "dns:///host:port", "ipv4:1.2.3.4:2379", "unix:/path"
  bool tls = false;
  std::string host;  // without port and brackets; empty for unix sockets
};

// tls_without_scheme: what "host:port" means. kInvalidArgument names the text that was not
// understood.
Result<Endpoint> ParseEndpoint(std::string_view text, bool tls_without_scheme);

}  // namespace quorate::etcdclient
