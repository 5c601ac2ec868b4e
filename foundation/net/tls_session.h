// TlsSession: one TLS connection without its socket: ciphertext in, plaintext out, and back.
//
// Only net's .cc files include this.
//
// Ownership: keeps the context it began with, so that a reload does not disturb it.
// Thread: its connection's loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

namespace quorate::net {

class TlsSession {
 public:
  static Result<std::unique_ptr<TlsSession>> ForServer(TlsServer& server);
  // host: for SNI and verification unless the options name another.
  static Result<std::unique_ptr<TlsSession>> ForClient(TlsClient& client, const std::string& host);
  virtual ~TlsSession() = default;

  // Takes bytes from the socket; work happens in the calls below.
  virtual void Feed(std::string_view ciphertext) = 0;

  // true: finished and every rule of the options held, except the client's address.
  virtual Result<bool> Handshake() = 0;

  // Decrypts into buffer; 0: needs more; kUnavailable "EOF": closed in order.
  virtual Result<std::size_t> Read(char* buffer, std::size_t size) = 0;
  virtual Status Write(std::string_view plaintext) = 0;
  virtual void CloseNotify() = 0;

  // Bytes for the socket; Consume what was written.
  virtual std::string_view output() const = 0;
  virtual void Consume(std::size_t bytes) = 0;

  virtual TlsPeer peer() const = 0;
  virtual std::string server_name() const = 0;

  // The peer certificate's subject alternative names, for the client address rule.
  struct Names {
    bool present = false;  // a certificate with any SAN
    std::vector<std::string> dns;
    std::vector<std::string> addresses;  // text form
  };
  virtual Names peer_names() const = 0;
};

// A DNS name matches itself or a "*." that stands for its first label.
bool HostMatches(std::string_view pattern, std::string_view host);

}  // namespace quorate::net
