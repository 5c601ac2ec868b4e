#include "rpc/h2_stream.h"

#include <algorithm>

#include "rpc/h2_connection.h"
#include "rpc/handles.h"

namespace quorate::rpc {
namespace {

constexpr std::size_t kHeaderBytesMax = std::size_t{64} << 10;
constexpr std::size_t kShareMin = std::size_t{16} << 10;  // larger messages are never copied
constexpr std::size_t kReserveMax = std::size_t{256}
                                    << 10;  // memory for a message before it has come

std::uint32_t LengthAt(std::string_view prefix) {
  const auto byte = [prefix](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(prefix[i]));
  };
  return byte(1) << 24U | byte(2) << 16U | byte(3) << 8U | byte(4);
}

}  // namespace

H2Stream::H2Stream(H2Connection& connection, std::int32_t id)
    : connection_(&connection),
      transport_(connection.transport()),
      context_(connection.context()),
      id_(id) {}

bool H2Stream::AddHeader(std::string_view name, std::string_view value) {
  header_bytes_ += name.size() + value.size() + 32;
  if (header_bytes_ > kHeaderBytesMax) return false;
  if (!name.empty() && name.front() == ':') {
    if (name == ":path") path_ = value;
    if (name == ":method") method_ = value;
    if (name == ":authority") authority_ = value;
    return true;
  }
  if (name == "te") return true;
  if (name == "content-type") is_grpc_ = value.starts_with("application/grpc");
  if (headers_.empty()) {
    headers_.reserve(8);
    header_text_.reserve(256);
  }
  const auto at = static_cast<std::uint32_t>(header_text_.size());
  header_text_.append(name);
  header_text_.append(value);
  const auto name_size = static_cast<std::uint32_t>(name.size());
  headers_.push_back({at, name_size, at + name_size, static_cast<std::uint32_t>(value.size())});
  return true;
}

const H2Stream::Entry* H2Stream::FindEntry(std::string_view name) const {
  for (const Entry& entry : headers_) {
    if (Text(entry.name_at, entry.name_size) == name) return &entry;
  }
  return nullptr;
}

std::string_view H2Stream::metadata(std::string_view name) const {
  const Entry* entry = FindEntry(name);
  return entry == nullptr ? std::string_view() : Text(entry->value_at, entry->value_size);
}

bool H2Stream::has_metadata(std::string_view name) const {
  return FindEntry(name) != nullptr;
}

void H2Stream::HeadersDone() {
  if (kind_ != Kind::kPending || refused_) return;  // trailers of the request
  const bool grpc = is_grpc_ && connection_->options().serve_grpc;
  if (grpc || !connection_->options().serve_http) {
    DispatchGrpc();
  } else {
    DispatchHttp();
  }
}

void H2Stream::DispatchGrpc() {
  if (!is_grpc_) {
    FailNow(Code::kInternal,
            "invalid gRPC request content-type \"" + std::string(metadata("content-type")) + "\"");
    return;
  }
  if (method_ != "POST") {
    FailNow(Code::kInternal, "http2Server.operateHeaders parsed a :method field: " + method_ +
                                 " which should be POST");
    return;
  }
  const std::string_view encoding = metadata("grpc-encoding");
  if (!encoding.empty() && encoding != "identity") {
    FailNow(Code::kUnimplemented, "grpc: Decompressor is not installed for grpc-encoding \"" +
                                      std::string(encoding) + "\"");
    return;
  }
  const auto* found = connection_->router().FindMethod(path_);
  if (found == nullptr) {
    const Error unknown = connection_->router().UnknownMethod(path_);
    FailNow(unknown.code, unknown.message);
    return;
  }
  if (const std::string_view timeout = metadata("grpc-timeout"); !timeout.empty()) {
    const auto parsed = ParseTimeout(timeout);
    if (!parsed.has_value()) {
      FailNow(Code::kInternal, "malformed grpc-timeout: \"" + std::string(timeout) + "\"");
      return;
    }
    deadline_ = net::EventLoop::Now() + *parsed;
    deadline_key_ = context_->AddDeadline(*deadline_, this);
  }
  ++connection_->counters().calls;
  if (found->second.streaming) {
    kind_ = Kind::kStreaming;
    found->second.streaming(MakeStreamHandle(shared_from_this()));
  } else {
    kind_ = Kind::kUnary;  // its handler runs when the message is here
  }
}

