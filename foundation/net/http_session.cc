#include "net/http_session.h"

#include <array>
#include <ctime>

#include "net/chunk.h"

namespace quorate::net {
namespace {

// An unread request body up to this size is read to its end, to keep the connection; beyond it is
// closed.
constexpr std::size_t kDiscardMax = std::size_t{256} << 10;

void AppendDate(std::string& out) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  out.append(text.data(), size);
}

}  // namespace

HttpSession::HttpSession(const HttpServerOptions& options, HttpServer::Handler handler,
                         std::shared_ptr<Connection> connection, std::function<void()> closed)
    : options_(options),
      handler_(std::move(handler)),
      connection_(std::move(connection)),
      closed_(std::move(closed)),
      timer_(connection_->loop()) {}

void HttpSession::Begin(std::string_view already_read) {
  input_ = already_read;
  parser_ = HttpRequestParser::Make(options_.header_bytes_max);
  ArmTimer(options_.header_timeout);
  connection_->Start(this);
  const auto self = shared_from_this();
  if (!input_.empty()) Advance();
}

void HttpSession::Drain() {
  draining_ = true;
  if (phase_ == Phase::kHead) connection_->CloseWhenFlushed();
}

void HttpSession::ArmTimer(std::chrono::milliseconds patience) {
  timer_.Set(patience, [this] { connection_->Close(); });
}

void HttpSession::OnData(std::string_view bytes) {
  const auto self = shared_from_this();
  input_.append(bytes);
  ++body_moves_;
  Advance();
}

// A sender that stops within a body keeps whatever was set aside for it. While nobody wants the
// bytes, it is not the one who is slow.
void HttpSession::WatchBody() {
  timer_.Set(options_.body_timeout, [this, moves = body_moves_] {
    const bool within = phase_ == Phase::kAnswering || phase_ == Phase::kDiscarding;
    if (!within || parser_->done()) return;
    const bool wanted = phase_ == Phase::kDiscarding || (body_wanted_ && !body_paused_);
    if (wanted && body_moves_ == moves) return connection_->Close();
    WatchBody();
  });
}

// Parses as far as the phases allow. Callbacks from inside may change the phase; the loop sees it.
void HttpSession::Advance() {
  if (advancing_) return;
  advancing_ = true;
  for (;;) {
    const std::size_t before = input_.size();
    const Phase phase = phase_;
    const std::uint64_t exchange = exchange_;
    if (phase_ == Phase::kHead) {
      AdvanceHead();
    } else if (phase_ == Phase::kAnswering || phase_ == Phase::kDiscarding) {
      AdvanceBody();
    }
    const bool moved = input_.size() != before || phase_ != phase || exchange_ != exchange;
    if (!moved || phase_ == Phase::kClosed) break;
  }
  advancing_ = false;
  UpdateReading();
}

void HttpSession::AdvanceHead() {
  if (input_.empty()) return;
  const Status status = parser_->Parse(input_);
  if (!status.ok()) {
    const bool large = status.error().code == Code::kResourceExhausted;
    Refuse(large ? 431 : 400, large ? "431 Request Header Fields Too Large" : "400 Bad Request");
    return;
  }
  if (parser_->head_done()) Dispatch();
}

void HttpSession::Refuse(int status, std::string_view text) {
  phase_ = Phase::kClosed;
  close_after_ = true;
  HttpResponse response = HttpResponse::Text(status, text);
  response.headers.Set("Content-Length", std::to_string(response.body.size()));
  chunked_ = false;
  WriteHead(status, response.headers);
  connection_->WriteOwned(std::move(response.body));
  connection_->CloseWhenFlushed();
}

void HttpSession::AdvanceBody() {
  if (parser_->done()) {
    if (phase_ == Phase::kDiscarding) {
      NextRequest();
    } else if (body_wanted_) {
      BodyEnded(Status());
    }
    return;
  }
  if (input_.empty()) return;
  if (phase_ == Phase::kAnswering && (!body_wanted_ || body_paused_)) return;
  const Status status = parser_->Parse(input_);
  if (!status.ok()) {
    BodyEnded(status);
    connection_->Close();
    return;
  }
  if (phase_ == Phase::kDiscarding && discarded_bytes_ > kDiscardMax) {
    phase_ = Phase::kClosed;
    connection_->CloseWhenFlushed();
  }
}

void HttpSession::BodyEnded(const Status& status) {
  body_wanted_ = false;
  body_data_ = nullptr;
  const auto done = std::exchange(body_done_, nullptr);
  if (done) done(status);
}

// While nobody wants the bytes they stay in the kernel, and the sender feels it. A pipelined head
// may wait in input_.
void HttpSession::UpdateReading() {
  if (phase_ == Phase::kClosed || connection_->closed()) return;
  const bool wants = phase_ == Phase::kHead || phase_ == Phase::kDiscarding ||
                     (body_wanted_ && !body_paused_) ||
                     // To notice that the client went away, as long as it sends nothing more.
                     (parser_->done() && input_.empty());
  if (wants) {
    connection_->ResumeReading();
  } else {
    connection_->PauseReading();
  }
}

void HttpSession::NextRequest() {
  phase_ = Phase::kHead;
  parser_ = HttpRequestParser::Make(options_.header_bytes_max);
  ArmTimer(options_.idle_timeout);
  if (draining_) connection_->CloseWhenFlushed();
}

