// Endpoint: where to listen or dial, as etcd's URLs say it.
//
//   http://10.0.0.1:2379   https://member-0.cluster.svc:2380   https://[::1]:2379
//   unix://localhost:27890   unixs://...
//
// A unix endpoint's path is what stands behind "unix://", relative to the working directory unless
// it starts with "/". Host names are kept as names: they are resolved anew at every dial, because a
// member's address may move.
//
// Errors: InvalidArgument with etcd's texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace quorate::net {

struct Endpoint {
  std::string host;        // name or address without brackets; "" listens on every interface
  std::uint16_t port = 0;  // 0 while listening: the system chooses
  std::string unix_path;   // not empty: a unix socket, host and port unused
  bool tls = false;

  bool operator==(const Endpoint&) const = default;
  bool is_unix() const { return !unix_path.empty(); }
};

// "http[s]://host:port" or "unix[s]://path". A path after host:port is refused: `URL must not
// contain a path: %s`.
Result<Endpoint> ParseUrl(std::string_view url);
// "host:port", "[v6]:port", ":port".
Result<Endpoint> ParseHostPort(std::string_view text);

std::string ToUrl(const Endpoint& endpoint);
// "host:port" with brackets round v6, or the unix path: what a Host header carries.
std::string ToHostPort(const Endpoint& endpoint);

}  // namespace quorate::net