void H2Stream::DispatchHttp() {
  kind_ = Kind::kHttp;
  const std::string_view path = std::string_view(path_).substr(0, path_.find('?'));
  const HttpHandler* handler = connection_->router().FindHttp(path);
  auto exchange = MakeHttpHandle(shared_from_this());
  if (handler != nullptr) {
    (*handler)(std::move(exchange));
  } else {
    exchange->Respond(net::HttpResponse::Text(404, "404 page not found"));
  }
}

std::size_t H2Stream::Data(std::string_view bytes) {
  if (refused_ || finished_ || kind_ == Kind::kPending) return bytes.size();
  if (kind_ == Kind::kHttp) {
    input_.append(bytes);
    unconsumed_ += bytes.size();
    DeliverHeldBody();
    return 0;
  }
  // The usual case: one chunk is one whole unary request.
  if (kind_ == Kind::kUnary && input_.empty() && !got_message_ && bytes.size() > kPrefixBytes &&
      bytes.front() == 0 && LengthAt(bytes) + kPrefixBytes == bytes.size() &&
      bytes.size() <= connection_->options().message_bytes_max) {
    request_.assign(bytes.substr(kPrefixBytes));
    Deliver({});
    return bytes.size();
  }
  if (input_.empty() && bytes.size() >= kPrefixBytes) {
    input_.reserve(std::min<std::size_t>(LengthAt(bytes) + kPrefixBytes, kReserveMax));
  }
  input_.append(bytes);
  const bool taking = !paused_;
  TakeMessages();
  SetInputBytes(input_.size());
  if (taking && !paused_) return bytes.size();
  unconsumed_ += bytes.size();
  return 0;
}

// Delivers every complete message, also after a handler that pauses and resumes within one.
void H2Stream::TakeMessages() {
  taking_messages_ = true;
  std::size_t used = 0;
  bool good = true;
  while (!paused_ && !finished_ && input_.size() - used >= kPrefixBytes) {
    const std::string_view rest = std::string_view(input_).substr(used);
    const std::size_t length = LengthAt(rest);
    if (rest.front() != 0) {
      FailNow(Code::kInternal, "grpc: compressed flag set with identity or empty encoding");
      good = false;
      break;
    }
    if (length > connection_->options().message_bytes_max) {
      FailNow(Code::kResourceExhausted,
              "grpc: received message larger than max (" + std::to_string(length) + " vs. " +
                  std::to_string(connection_->options().message_bytes_max) + ")");
      good = false;
      break;
    }
    if (rest.size() < kPrefixBytes + length) break;
    std::string message(rest.substr(kPrefixBytes, length));
    used += kPrefixBytes + length;
    Deliver(std::move(message));
  }
  if (!good) {
    input_.clear();
  } else {
    input_.erase(0, used);
  }
  taking_messages_ = false;
}

// A unary request that stands in request_ already comes with an empty message.
void H2Stream::Deliver(std::string message) {
  if (kind_ == Kind::kStreaming) {
    connection_->counters().received_bytes += message.size();
    if (on_message) on_message(std::move(message));
    return;
  }
  if (got_message_) {
    FailNow(Code::kInternal, "grpc: client streamed more than one message to a unary method");
    return;
  }
  got_message_ = true;
  if (request_.empty()) request_ = std::move(message);
  connection_->counters().received_bytes += request_.size();
  const auto* found = connection_->router().FindMethod(path_);
  found->second.unary(MakeUnaryHandle(shared_from_this()));
}

void H2Stream::HalfClosed() {
  remote_closed_ = true;
  if (refused_ || connection_ == nullptr) return;
  if (kind_ == Kind::kUnary) {
    if (!got_message_) FailNow(Code::kInternal, "unexpected EOF");
    return;
  }
  if (kind_ == Kind::kHttp) {
    DeliverHeldBody();
    return;
  }
  if (kind_ != Kind::kStreaming || paused_ || half_close_told_) return;
  half_close_told_ = true;
  if (!input_.empty()) {
    FailNow(Code::kInternal, "unexpected EOF");
  } else if (on_half_close) {
    on_half_close();
  }
}

