// Connection: a byte stream to another process, TCP or unix socket, plain or TLS, ready to use.
//
// Reading is pushed: Start() hands bytes to the handler as they come, up to 64 KiB a time, until
// PauseReading(). Writing is gathered: Write() queues, and at the end of the loop's turn everything
// queued goes out in one system call. buffered_bytes() is what the other side has not yet taken; a
// sender that respects it stays bounded.
//
// Invariants: after OnClosed no other callback comes; Write after that is dropped.
// Ownership: shared; it keeps itself alive while open. The handler must outlive OnClosed or call
// Detach().
// Thread: its loop only.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace quorate::net {

class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  // The view is valid only during the call. May close the connection or pause reading.
  virtual void OnData(std::string_view bytes) = 0;
  // Everything written has gone to the socket: the moment to write more.
  virtual void OnDrained() {}
  // Once. Code kCancelled "closed" after our own Close; "EOF" (kUnavailable) when the other side
  // ended in order.
  virtual void OnClosed(const Error& reason) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;

  virtual void Start(ConnectionHandler* handler) = 0;
  // No callback comes any more, until another Start.
  virtual void Detach() = 0;

  virtual void Write(std::string_view bytes) = 0;             // copied
  virtual void Write(std::string bytes, std::nullptr_t) = 0;  // taken over; use for large buffers
  virtual void Write(std::shared_ptr<const void> owner, std::string_view bytes) = 0;  // not copied
  void WriteOwned(std::string bytes) { Write(std::move(bytes), nullptr); }
  virtual std::size_t buffered_bytes() const = 0;

  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;

  // Sends what is queued (for at most `patience`), then closes.
  virtual void CloseWhenFlushed(std::chrono::milliseconds patience = std::chrono::seconds(5)) = 0;
  // Closes at once. OnClosed comes from the loop, not from inside this call.
  virtual void Close() = 0;
  virtual bool closed() const = 0;

  virtual EventLoop& loop() = 0;
  virtual const std::string& remote_address() const = 0;  // "10.0.0.7:41022"; "@" for a unix socket
  virtual const std::string& local_address() const = 0;
  virtual const std::optional<TlsPeer>& tls() const = 0;  // nullopt: plaintext
};

struct DialOptions {
  Endpoint endpoint;
  std::shared_ptr<TlsClient> tls;  // required when endpoint.tls
  // name, connect and handshake together
  std::chrono::milliseconds timeout = std::chrono::seconds(5);
};

// Resolves the name anew (off the loop), tries each address in turn, shakes hands, then calls done
// on the loop. Unavailable `dial tcp HOST:PORT: connect: connection refused` and the like;
// DeadlineExceeded `dial tcp ...: i/o timeout`.
// Thread: any.
void Dial(EventLoop& loop, DialOptions options,
          std::function<void(Result<std::shared_ptr<Connection>>)> done);

}  // namespace quorate::net
