// Listener: a bound socket that accepts connections for a set of loops.
//
// Bind() takes the address at once, so that a port in use is known before anything else happens;
// nothing is accepted before Start(), as etcd does until it has published itself. Accepted
// connections go round robin to the loops; TLS handshakes happen on their loop, end within
// handshake_timeout, and never hold up other connections.
//
// Ownership: borrows the loops, which must outlive it.
// Thread: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/connection.h"
#include "net/endpoint.h"
#include "net/tls.h"

namespace quorate::net {

struct ListenOptions {
  Endpoint endpoint;               // a host name is resolved once, here
  std::shared_ptr<TlsServer> tls;  // required when endpoint.tls
  std::size_t connections_max =
      0;  // open at one time; further ones wait in the backlog. 0: no limit
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);
  // A handshake failed: remote address, SNI, why. Null: a warning is logged.
  std::function<void(const std::string& remote, const std::string& server_name, const Error&)>
      on_rejected;
};

class Listener {
 public:
  // Unavailable: `listen tcp 127.0.0.1:2379: bind: address already in use`.
  static Result<std::unique_ptr<Listener>> Bind(std::vector<EventLoop*> loops,
                                                ListenOptions options);
  ~Listener();  // Stop()

  // Calls accept on the new connection's own loop, handshake done, reading not started.
  void Start(std::function<void(std::shared_ptr<Connection>)> accept);
  // Closes the listening socket. Connections live on. Waits until no accept call is running or to
  // come.
  void Stop();

  const Endpoint& local() const;  // with the port the system chose

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace quorate::net
