// HttpEndpoint: serves Health's answers on a port.
//
// Ownership: borrows the loop and Health; owns listener and connections.
// Thread: made and destroyed off the loop.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "net/event_loop.h"
#include "net/http_server.h"
#include "net/listener.h"
#include "runtime/health.h"

namespace quorate::app {

class HttpEndpoint {
 public:
  // address: "host:port" or ":port"; port 0 lets the system choose.
  static Result<std::unique_ptr<HttpEndpoint>> Start(net::EventLoop& loop,
                                                     const std::string& address,
                                                     const runtime::Health& health);
  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  std::string address() const;  // with the port the system chose

 private:
  explicit HttpEndpoint(const runtime::Health& health);

  net::HttpServer server_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace quorate::app
