// HttpSession: one server connection speaking HTTP/1.1, request after request.
//
// Only net's .cc files include this.
//
// Ownership: the server's table holds it until its connection is closed; exchanges hold it too.
// Thread: its connection's loop.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "net/http_parser.h"
#include "net/http_server.h"

namespace quorate::net {

class HttpSession final : public ConnectionHandler,
                          public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(const HttpServerOptions& options, HttpServer::Handler handler,
              std::shared_ptr<Connection> connection, std::function<void()> closed);

  void Begin(std::string_view already_read);
  // Close now if idle, else after the answer.
  void Drain();

  void OnData(std::string_view bytes) override;
  void OnDrained() override;
  void OnClosed(const Error& reason) override;

  // For the exchange in answer; each names its number, so that late calls of an earlier one do
  // nothing.
  void StreamBody(std::uint64_t exchange, std::function<bool(std::string_view)> data,
                  std::function<void(Status)> done);
  void ResumeBody(std::uint64_t exchange);
  void StartResponse(std::uint64_t exchange, int status, Headers headers);
  void Send(std::uint64_t exchange, std::string bytes);
  void Finish(std::uint64_t exchange);
  void Abandon(std::uint64_t exchange);
  void Abort(std::uint64_t exchange);
  void SetDrained(std::uint64_t exchange, std::function<void()> drained);
  void SetCancelled(std::uint64_t exchange, std::function<void()> cancelled);

  const std::shared_ptr<Connection>& connection() const { return connection_; }
  // Its connection is closed: nothing can be done any more. Any thread.
  bool over() const { return over_.load(std::memory_order_acquire); }

 private:
  enum class Phase { kHead, kAnswering, kDiscarding, kClosed };

  bool Current(std::uint64_t exchange) const {
    return exchange == exchange_ && phase_ == Phase::kAnswering;
  }
  void Advance();
  void AdvanceHead();
  void AdvanceBody();
  void Dispatch();
  void BodyEnded(const Status& status);
  void Refuse(int status, std::string_view text);
  void NextRequest();
  void WriteHead(int status, const Headers& headers);
  void ArmTimer(std::chrono::milliseconds patience);
  void WatchBody();
  void UpdateReading();

  const HttpServerOptions options_;
  const HttpServer::Handler handler_;
  const std::shared_ptr<Connection> connection_;
  std::function<void()> closed_;
  std::atomic<bool> over_{false};
  Timer timer_;
  std::unique_ptr<HttpRequestParser> parser_;
  std::string input_;  // received, not yet parsed
  Phase phase_ = Phase::kHead;
  std::uint64_t exchange_ = 0;
  bool advancing_ = false;
  bool draining_ = false;

  // Of the request in answer.
  std::function<bool(std::string_view)> body_data_;
  std::function<void(Status)> body_done_;
  bool body_wanted_ = false;
  bool body_paused_ = false;
  std::uint64_t body_moves_ = 0;  // bytes came, or were wanted again
  std::size_t discarded_bytes_ = 0;
  bool head_sent_ = false;
  bool chunked_ = false;
  bool no_body_ = false;  // HEAD, 204, 304
  bool close_after_ = false;
  std::function<void()> drained_;
  std::function<void()> cancelled_;
};

}  // namespace quorate::net
