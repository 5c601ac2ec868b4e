// TlsServer, TlsClient: certificates and rules for one side of TLS, reread when they change.
//
// Each new handshake looks at the files' times (at most once a second) and loads them again if they
// moved, so that a rotated certificate or CA needs no restart. A set of files that does not load is
// logged and the last good one stays.
//
// Ownership: shared; a handshake keeps the version it began with.
// Thread: any.
// Source: etcd client/pkg/transport (behaviour): client verification, allowed names, Go's cipher
// names.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace quorate::net {

struct TlsServerOptions {
  std::string cert_file;        // PEM, leaf first; required
  std::string key_file;         // PEM; required
  std::string trusted_ca_file;  // "": clients' certificates cannot be verified
  std::string crl_file;         // PEM or DER; "" none
  // demand and verify a client certificate; needs trusted_ca_file
  bool client_cert_auth = false;
  std::vector<std::string> allowed_cns;        // not empty: the client's CN must be one of these
  std::vector<std::string> allowed_hostnames;  // not empty: a client SAN must match one of these
  // client SANs must cover its IP or its reverse name (etcd peers)
  bool verify_client_address = false;
  std::vector<std::string> cipher_suites;  // Go/IANA names; empty: OpenSSL's default
  std::string min_version = "TLS1.2";      // TLS1.2 or TLS1.3
  std::string max_version;                 // "": newest
  std::vector<std::string> alpn;           // in our order of preference, e.g. h2, http/1.1
};

struct TlsClientOptions {
  std::string cert_file;  // "": no client certificate
  std::string key_file;
  std::string trusted_ca_file;  // "": the system's
  std::string server_name;      // overrides the dialled host in SNI and verification
  bool insecure_skip_verify = false;
  std::vector<std::string> cipher_suites;
  std::string min_version = "TLS1.2";
  std::string max_version;
  std::vector<std::string> alpn;
};

class TlsServer {
 public:
  // Loads every file once. InvalidArgument: an option is wrong; FailedPrecondition: a file is
  // missing or damaged.
  static Result<std::shared_ptr<TlsServer>> Make(TlsServerOptions options);
  ~TlsServer();
  const TlsServerOptions& options() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit TlsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class TlsClient {
 public:
  static Result<std::shared_ptr<TlsClient>> Make(TlsClientOptions options);
  ~TlsClient();
  const TlsClientOptions& options() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit TlsClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What the handshake told us about the other side.
struct TlsPeer {
  std::string alpn;         // negotiated protocol, "" none
  std::string server_name;  // SNI the client sent
  std::string common_name;  // of the verified client certificate's subject; "" without one
  bool verified = false;    // a certificate was presented and verified
};

// Accepts Go's and IANA's names (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256). InvalidArgument:
// `unexpected TLS cipher suite "x"`.
Status CheckCipherSuites(const std::vector<std::string>& names);

}  // namespace quorate::net
