// Pipe: a net::Connection whose other end is the fuzzer.
//
// Bytes are handed to the connection's handler in the pieces the target likes; what is written is
// counted and thrown away, at once or, for a reader that does not read, only when Release is
// called.
//
// Session: an event loop in the target's own thread, and a way to run one input on it from
// beginning to end.
//
// Thread: one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/feed.h"
#include "net/connection.h"
#include "net/event_loop.h"

namespace quorate::fuzz {

class Pipe final : public net::Connection {
 public:
  explicit Pipe(net::EventLoop& loop) : loop_(loop) {}

  // The other end writes.
  void Arrive(std::string_view bytes) {
    if (closed_) return;
    pending_.append(bytes);
    Deliver();
  }
  // The other end closes.
  void End() { CloseFor({Code::kUnavailable, "EOF"}); }
  // The other end reads from now on, or stops reading.
  void Hold(bool hold) {
    hold_ = hold;
    if (!hold) Drained();
  }

  void Start(net::ConnectionHandler* handler) override {
    handler_ = handler;
    paused_ = false;
    Deliver();
  }
  void Detach() override { handler_ = nullptr; }
  void Write(std::string_view bytes) override { Count(bytes.size()); }
  void Write(std::string bytes, std::nullptr_t) override { Count(bytes.size()); }
  void Write(std::shared_ptr<const void>, std::string_view bytes) override { Count(bytes.size()); }
  std::size_t buffered_bytes() const override { return buffered_; }
  void PauseReading() override { paused_ = true; }
  void ResumeReading() override {
    paused_ = false;
    loop_.Post([self = Self()] { self->Deliver(); });
  }
  void CloseWhenFlushed(std::chrono::milliseconds) override { Close(); }
  void Close() override { CloseFor({Code::kCancelled, "closed"}); }
  bool closed() const override { return closed_; }
  net::EventLoop& loop() override { return loop_; }
  const std::string& remote_address() const override { return address_; }
  const std::string& local_address() const override { return address_; }
  const std::optional<net::TlsPeer>& tls() const override { return tls_; }

 private:
  std::shared_ptr<Pipe> Self() { return std::static_pointer_cast<Pipe>(shared_from_this()); }

  void Deliver() {
    if (handler_ == nullptr || paused_ || closed_ || pending_.empty()) return;
    const auto self = Self();
    const std::string bytes = std::exchange(pending_, {});
    handler_->OnData(bytes);
  }
  void Count(std::size_t bytes) {
    buffered_ += bytes;
    if (!hold_ && !drain_posted_) {
      drain_posted_ = true;
      loop_.Post([self = Self()] { self->Drained(); });
    }
  }
  void Drained() {
    drain_posted_ = false;
    if (hold_ || buffered_ == 0) return;
    buffered_ = 0;
    if (handler_ != nullptr && !closed_) handler_->OnDrained();
  }
  void CloseFor(const Error& reason) {
    if (closed_) return;
    closed_ = true;
    loop_.Post([self = Self(), reason] {
      if (self->handler_ != nullptr) std::exchange(self->handler_, nullptr)->OnClosed(reason);
    });
  }

  net::EventLoop& loop_;
  const std::string address_ = "127.0.0.1:1";
  const std::optional<net::TlsPeer> tls_;
  net::ConnectionHandler* handler_ = nullptr;
  std::string pending_;
  std::size_t buffered_ = 0;
  bool hold_ = false;
  bool drain_posted_ = false;
  bool paused_ = false;
  bool closed_ = false;
};

class Session {
 public:
  // The one of this process. Its loop has no thread: it turns when the session turns it.
  static Session& Get();

  net::EventLoop& loop() { return loop_; }

  // Accepts a pipe, lets `bytes` arrive in pieces, ends it, and goes on until nothing is left to do
  // now. Timers that are not due stay.
  void Run(const std::function<void(std::shared_ptr<net::Connection>)>& accept, Feed shape,
           std::string_view bytes);

 private:
  Session();
  void Settle();

  net::EventLoop loop_;
};

}  // namespace quorate::fuzz
