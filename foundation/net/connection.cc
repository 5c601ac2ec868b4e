#include "net/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "net/socket_connection.h"

namespace quorate::net {
namespace {

constexpr std::size_t kPiecesPerWrite = 64;
constexpr std::size_t kCipherAheadMax = std::size_t{256} << 10;  // encrypted but not yet sent

std::string EndpointText(const asio::generic::stream_protocol::endpoint& endpoint) {
  const auto* address = static_cast<const sockaddr*>(endpoint.data());
  return AddressText(
      {address->sa_family, std::string(reinterpret_cast<const char*>(address), endpoint.size())});
}

void SetSocketOptions(int descriptor) {
  const int on = 1;
  const int idle_seconds = 30;
  // They fail on a unix socket, which needs none of them.
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &idle_seconds, sizeof idle_seconds);
}

}  // namespace

SocketConnection::SocketConnection(EventLoop& loop, Socket socket,
                                   std::unique_ptr<TlsSession> session, std::shared_ptr<void> guard)
    : loop_parts_(loop.impl()),
      loop_(loop),
      socket_(std::move(socket)),
      session_(std::move(session)),
      guard_(std::move(guard)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  SetSocketOptions(socket_.native_handle());
  const auto remote = socket_.remote_endpoint(ignored);
  remote_ = ignored ? "@" : EndpointText(remote);
  const auto local = socket_.local_endpoint(ignored);
  local_ = ignored ? "@" : EndpointText(local);
}

SocketConnection::~SocketConnection() = default;

std::shared_ptr<SocketConnection> SocketConnection::Self() {
  return std::static_pointer_cast<SocketConnection>(shared_from_this());
}

void SocketConnection::Handshake(std::chrono::milliseconds timeout,
                                 std::function<void(Status)> done) {
  loop_parts_->kept_alive.emplace(this,
                                  EventLoop::Impl::Kept{shared_from_this(), [this] { Close(); }});
  if (session_ == nullptr) {
    done(Status());
    return;
  }
  handshake_done_ = std::move(done);
  timer_ = std::make_unique<Timer>(loop_);
  timer_->Set(timeout, [this] {
    FinishHandshake(Error{Code::kDeadlineExceeded, "tls: handshake timed out"});
  });
  ContinueHandshake();
  ArmRead();
}

void SocketConnection::ContinueHandshake() {
  const Result<bool> finished = session_->Handshake();
  Flush();  // also when it failed: the alert tells the other side why
  if (closed_) return;
  if (!finished.ok()) {
    FinishHandshake(finished.error());
  } else if (*finished) {
    peer_ = session_->peer();
    FinishHandshake(Status());
  }
}

void SocketConnection::FinishHandshake(const Status& status) {
  if (!handshake_done_) return;
  const auto self = Self();
  timer_.reset();
  const std::function<void(Status)> done = std::move(handshake_done_);
  handshake_done_ = nullptr;
  if (!status.ok()) Close();
  done(status);
}

void SocketConnection::Start(ConnectionHandler* handler) {
  handler_ = handler;
  started_ = true;
  if (closed_) {
    loop_.Post([self = Self()] {
      if (self->handler_ != nullptr) self->handler_->OnClosed({Code::kCancelled, "closed"});
    });
    return;
  }
  paused_ = true;
  ResumeReading();
}

void SocketConnection::Write(std::string_view bytes) {
  if (closed_ || closing_) return;
  out_.Append(bytes);
  ScheduleFlush();
}

void SocketConnection::Write(std::string bytes, std::nullptr_t) {
  if (closed_ || closing_) return;
  out_.AppendOwned(std::move(bytes));
  ScheduleFlush();
}

void SocketConnection::Write(std::shared_ptr<const void> owner, std::string_view bytes) {
  if (closed_ || closing_) return;
  out_.AppendShared(std::move(owner), bytes);
  ScheduleFlush();
}

void SocketConnection::ResumeReading() {
  if (!paused_ || closed_) return;
  paused_ = false;
  if (session_ != nullptr) {
    // Bytes may be waiting, already received, inside the session.
    loop_.Post([self = Self()] { self->DeliverDecrypted(); });
  }
  ArmRead();
}

void SocketConnection::CloseWhenFlushed(std::chrono::milliseconds patience) {
  if (closed_ || closing_) return;
  closing_ = true;
  timer_ = std::make_unique<Timer>(loop_);
  timer_->Set(patience, [this] { Fail({Code::kCancelled, "closed"}); });
  ScheduleFlush();
}

void SocketConnection::Close() {
  Fail({Code::kCancelled, "closed"});
}

bool SocketConnection::wants_reading() const {
  if (closed_) return false;
  return handshake_done_ != nullptr || shut_down_ || (started_ && !paused_);
}

void SocketConnection::ArmRead() {
  if (read_armed_ || !wants_reading()) return;
  read_armed_ = true;
  socket_.async_wait(Socket::wait_read, [self = Self()](const boost::system::error_code& failure) {
    self->read_armed_ = false;
    if (!failure) self->OnReadable();
    self->ArmRead();
  });
}

