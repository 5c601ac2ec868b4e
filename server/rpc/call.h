// Call, UnaryCall, Stream: one gRPC request as the handlers of api see it: bytes in, bytes out.
//
// Messages are protobuf bytes without gRPC's five-byte prefix; nothing here looks into them.
// Answers may come from any thread: they are gathered per event loop, wake it once, and leave with
// one write per connection.
//
// Invariants: exactly one Reply, Fail or Finish takes effect; later ones, and all after a cancel,
// are dropped. A call whose last reference goes away unanswered is answered Internal "handler gave
// no answer". Ownership: shared between the transport and whoever will answer. Thread: const
// getters that are documented so, Reply, Fail, Send, Finish: any. Callbacks come on loop().
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

namespace quorate::rpc {

class Call {
 public:
  virtual ~Call() = default;

  // These never change during the call; any thread.
  virtual std::string_view path() const = 0;  // "/etcdserverpb.KV/Range"
  // The first value of that name (lower case, as gRPC has it); "" when absent. Reserved and grpc-
  // names are not here.
  virtual std::string_view metadata(std::string_view name) const = 0;
  virtual bool has_metadata(std::string_view name) const = 0;
  // From grpc-timeout, counted from the arrival of the headers. The transport itself ends the call
  // then with DeadlineExceeded and reports it as cancelled.
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const = 0;
  virtual const std::string& remote_address() const = 0;
  virtual const std::optional<net::TlsPeer>& tls() const = 0;  // nullopt: plaintext
  virtual net::EventLoop& loop() const = 0;

  // The client reset the stream, went away, or the deadline passed. Any thread.
  virtual bool cancelled() const = 0;
  // Called at most once, on loop(), when that happens before the answer. Set it on loop(), inside
  // the handler.
  virtual void OnCancel(std::function<void()> cancelled) = 0;
};

class UnaryCall : public Call {
 public:
  // The request message; loop() or the thread the call was handed to, one at a time.
  virtual std::string& request() = 0;

  virtual void Reply(std::string message) = 0;
  virtual void Fail(Error error) = 0;
  // As Reply or Fail by what it holds.
  void Answer(Result<std::string> answer) {
    if (answer.ok()) {
      Reply(std::move(answer).value());
    } else {
      Fail(std::move(answer).error());
    }
  }
};

// A server-streaming or bidirectional call. Handlers set the callbacks inside the router's call;
// messages that came with the headers are delivered after it returns.
class Stream : public Call {
 public:
  virtual void OnMessage(std::function<void(std::string)> message) = 0;
  virtual void OnHalfClose(std::function<void()> closed) = 0;  // the client will send no more
  // buffered_bytes() fell to half of what it was held up at, or to zero.
  virtual void OnDrained(std::function<void()> drained) = 0;

  virtual void Send(std::string message) = 0;
  // The same bytes to many streams without a copy each.
  virtual void Send(std::shared_ptr<const std::string> message) = 0;
  virtual void Finish(Status status) = 0;

  // What Send took and the socket has not: a sender stops at a limit of its own and goes on in
  // OnDrained. Any thread.
  virtual std::size_t buffered_bytes() const = 0;

  // While paused no OnMessage comes and the client is held back by flow control. Any thread.
  virtual void PauseMessages() = 0;
  virtual void ResumeMessages() = 0;
};

}  // namespace quorate::rpc