void H2Stream::SetInputBytes(std::size_t bytes) {
  if (connection_ != nullptr) connection_->CountInput(input_counted_, bytes);
  input_counted_ = bytes;
}

void H2Stream::Closed() {
  if (deadline_key_.has_value()) context_->RemoveDeadline(*deadline_key_);
  deadline_key_.reset();
  SetInputBytes(0);
  connection_->CountOutput(0 - out_bytes_);
  connection_ = nullptr;
  out_.clear();
  out_bytes_ = 0;
  answer_share_ = {};
  cancelled_.store(true, std::memory_order_release);  // at least: nothing more can be sent
  const bool unanswered = !answered_.load() || (kind_ == Kind::kHttp && !finished_);
  if (kind_ != Kind::kPending && unanswered) NotifyCancel();
  ClearCallbacks();
}

void H2Stream::ClearCallbacks() {
  on_message = nullptr;
  on_half_close = nullptr;
  on_drained = nullptr;
  on_cancel = nullptr;
  on_body = nullptr;
  on_body_end = nullptr;
}

void H2Stream::NotifyCancel() {
  if (const auto body_end = std::exchange(on_body_end, nullptr)) {
    body_end(Error{Code::kUnavailable, "unexpected EOF"});
  }
  if (const auto cancel = std::exchange(on_cancel, nullptr)) cancel();
}

void H2Stream::DeadlinePassed() {
  deadline_key_.reset();
  FailNow(Code::kDeadlineExceeded, "context deadline exceeded");
}

// The transport answers in the handler's place; what the handler says later is dropped.
void H2Stream::FailNow(Code code, std::string_view text) {
  if (!ClaimAnswer()) return;
  refused_ = true;
  cancelled_.store(true, std::memory_order_release);
  Finish(static_cast<int>(code), text);
  const bool known = kind_ == Kind::kStreaming || (kind_ == Kind::kUnary && got_message_);
  if (known) NotifyCancel();
}

void H2Stream::Do(Action::Kind kind, std::string bytes, int code) {
  if (cancelled()) return;
  if (kind == Action::Kind::kMessage || kind == Action::Kind::kReply) {
    buffered_.fetch_add(bytes.size() + kPrefixBytes, std::memory_order_relaxed);
  }
  Action action;
  action.stream = shared_from_this();
  action.kind = kind;
  action.code = code;
  action.bytes = std::move(bytes);
  Submit(std::move(action));
}

void H2Stream::DoShared(std::shared_ptr<const std::string> shared) {
  if (cancelled()) return;
  buffered_.fetch_add(shared->size() + kPrefixBytes, std::memory_order_relaxed);
  Action action;
  action.stream = shared_from_this();
  action.kind = Action::Kind::kMessage;
  action.shared = std::move(shared);
  Submit(std::move(action));
}

// From another thread: queued for the loop. On it: done now, after what was queued before.
void H2Stream::Submit(Action action) {
  if (!context_->loop.InLoop()) {
    context_->Push(std::move(action));
    return;
  }
  context_->DrainInbox();
  action.stream = nullptr;
  Apply(std::move(action));
}

void H2Stream::DoRun(net::Task run) {
  if (context_->loop.InLoop()) {
    context_->DrainInbox();
    run();
    return;
  }
  Action action;
  action.stream = shared_from_this();
  action.run = std::move(run);
  context_->Push(std::move(action));
}

