#include "etcdclient/endpoint.h"

#include <algorithm>
#include <string>

namespace quorate::etcdclient {
namespace {

Error Unclear(std::string_view text) {
  return Error{Code::kInvalidArgument,
               "endpoint \"" + std::string(text) +
                   "\": not host:port, http(s)://host:port or unix(s)://path"};
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<Endpoint> ParseEndpoint(std::string_view text, bool tls_without_scheme) {
  std::string_view rest = text;
  Endpoint endpoint;
  const bool unix_tls = TakePrefix(rest, "unixs:");
  if (unix_tls || TakePrefix(rest, "unix:")) {
    TakePrefix(rest, "//");
    if (rest.empty()) return Unclear(text);
    endpoint.tls = unix_tls;
    endpoint.target = "unix:" + std::string(rest);
    return endpoint;
  }
  if (TakePrefix(rest, "https://")) {
    endpoint.tls = true;
  } else if (!TakePrefix(rest, "http://")) {
    endpoint.tls = tls_without_scheme;
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || !IsPort(rest.substr(colon + 1)) ||
      rest.find('/') != std::string_view::npos) {
    return Unclear(text);
  }
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Unclear(text);
  }
  endpoint.host = std::string(host);
  endpoint.target = "dns:///" + std::string(rest);
  return endpoint;
}

}  // namespace quorate::etcdclient
