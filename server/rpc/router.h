// Router: which handler answers which gRPC method or HTTP path.
//
// Filled at start, then only read. Handlers run on the event loop of the connection: they decode,
// check and hand on, and never block.
//
// Thread: filled by one thread, then read by any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "net/http_server.h"
#include "rpc/call.h"

namespace quorate::rpc {

using UnaryHandler = std::function<void(std::shared_ptr<UnaryCall>)>;
using StreamHandler = std::function<void(std::shared_ptr<Stream>)>;
using HttpHandler = net::HttpServer::Handler;

class Router {
 public:
  // path: "/package.Service/Method". REQUIRES: not registered before.
  void Unary(std::string_view path, UnaryHandler handler);
  void Streaming(std::string_view path, StreamHandler handler);

  // An exact path ("/health"), or everything below one that ends in "/" ("/v3/"); the longest match
  // answers. "/" catches the rest; without it the rest is Go's `404 page not found`.
  void Http(std::string_view path, HttpHandler handler);

  struct Method {
    UnaryHandler unary;  // one of the two is set
    StreamHandler streaming;
  };
  // The registered path and its method; null when there is none. Lives as long as the router.
  const std::pair<const std::string, Method>* FindMethod(std::string_view path) const;
  // grpc-go's refusal for a path without a method.
  Error UnknownMethod(std::string_view path) const;
  const HttpHandler* FindHttp(std::string_view path) const;

 private:
  std::map<std::string, Method, std::less<>> methods_;
  std::set<std::string, std::less<>> services_;
  std::map<std::string, HttpHandler, std::less<>> http_;
};

}  // namespace quorate::rpc
