// H2Connection: one HTTP/2 connection: nghttp2 between a byte stream and the streams on it.
//
// Reads up to 64 KiB, lets nghttp2 take it apart, and writes what all streams have to say in one
// go; no more than 256 KiB wait in the socket's queue, the rest stays in the streams where it can
// be counted.
//
// Ownership: held by the server's table until the transport is closed.
// Thread: its loop.
#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/connection.h"
#include "rpc/answer_budget.h"
#include "rpc/h2_stream.h"
#include "rpc/loop_context.h"
#include "rpc/server.h"

namespace quorate::rpc {

class H2Connection final : public net::ConnectionHandler,
                           public std::enable_shared_from_this<H2Connection> {
 public:
  H2Connection(const ServerOptions& options, std::shared_ptr<const Router> router,
               std::shared_ptr<ServerCounters> counters, std::shared_ptr<AnswerBudget> budget,
               std::shared_ptr<LoopContext> context, std::shared_ptr<net::Connection> transport,
               std::function<void()> closed);
  ~H2Connection() override;

  void Begin(std::string_view already_read);
  // GOAWAY; closes when the last stream has ended.
  void Drain();
  void Close() { transport_->Close(); }

  void OnData(std::string_view bytes) override;
  void OnDrained() override { Pump(); }
  void OnClosed(const Error& reason) override;

  // Lets nghttp2 write what it has.
  void Pump();
  void MarkDirty();

  // For H2Stream.
  using Fields = std::vector<std::pair<std::string, std::string>>;
  // trailers_only: the stream's status goes with the headers and ends it.
  void SubmitGrpcHeaders(H2Stream& stream, bool trailers_only);
  void SubmitHttpHeaders(H2Stream& stream, const Fields& fields, bool body_follows);
  void ResumeSending(H2Stream& stream);
  void ResetStream(H2Stream& stream, std::uint32_t code);
  void Consume(H2Stream& stream, std::size_t stream_bytes);
  void CountOutput(std::size_t added);
  // Of an answer of this size; `share` is its part of the budget if it needs one.
  Status MayAnswer(std::size_t bytes, AnswerBudget::Share& share) const;
  // Closes the connection when its streams' messages have piled up to more than any answer.
  bool FailedForOutput();
  void CountInput(std::size_t before, std::size_t after);
  void NotifyWhenSent(std::shared_ptr<H2Stream> stream);

  const ServerOptions& options() const { return options_; }
  const Router& router() const { return *router_; }
  ServerCounters& counters() const { return *counters_; }
  const std::shared_ptr<net::Connection>& transport() const { return transport_; }
  const std::shared_ptr<LoopContext>& context() const { return context_; }

 private:
  friend struct H2Callbacks;

  void OpenStream(std::int32_t id);
  void CloseStream(H2Stream& stream);
  void OnFrame(const nghttp2_frame& frame);
  void OnPing(bool is_answer, const std::uint8_t* data);
  void OnFrameSent(const nghttp2_frame& frame);
  ssize_t ReadSource(H2Stream& stream, std::size_t length, std::uint32_t* flags);
  void SendData(H2Stream& stream, const std::uint8_t* frame_header, std::size_t length);
  void ArmKeepalive(std::chrono::nanoseconds delay);
  void KeepaliveDue();
  void WatchOutput();
  void FinishDrain();
  void Submit(H2Stream& stream, const nghttp2_nv* headers, std::size_t count, bool body);
  void FailConnection(std::uint32_t code, std::string_view text);
  void CloseIfDone();

  const ServerOptions options_;
  const std::shared_ptr<const Router> router_;
  const std::shared_ptr<ServerCounters> counters_;
  const std::shared_ptr<AnswerBudget> budget_;
  const std::shared_ptr<LoopContext> context_;
  const std::shared_ptr<net::Connection> transport_;
  std::function<void()> closed_;
  nghttp2_session* session_ = nullptr;
  H2Stream* streams_ = nullptr;  // list of the open ones
  std::size_t open_streams_ = 0;
  const std::size_t output_watched_from_;
  std::size_t output_bytes_ = 0;                 // queued in all streams
  std::size_t output_gone_ = 0;                  // that were queued and are no longer
  std::size_t input_bytes_ = 0;                  // of incomplete messages in all streams
  std::vector<std::shared_ptr<H2Stream>> sent_;  // to be told after this round of writing
  bool dirty_ = false;
  bool pumping_ = false;
  bool receiving_ = false;
  bool failed_ = false;
  bool draining_ = false;
  bool goaway_sent_ = false;

  net::Timer keepalive_;
  net::Timer output_watch_;  // while more than output_watched_from_ are queued
  bool output_watched_ = false;
  bool ping_outstanding_ = false;
  std::chrono::steady_clock::time_point last_activity_;
  std::chrono::steady_clock::time_point last_ping_;  // from the client
  int ping_strikes_ = 0;
  bool reset_strikes_ = false;
};

}  // namespace quorate::rpc
