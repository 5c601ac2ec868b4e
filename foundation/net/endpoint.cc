#include "net/endpoint.h"

#include <charconv>

namespace quorate::net {
namespace {

Error BadUrl(std::string_view text, std::string_view url) {
  return Error{Code::kInvalidArgument, std::string(text) + ": " + std::string(url)};
}

}  // namespace

Result<Endpoint> ParseUrl(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) {
    return BadUrl("URL scheme must be http, https, unix, or unixs", url);
  }
  const std::string_view scheme = url.substr(0, scheme_end);
  std::string_view rest = url.substr(scheme_end + 3);
  if (scheme == "unix" || scheme == "unixs") {
    if (rest.empty()) return BadUrl("URL must name a path", url);
    Endpoint endpoint;
    endpoint.unix_path = rest;
    endpoint.tls = scheme == "unixs";
    return endpoint;
  }
  if (scheme != "http" && scheme != "https") {
    return BadUrl("URL scheme must be http, https, unix, or unixs", url);
  }
  const std::size_t path = rest.find_first_of("/?#");
  if (path != std::string_view::npos) {
    // Go's url.URL keeps "/" as a path, which etcd refuses as well.
    return BadUrl("URL must not contain a path", url);
  }
  Result<Endpoint> endpoint = ParseHostPort(rest);
  if (!endpoint.ok()) {
    return Error{Code::kInvalidArgument,
                 "URL address does not have the form \"host:port\": " + std::string(url)};
  }
  endpoint->tls = scheme == "https";
  return endpoint;
}

Result<Endpoint> ParseHostPort(std::string_view text) {
  Endpoint endpoint;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return Error{Code::kInvalidArgument,
                 "address " + std::string(text) + ": missing port in address"};
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') {
      return Error{Code::kInvalidArgument,
                   "address " + std::string(text) + ": missing ']' in address"};
    }
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Error{Code::kInvalidArgument,
                 "address " + std::string(text) + ": too many colons in address"};
  }
  const auto [end, failure] =
      std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (failure != std::errc{} || end != port.data() + port.size()) {
    return Error{Code::kInvalidArgument, "address " + std::string(text) + ": invalid port"};
  }
  endpoint.host = host;
  return endpoint;
}

std::string ToUrl(const Endpoint& endpoint) {
  if (endpoint.is_unix()) return (endpoint.tls ? "unixs://" : "unix://") + endpoint.unix_path;
  return (endpoint.tls ? "https://" : "http://") + ToHostPort(endpoint);
}

std::string ToHostPort(const Endpoint& endpoint) {
  if (endpoint.is_unix()) return endpoint.unix_path;
  const bool brackets = endpoint.host.find(':') != std::string::npos;
  return (brackets ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
         std::to_string(endpoint.port);
}

}  // namespace quorate::net
