// HttpClient: HTTP/1.1 requests, bodies streaming both ways; HttpCall: one in flight.
//
// Names are resolved at every dial. Connections whose answer ended in order are kept for reuse by
// the same endpoint, a few and for a short while. A reused connection that fails before any byte of
// the answer is retried once on a new one when the body was given whole.
//
// Ownership: calls keep themselves alive until they end. Destroying the client cancels them.
// Thread: Start, Fetch, Send, FinishBody and Cancel from any thread; callbacks on the client's
// loop, where the last handle on a call is let go too.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/connection.h"
#include "net/http.h"

namespace quorate::net {

struct HttpClientOptions {
  std::shared_ptr<TlsClient> tls;  // for endpoints with tls
  std::chrono::milliseconds dial_timeout = std::chrono::seconds(5);
  std::size_t idle_connections_max = 8;  // per endpoint
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);
  std::size_t header_bytes_max = 1 << 20;
};

struct HttpCallOptions {
  // the body comes by Send/FinishBody: chunked, or raw when headers carry Content-Length
  bool stream_body = false;
  std::optional<std::chrono::milliseconds> total_timeout;  // dial to last byte
  std::optional<std::chrono::milliseconds> head_timeout;   // request sent to answer's head
  std::optional<std::chrono::milliseconds> read_timeout;   // between two pieces of the answer
};

struct HttpCallEvents {
  std::function<void(const HttpResponse& head)> on_head;  // status and headers; body empty
  std::function<void(std::string_view)> on_data;          // view valid during the call
  std::function<void(Status)> on_end;                     // exactly once, last
  // everything sent has gone to the socket
  std::function<void()> on_drained;
};

class HttpCall {
 public:
  virtual ~HttpCall() = default;
  virtual void Send(std::string bytes) = 0;
  virtual void FinishBody() = 0;
  // Ends the call; on_end(kCancelled) follows unless it has ended already.
  virtual void Cancel() = 0;
  // Stops taking the answer's bytes from the socket. Loop only.
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;
  virtual std::size_t buffered_bytes() const = 0;  // loop only
};

class HttpClient {
 public:
  HttpClient(EventLoop& loop, HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  std::shared_ptr<HttpCall> Start(const Endpoint& endpoint, HttpRequest request,
                                  HttpCallOptions options, HttpCallEvents events);

  // One request, whole answer. ResourceExhausted when the answer's body is beyond bytes_max.
  void Fetch(const Endpoint& endpoint, HttpRequest request, std::chrono::milliseconds timeout,
             std::size_t bytes_max, std::function<void(Result<HttpResponse>)> done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace quorate::net
