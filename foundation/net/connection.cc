#include "net/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "net/socket_connection.h"

namespace quorate::net {
namespace {

constexpr std::size_t kPiecesPerWrite = 64;
constexpr std::size_t kCipherAheadMax = std::size_t{256} << 10;  // encrypted but not yet sent

// ask: getpeername or getsockname.
std::string EndpointText(int (*ask)(int, sockaddr*, socklen_t*), int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (ask(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "@";
  return AddressText(
      {address.ss_family, std::string(reinterpret_cast<const char*>(&address), size)});
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

SocketConnection::SocketConnection(EventLoop& loop, int socket, std::unique_ptr<TlsSession> session,
                                   std::shared_ptr<void> guard)
    : loop_parts_(loop.impl()),
      loop_(loop),
      session_(std::move(session)),
      guard_(std::move(guard)),
      remote_(EndpointText(getpeername, socket)),
      local_(EndpointText(getsockname, socket)) {
  SetSocketOptions(socket);
  descriptor_.emplace(loop_parts_, socket, this);
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
  if (readable_) ReadLater();
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

void SocketConnection::OnReady(Readiness ready) {
  const auto self = Self();
  readable_ = readable_ || ready.readable;
  ended_ = ended_ || ready.ended;
  if (ready.writable && write_awaited_) {
    write_awaited_ = false;
    descriptor_->AwaitWritable(false);
    Flush();
  }
  ReadSome();
}

// One buffer a turn, so that who sends much does not hold up the others.
void SocketConnection::ReadSome() {
  if (!readable_ || !wants_reading()) return;
  char* buffer = loop_parts_->read_buffer.get();
  const ssize_t count = recv(descriptor_->socket(), buffer, EventLoop::Impl::kReadBytes, 0);
  if (count < 0 && errno == EAGAIN) {
    readable_ = false;
    return;
  }
  if (count <= 0) {
    return Fail({Code::kUnavailable, count == 0 ? "EOF" : "read: " + ErrnoText(errno)});
  }
  const auto size = static_cast<std::size_t>(count);
  // Less than there was room for: that was all, and what comes later is told. But the end has been
  // told already.
  readable_ = size == EventLoop::Impl::kReadBytes || ended_;
  if (!shut_down_) Received({buffer, size});
  if (readable_) ReadLater();
}

void SocketConnection::ReadLater() {
  if (read_posted_ || !wants_reading()) return;
  read_posted_ = true;
  loop_.Post([self = Self()] {
    self->read_posted_ = false;
    self->ReadSome();
  });
}

void SocketConnection::Received(std::string_view bytes) {
  if (session_ == nullptr) {
    Deliver(bytes);
    return;
  }
  session_->Feed(bytes);
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
  if (flush_scheduled_ || write_awaited_) return;
  flush_scheduled_ = true;
  loop_.AtTurnEnd([self = Self()] {
    self->flush_scheduled_ = false;
    self->Flush();
  });
}

void SocketConnection::Flush() {
  if (closed_ || write_awaited_) return;
  const bool flushed = session_ == nullptr ? FlushPlain() : FlushCipher();
  if (closed_) return;
  if (!flushed) {
    write_awaited_ = true;
    descriptor_->AwaitWritable(true);
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
    const std::string_view piece = session_->output();
    if (!SendSome({&piece, 1}, &sent)) return false;
    session_->Consume(sent);
  }
}

bool SocketConnection::SendSome(std::span<const std::string_view> pieces, std::size_t* sent) {
  std::array<iovec, kPiecesPerWrite> parts;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = pieces.size();
  const ssize_t count = sendmsg(descriptor_->socket(), &message, MSG_NOSIGNAL);
  if (count >= 0) {
    *sent = static_cast<std::size_t>(count);
    return true;
  }
  if (errno != EAGAIN) Fail({Code::kUnavailable, "write: " + ErrnoText(errno)});
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
    shutdown(descriptor_->socket(), SHUT_WR);
    // Until the other side ends too, so that it sees our last bytes and no reset.
    if (readable_) ReadLater();
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
  descriptor_.reset();
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
