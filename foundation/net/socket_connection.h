// SocketConnection: Connection over a socket, with or without a TlsSession on top.
//
// Only net's .cc files include this.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "net/connection.h"
#include "net/loop_parts.h"
#include "net/output_queue.h"
#include "net/tls_session.h"

namespace quorate::net {

class SocketConnection final : public Connection, public Watcher {
 public:
  // Takes over a connected, non-blocking socket. guard lives as long as the connection is open.
  SocketConnection(EventLoop& loop, int socket, std::unique_ptr<TlsSession> session,
                   std::shared_ptr<void> guard);
  ~SocketConnection() override;

  // Shakes hands (at once done for plaintext), within timeout; then done. Before Start.
  void Handshake(std::chrono::milliseconds timeout, std::function<void(Status)> done);
  TlsSession* session() { return session_.get(); }

  void Start(ConnectionHandler* handler) override;
  void Detach() override { handler_ = nullptr; }
  void Write(std::string_view bytes) override;
  void Write(std::string bytes, std::nullptr_t) override;
  void Write(std::shared_ptr<const void> owner, std::string_view bytes) override;
  std::size_t buffered_bytes() const override { return out_.bytes() + cipher_bytes(); }
  void PauseReading() override { paused_ = true; }
  void ResumeReading() override;
  void CloseWhenFlushed(std::chrono::milliseconds patience) override;
  void Close() override;
  bool closed() const override { return closed_; }
  EventLoop& loop() override { return loop_; }
  const std::string& remote_address() const override { return remote_; }
  const std::string& local_address() const override { return local_; }
  const std::optional<TlsPeer>& tls() const override { return peer_; }

 private:
  std::shared_ptr<SocketConnection> Self();
  std::size_t cipher_bytes() const { return session_ == nullptr ? 0 : session_->output().size(); }
  bool wants_reading() const;
  void OnReady(Readiness ready) override;
  void ReadSome();
  void ReadLater();
  void Received(std::string_view bytes);
  void Deliver(std::string_view bytes);
  void DeliverDecrypted();
  void ContinueHandshake();
  void FinishHandshake(const Status& status);
  void ScheduleFlush();
  void Flush();
  bool FlushPlain();
  bool FlushCipher();
  bool SendSome(std::span<const std::string_view> pieces, std::size_t* sent);
  void AfterFlush();
  void Fail(Error reason);

  const std::shared_ptr<EventLoop::Impl> loop_parts_;
  EventLoop& loop_;
  std::optional<Descriptor> descriptor_;  // nullopt: closed
  std::unique_ptr<TlsSession> session_;
  std::shared_ptr<void> guard_;
  ConnectionHandler* handler_ = nullptr;
  OutputQueue out_;  // plaintext
  std::string remote_;
  std::string local_;
  std::optional<TlsPeer> peer_;
  std::function<void(Status)> handshake_done_;
  std::unique_ptr<Timer> timer_;  // of the handshake, then of the close
  bool started_ = false;
  bool paused_ = false;
  bool readable_ = false;  // there may be something to read
  bool ended_ = false;     // the end is there to be read
  bool read_posted_ = false;
  bool write_awaited_ = false;
  bool flush_scheduled_ = false;
  bool closing_ = false;    // CloseWhenFlushed
  bool shut_down_ = false;  // our direction is closed, what comes is thrown away
  bool closed_ = false;
};

}  // namespace quorate::net
