// HttpServer: answers HTTP/1.1 requests on its connections; HttpExchange: one of them in answer.
//
// The handler is called when a request's head has been read. It either takes the body whole
// (ReadBody) or as it comes (StreamBody), and answers whole (Respond) or as it goes (StartResponse,
// Send, Finish): chunked unless the head carries a Content-Length, and without end if the caller
// wants, as the peers' streams are. Requests on one connection are answered one after another;
// reading stops while a body is not wanted or an answer is not finished.
//
// Ownership: exchanges are shared; one that is dropped unanswered answers 500. The server must
// outlive its connections: Drain first.
// Thread: the handler, and the callbacks, run on the connection's loop. Respond, StartResponse,
// Send, Finish and Abort may be called from any thread; the order of calls is kept.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/connection.h"
#include "net/http.h"

namespace quorate::net {

struct HttpServerOptions {
  std::size_t header_bytes_max = 1 << 20;  // 431 beyond
  // from the first byte of a head, or from accept
  std::chrono::milliseconds header_timeout = std::chrono::minutes(5);
  std::chrono::milliseconds idle_timeout = std::chrono::minutes(5);  // between requests
  // A body that somebody wants, and of which not a byte comes for so long (at most twice as long,
  // to be exact): connection closed.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(60);
  // an answer that the reader leaves untaken beyond this: connection closed
  std::size_t output_bytes_max = 64 << 20;
};

class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual const HttpRequest& request() const = 0;  // body empty
  virtual const Connection& connection() const = 0;
  virtual EventLoop& loop() = 0;

  // Collects the body; ResourceExhausted `http: request body too large` beyond bytes_max. Call
  // once, on the loop.
  virtual void ReadBody(std::size_t bytes_max, std::function<void(Result<std::string>)> done) = 0;
  // Hands the body over as it comes; done(ok) after the last byte. Return false from data to pause,
  // until ResumeBody.
  virtual void StreamBody(std::function<bool(std::string_view)> data,
                          std::function<void(Status)> done) = 0;
  virtual void ResumeBody() = 0;  // any thread

  virtual void Respond(HttpResponse response) = 0;
  virtual void StartResponse(int status, Headers headers) = 0;
  virtual void Send(std::string bytes) = 0;
  virtual void Finish() = 0;
  // Closes the connection without finishing the answer, so that the other side sees an error.
  virtual void Abort() = 0;

  // Bytes of the answer not yet taken by the socket. Loop only.
  virtual std::size_t buffered_bytes() const = 0;
  virtual void OnDrained(std::function<void()> drained) = 0;
  // The connection ended before the answer did. Called once, on the loop.
  virtual void OnCancel(std::function<void()> cancelled) = 0;
};

class HttpServer {
 public:
  using Handler = std::function<void(std::shared_ptr<HttpExchange>)>;

  HttpServer(HttpServerOptions options, Handler handler);
  ~HttpServer();  // closes connections that are left
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Takes over a connection whose first bytes may already have been read. Call on its loop.
  void Serve(std::shared_ptr<Connection> connection, std::string_view already_read = {});

  // Idle connections close now, busy ones after their answer; at the latest after `patience`
  // everything is closed. Blocks. REQUIRES: not on a loop of the connections.
  void Drain(std::chrono::milliseconds patience);
  std::size_t connection_count() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace quorate::net