void H2Stream::Apply(Action action) {
  if (action.kind == Action::Kind::kRun) {
    action.run();
    return;
  }
  if (connection_ == nullptr || finished_) return;
  switch (action.kind) {
    case Action::Kind::kMessage:
      if (connection_->FailedForOutput()) break;
      Queue(std::move(action.bytes), std::move(action.shared));
      StartAnswer();
      break;
    case Action::Kind::kReply: {
      const Status may = connection_->MayAnswer(action.bytes.size(), answer_share_);
      if (may.ok()) {
        Queue(std::move(action.bytes), nullptr);
        Finish(0, "");
      } else {
        Finish(static_cast<int>(may.error().code), may.error().message);
      }
      break;
    }
    case Action::Kind::kFinish:
      Finish(action.code, action.bytes);
      break;
    case Action::Kind::kPause:
      paused_ = true;
      break;
    case Action::Kind::kResume:
      if (!paused_) break;
      paused_ = false;
      if (taking_messages_) break;  // whoever takes them does the rest
      TakeMessages();
      SetInputBytes(input_.size());
      if (connection_ != nullptr && !paused_) {
        connection_->Consume(*this, std::exchange(unconsumed_, 0));
        if (remote_closed_) HalfClosed();
      }
      break;
    case Action::Kind::kRun:
      break;
  }
}

void H2Stream::Queue(std::string bytes, std::shared_ptr<const std::string> shared) {
  Piece& piece = out_.emplace_back();
  if (shared == nullptr && bytes.size() >= kShareMin) {
    shared = std::make_shared<const std::string>(std::move(bytes));
  }
  if (shared != nullptr) {
    piece.shared = std::move(shared);
  } else {
    piece.owned = std::move(bytes);
  }
  if (kind_ != Kind::kHttp) {
    piece.prefix = MakePrefix(piece.message().size());
    piece.prefix_size = kPrefixBytes;
    connection_->counters().sent_bytes += piece.message().size();
  }
  out_bytes_ += piece.left();
  out_peak_ = std::max(out_peak_, out_bytes_);
  connection_->CountOutput(piece.left());
}

void H2Stream::Finish(int code, std::string_view text) {
  if (connection_ == nullptr || finished_) return;
  finished_ = true;
  finish_code_ = code;
  finish_text_ = text;
  if (deadline_key_.has_value()) {
    context_->RemoveDeadline(*deadline_key_);
    deadline_key_.reset();
  }
  StartAnswer();
}

// Submits the headers when there are none yet, or lets nghttp2 ask for more bytes.
void H2Stream::StartAnswer() {
  if (kind_ == Kind::kHttp && !started_) return;  // SendHttpHeaders comes first
  if (!started_) {
    started_ = true;
    connection_->SubmitGrpcHeaders(*this, finished_ && out_bytes_ == 0);
  } else if (deferred_) {
    deferred_ = false;
    connection_->ResumeSending(*this);
  }
}

void H2Stream::WriteOut(net::Connection& out, std::size_t bytes) {
  const std::size_t written = bytes;
  while (bytes > 0) {
    Piece& piece = out_[out_head_];
    if (piece.offset < piece.prefix_size) {
      const std::size_t count = std::min(bytes, piece.prefix_size - piece.offset);
      out.Write(std::string_view(piece.prefix.data() + piece.offset, count));
      piece.offset += count;
      bytes -= count;
      if (piece.offset < piece.prefix_size) break;  // the frame ends within the prefix
    }
    const std::string_view rest = piece.message().substr(piece.offset - piece.prefix_size);
    const std::string_view now = rest.substr(0, bytes);
    if (!now.empty()) {
      if (piece.shared != nullptr) {
        out.Write(piece.shared, now);
      } else {
        out.Write(now);
      }
      piece.offset += now.size();
      bytes -= now.size();
    }
    if (piece.left() == 0) {
      piece = Piece();
      ++out_head_;
    }
  }
  if (out_head_ == out_.size()) {
    out_.clear();
    out_head_ = 0;
  } else if (out_head_ >= 64) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_head_));
    out_head_ = 0;
  }
  out_bytes_ -= written;
  buffered_.fetch_sub(std::min(written, buffered_.load(std::memory_order_relaxed)),
                      std::memory_order_relaxed);
  connection_->CountOutput(0 - written);
  if (on_drained && !notify_sent_ && (out_bytes_ == 0 || out_bytes_ <= out_peak_ / 2)) {
    notify_sent_ = true;
    connection_->NotifyWhenSent(shared_from_this());
  }
}

void H2Stream::Sent() {
  notify_sent_ = false;
  out_peak_ = out_bytes_;
  if (connection_ != nullptr && !finished_ && on_drained) on_drained();
}

}  // namespace quorate::rpc