void HttpSession::StreamBody(std::uint64_t exchange, std::function<bool(std::string_view)> data,
                             std::function<void(Status)> done) {
  if (!Current(exchange)) {
    connection_->loop().Post([done = std::move(done)] {
      done(Error{Code::kUnavailable, "unexpected EOF"});
    });
    return;
  }
  body_data_ = std::move(data);
  body_done_ = std::move(done);
  body_wanted_ = true;
  body_paused_ = false;
  parser_->OnBody([this](std::string_view bytes) {
    if (phase_ == Phase::kDiscarding) {
      discarded_bytes_ += bytes.size();
    } else if (body_data_ && !body_data_(bytes)) {
      body_paused_ = true;
    }
  });
  if (!head_sent_ && !parser_->done() &&
      parser_->request().headers.Get("Expect") == "100-continue") {
    connection_->Write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  WatchBody();
  // Not in place: the caller's own state is settled first.
  connection_->loop().Post([self = shared_from_this()] { self->Advance(); });
}

void HttpSession::ResumeBody(std::uint64_t exchange) {
  if (!Current(exchange) || !body_paused_) return;
  body_paused_ = false;
  ++body_moves_;
  Advance();
}

void HttpSession::StartResponse(std::uint64_t exchange, int status, Headers headers) {
  if (!Current(exchange) || head_sent_) return;
  head_sent_ = true;
  const bool bare = status == 204 || status == 304;
  no_body_ = bare || parser_->request().method == "HEAD";
  chunked_ = !bare && !headers.Has("Content-Length");
  if (chunked_ && parser_->http_1_0()) {
    chunked_ = false;
    close_after_ = true;  // the end of the connection is the end of the body
  }
  close_after_ = close_after_ || draining_ || !parser_->keep_alive();
  WriteHead(status, headers);
}

void HttpSession::WriteHead(int status, const Headers& headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head += ReasonPhrase(status);
  head += "\r\n";
  for (const auto& [name, value] : headers.fields()) {
    head += name;
    head += ": ";
    // A value is never allowed to begin a header of its own.
    for (const char c : value) head += c == '\r' || c == '\n' ? ' ' : c;
    head += "\r\n";
  }
  if (!headers.Has("Date")) AppendDate(head);
  if (chunked_) head += "Transfer-Encoding: chunked\r\n";
  if (close_after_) head += "Connection: close\r\n";
  head += "\r\n";
  connection_->Write(head);
}

void HttpSession::Send(std::uint64_t exchange, std::string bytes) {
  if (!Current(exchange) || !head_sent_ || no_body_ || bytes.empty()) return;
  if (chunked_) {
    WriteChunk(*connection_, std::move(bytes));
  } else {
    connection_->WriteOwned(std::move(bytes));
  }
  if (connection_->buffered_bytes() > options_.output_bytes_max) connection_->Close();
}

void HttpSession::Finish(std::uint64_t exchange) {
  if (!Current(exchange) || !head_sent_) return;
  const auto self = shared_from_this();
  if (chunked_ && !no_body_) WriteLastChunk(*connection_);
  body_data_ = nullptr;
  body_done_ = nullptr;
  body_wanted_ = false;
  drained_ = nullptr;
  cancelled_ = nullptr;
  if (close_after_) {
    phase_ = Phase::kClosed;
    connection_->CloseWhenFlushed();
    return;
  }
  discarded_bytes_ = 0;
  phase_ = Phase::kDiscarding;
  parser_->OnBody([this](std::string_view bytes) { discarded_bytes_ += bytes.size(); });
  WatchBody();
  Advance();
}

void HttpSession::Abandon(std::uint64_t exchange) {
  if (!Current(exchange)) return;
  if (head_sent_) {
    connection_->Close();
    return;
  }
  HttpResponse response = HttpResponse::Text(500, "500 Internal Server Error");
  response.headers.Set("Content-Length", std::to_string(response.body.size()));
  StartResponse(exchange, response.status, std::move(response.headers));
  Send(exchange, std::move(response.body));
  Finish(exchange);
}

void HttpSession::Abort(std::uint64_t exchange) {
  if (Current(exchange)) connection_->Close();
}

void HttpSession::SetDrained(std::uint64_t exchange, std::function<void()> drained) {
  if (Current(exchange)) drained_ = std::move(drained);
}

void HttpSession::SetCancelled(std::uint64_t exchange, std::function<void()> cancelled) {
  if (Current(exchange)) {
    cancelled_ = std::move(cancelled);
  } else {
    connection_->loop().Post(std::move(cancelled));
  }
}

void HttpSession::OnDrained() {
  const auto drained = drained_;
  if (drained) drained();
}

void HttpSession::OnClosed(const Error&) {
  const auto self = shared_from_this();
  timer_.Cancel();
  over_.store(true, std::memory_order_release);
  const bool answering = phase_ == Phase::kAnswering;
  phase_ = Phase::kClosed;
  drained_ = nullptr;
  if (answering && body_wanted_) BodyEnded(Error{Code::kUnavailable, "unexpected EOF"});
  const auto cancelled = std::exchange(cancelled_, nullptr);
  if (answering && cancelled) cancelled();
  const auto closed = std::exchange(closed_, nullptr);
  if (closed) closed();
}

}  // namespace quorate::net