void SocketConnection::OnReadable() {
  if (!wants_reading()) return;
  boost::system::error_code failure;
  char* buffer = loop_parts_->read_buffer.get();
  const std::size_t count =
      socket_.read_some(asio::buffer(buffer, EventLoop::Impl::kReadBytes), failure);
  if (failure == asio::error::would_block || failure == asio::error::interrupted) return;
  if (failure) {
    const bool ended = failure == asio::error::eof;
    Error reason{Code::kUnavailable, ended ? "EOF" : "read: " + ErrnoText(failure.value())};
    Fail(std::move(reason));
    return;
  }
  if (shut_down_) return;
  if (session_ == nullptr) {
    Deliver({buffer, count});
    return;
  }
  session_->Feed({buffer, count});
  if (handshake_done_) {
    ContinueHandshake();
  } else {
    DeliverDecrypted();
  }
}

void SocketConnection::Deliver(std::string_view bytes) {
  if (handler_ != nullptr) handler_->OnData(bytes);
}

void SocketConnection::DeliverDecrypted() {
  while (!closed_ && started_ && !paused_ && !shut_down_) {
    char* buffer = loop_parts_->plain_buffer.get();
    const Result<std::size_t> count = session_->Read(buffer, EventLoop::Impl::kReadBytes);
    if (!count.ok()) {
      Fail(count.error());
      return;
    }
    if (*count == 0) break;
    Deliver({buffer, *count});
  }
  if (!closed_ && cipher_bytes() > 0) ScheduleFlush();
}

void SocketConnection::ScheduleFlush() {
  if (flush_scheduled_ || write_armed_) return;
  flush_scheduled_ = true;
  loop_.AtTurnEnd([self = Self()] {
    self->flush_scheduled_ = false;
    self->Flush();
  });
}

void SocketConnection::Flush() {
  if (closed_ || write_armed_) return;
  const bool flushed = session_ == nullptr ? FlushPlain() : FlushCipher();
  if (closed_) return;
  if (!flushed) {
    write_armed_ = true;
    socket_.async_wait(Socket::wait_write,
                       [self = Self()](const boost::system::error_code& failure) {
                         self->write_armed_ = false;
                         if (!failure) self->Flush();
                       });
    return;
  }
  AfterFlush();
}

// true: all sent. false: the socket is full, or failed and the connection is closed.
bool SocketConnection::FlushPlain() {
  while (!out_.empty()) {
    std::size_t sent = 0;
    if (!SendSome(out_.Front(kPiecesPerWrite), &sent)) return false;
    out_.Consume(sent);
  }
  return true;
}

bool SocketConnection::FlushCipher() {
  for (;;) {
    while (!out_.empty() && cipher_bytes() < kCipherAheadMax) {
      const std::string_view piece = out_.Front(1).front().substr(0, kCipherAheadMax);
      if (const Status written = session_->Write(piece); !written.ok()) {
        Fail(written.error());
        return false;
      }
      out_.Consume(piece.size());
    }
    if (cipher_bytes() == 0) return true;
    std::size_t sent = 0;
    const std::vector<std::string_view> pieces = {session_->output()};
    if (!SendSome(pieces, &sent)) return false;
    session_->Consume(sent);
  }
}

bool SocketConnection::SendSome(const std::vector<std::string_view>& pieces, std::size_t* sent) {
  std::array<asio::const_buffer, kPiecesPerWrite> buffers;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    buffers[i] = asio::const_buffer(pieces[i].data(), pieces[i].size());
  }
  boost::system::error_code failure;
  *sent = socket_.write_some(
      std::vector<asio::const_buffer>(buffers.begin(),
                                      buffers.begin() + static_cast<std::ptrdiff_t>(pieces.size())),
      failure);
  if (!failure) return true;
  if (failure != asio::error::would_block) {
    Fail({Code::kUnavailable, "write: " + ErrnoText(failure.value())});
  }
  return false;
}

void SocketConnection::AfterFlush() {
  if (closing_ && !shut_down_) {
    shut_down_ = true;
    if (session_ != nullptr) {
      session_->CloseNotify();
      Flush();
      if (closed_) return;
    }
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    ArmRead();  // until the other side ends too, so that it sees our last bytes and no reset
    return;
  }
  if (handler_ != nullptr) handler_->OnDrained();
}

void SocketConnection::Fail(Error reason) {
  if (closed_) return;
  const auto self = Self();
  closed_ = true;
  timer_.reset();
  const std::function<void(Status)> shaken = std::exchange(handshake_done_, nullptr);
  boost::system::error_code ignored;
  socket_.close(ignored);
  out_.Clear();
  guard_.reset();
  loop_parts_->kept_alive.erase(this);
  loop_.Post([self, reason = std::move(reason), shaken] {
    if (shaken) shaken(reason);
    ConnectionHandler* handler = self->handler_;
    self->handler_ = nullptr;
    if (handler != nullptr) handler->OnClosed(reason);
  });
}

}  // namespace quorate::net
