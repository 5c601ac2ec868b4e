// H2Stream: one HTTP/2 stream: the request as it comes in, the answer as it goes out.
//
// It is a unary call, a gRPC stream or a plain HTTP request once its headers are complete. Handlers
// hold it through the handles of rpc/call.h and net/http_server.h, and reach it by actions that the
// loop applies.
//
// Invariants: connection_ is null as soon as nghttp2 has closed the stream; then nothing is sent
// and nothing called but OnCancel. Ownership: the connection holds it while it is open, handles
// hold it as long as they like. Thread: Do, answered and what call.h lets any thread read; the rest
// on the loop.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.h"
#include "net/http.h"
#include "rpc/answer_budget.h"
#include "rpc/grpc_wire.h"
#include "rpc/loop_context.h"
#include "rpc/router.h"

namespace quorate::rpc {

class H2Stream : public std::enable_shared_from_this<H2Stream> {
 public:
  enum class Kind : std::uint8_t { kPending, kUnary, kStreaming, kHttp };

  H2Stream(H2Connection& connection, std::int32_t id);

  // The request, from the connection. AddHeader: false when the headers are too large.
  bool AddHeader(std::string_view name, std::string_view value);
  void HeadersDone();
  // Takes what belongs to messages; how much of it counts against the stream's window now.
  std::size_t Data(std::string_view bytes);
  void HalfClosed();
  // nghttp2 has closed the stream.
  void Closed();
  void DeadlinePassed();

  // Queues an action from any thread, or applies it when on the loop already.
  void Do(Action::Kind kind, std::string bytes = {}, int code = 0);
  void DoShared(std::shared_ptr<const std::string> shared);
  void Submit(Action action);
  void DoRun(net::Task run);
  void Apply(Action action);
  // True for the first caller only: the one whose answer counts.
  bool ClaimAnswer() { return !answered_.exchange(true); }
  void Abandon();  // the last handle went away

  // For the connection's sender.
  std::size_t sendable_bytes() const { return out_bytes_; }
  bool finished() const { return finished_; }
  // The client may go on sending for as long as it likes.
  bool endless() const { return kind_ == Kind::kStreaming && !remote_closed_; }
  void WriteOut(net::Connection& out, std::size_t bytes);
  // After a round of writing: tells the handler when much has gone.
  void Sent();

  // Shown through the handles.
  std::string_view path() const { return path_; }
  std::string_view metadata(std::string_view name) const;
  bool has_metadata(std::string_view name) const;
  std::optional<std::chrono::steady_clock::time_point> deadline() const { return deadline_; }
  const net::Connection& connection() const { return *transport_; }
  LoopContext& context() const { return *context_; }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  std::size_t buffered_bytes() const { return buffered_.load(std::memory_order_relaxed); }
  std::string& request() { return request_; }
  std::int32_t id() const { return id_; }
  bool paused() const { return paused_; }

  // Callbacks of the handler, set on the loop.
  std::function<void(std::string)> on_message;
  std::function<void()> on_half_close;
  std::function<void()> on_drained;
  std::function<void()> on_cancel;
  std::function<bool(std::string_view)> on_body;  // HTTP
  std::function<void(Status)> on_body_end;

  // HTTP handles only.
  net::HttpRequest MakeHttpRequest() const;
  void SendHttpHeaders(int status, const net::Headers& headers, bool body_follows);
  void WantBody();
  void ResumeBody();
  void Reset();

 private:
  friend class H2Connection;

  struct Entry {
    std::uint32_t name_at, name_size, value_at, value_size;
  };
  struct Piece {
    std::string owned;
    std::shared_ptr<const std::string> shared;
    std::array<char, kPrefixBytes> prefix{};
    std::uint8_t prefix_size = 0;
    std::size_t offset = 0;  // into prefix and message together

    std::string_view message() const { return shared != nullptr ? *shared : owned; }
    std::size_t left() const { return prefix_size + message().size() - offset; }
  };

  std::string_view Text(std::uint32_t at, std::uint32_t size) const {
    return std::string_view(header_text_).substr(at, size);
  }
  const Entry* FindEntry(std::string_view name) const;
  void DispatchGrpc();
  void DispatchHttp();
  void TakeMessages();
  void Deliver(std::string message);
  void DeliverHeldBody();
  void FailNow(Code code, std::string_view text);
  void Queue(std::string bytes, std::shared_ptr<const std::string> shared);
  void Finish(int code, std::string_view text);
  void StartAnswer();
  void NotifyCancel();
  void SetInputBytes(std::size_t bytes);
  void ClearCallbacks();

  H2Connection* connection_;
  const std::shared_ptr<net::Connection> transport_;
  const std::shared_ptr<LoopContext> context_;
  std::shared_ptr<H2Stream> self_;  // while nghttp2 knows the stream
  H2Stream* next_ = nullptr;        // the connection's list of open streams
  H2Stream* previous_ = nullptr;
  const std::int32_t id_;
  Kind kind_ = Kind::kPending;

  std::string method_;
  std::string path_;
  std::string authority_;
  std::string header_text_;
  std::vector<Entry> headers_;
  std::size_t header_bytes_ = 0;
  bool is_grpc_ = false;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::optional<LoopContext::DeadlineKey> deadline_key_;

  std::string input_;  // of a message not yet complete, prefix included; HTTP: body held back
  std::size_t input_counted_ = 0;
  std::size_t unconsumed_ = 0;  // received while paused: the window stays shut
  std::string request_;
  bool got_message_ = false;
  bool remote_closed_ = false;
  bool half_close_told_ = false;
  bool refused_ = false;  // answered by the transport: what still comes is thrown away
  bool paused_ = false;
  bool taking_messages_ = false;  // on_message may be running: input_ is in use
  bool body_wanted_ = false;

  std::vector<Piece> out_;
  std::size_t out_head_ = 0;
  std::size_t out_bytes_ = 0;
  std::size_t out_peak_ = 0;
  AnswerBudget::Share answer_share_;
  bool started_ = false;   // headers submitted
  bool deferred_ = false;  // nghttp2 waits for more bytes
  bool finished_ = false;
  bool notify_sent_ = false;
  bool http_body_follows_ = false;
  int finish_code_ = 0;
  std::string finish_text_;

  std::atomic<bool> answered_{false};
  std::atomic<bool> cancelled_{false};
  std::atomic<std::size_t> buffered_{0};
};

}  // namespace quorate::rpc
