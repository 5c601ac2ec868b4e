#include "net/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "net/tls_context.h"

namespace quorate::net {
namespace {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, X509Free>;

std::string CommonName(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return "";
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name;
}

std::string SerialHex(X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr);
  char* hex = BN_bn2hex(number);
  std::string text = hex;
  OPENSSL_free(hex);
  BN_free(number);
  return text;
}

TlsSession::Names NamesOf(X509* certificate) {
  TlsSession::Names names;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (list == nullptr) return names;
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) {
      names.dns.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                             static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const int size = ASN1_STRING_length(name->d.iPAddress);
      std::array<char, INET6_ADDRSTRLEN> text{};
      inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress),
                text.data(), text.size());
      names.addresses.emplace_back(text.data());
    }
  }
  names.present = !names.dns.empty() || !names.addresses.empty();
  GENERAL_NAMES_free(list);
  return names;
}

class OpenSslSession final : public TlsSession {
 public:
  OpenSslSession(std::shared_ptr<const LoadedTls> loaded, const TlsServerOptions* server)
      : loaded_(std::move(loaded)), server_(server), ssl_(SSL_new(loaded_->context.get())) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_ctrl(in_, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nullptr);  // empty means: wait for more
    SSL_set_bio(ssl_.get(), in_, out_);                        // owned by ssl_ from here
    if (server_ != nullptr) SSL_set_accept_state(ssl_.get());
  }

  Status BecomeClient(const std::string& host, bool verify) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const bool literal = inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
    if (!literal && !host.empty()) {
      // SSL_set_tlsext_host_name, whose macro casts in the old style.
      std::string name = host;
      SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    }
    if (verify && !host.empty()) {
      X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_.get());
      const int set = literal ? X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str())
                              : X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
      if (set != 1) return Error{Code::kInvalidArgument, "tls: bad server name " + host};
    }
    SSL_set_connect_state(ssl_.get());
    return {};
  }

  void Feed(std::string_view ciphertext) override {
    BIO_write(in_, ciphertext.data(), static_cast<int>(ciphertext.size()));
  }

  Result<bool> Handshake() override {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
      TRY(CheckRules());
      return true;
    }
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return false;
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
      ERR_clear_error();
      return Error{Code::kUnauthenticated, std::string("tls: failed to verify certificate: ") +
                                               X509_verify_cert_error_string(verdict)};
    }
    return Error{Code::kUnauthenticated, "tls: " + OpenSslError()};
  }

  Result<std::size_t> Read(char* buffer, std::size_t size) override {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), buffer, static_cast<int>(size));
    if (count > 0) return static_cast<std::size_t>(count);
    switch (SSL_get_error(ssl_.get(), count)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return std::size_t{0};
      case SSL_ERROR_ZERO_RETURN:
        return Error{Code::kUnavailable, "EOF"};
      default:
        return Error{Code::kUnavailable, "tls: " + OpenSslError()};
    }
  }

  Status Write(std::string_view plaintext) override {
    ERR_clear_error();
    while (!plaintext.empty()) {
      const std::size_t piece = std::min<std::size_t>(plaintext.size(), 1 << 30);
      const int count = SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(piece));
      if (count <= 0) return Error{Code::kUnavailable, "tls: " + OpenSslError()};
      plaintext.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  void CloseNotify() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  std::string_view output() const override {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    return {data, static_cast<std::size_t>(size)};
  }

  void Consume(std::size_t bytes) override {
    std::array<char, 16384> discard;
    while (bytes > 0) {
      const int count =
          BIO_read(out_, discard.data(), static_cast<int>(std::min(bytes, discard.size())));
      if (count <= 0) return;
      bytes -= static_cast<std::size_t>(count);
    }
  }

  TlsPeer peer() const override {
    TlsPeer peer;
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    peer.alpn.assign(reinterpret_cast<const char*>(name), size);
    peer.server_name = server_name();
    const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()));
    peer.verified = certificate != nullptr && SSL_get_verify_result(ssl_.get()) == X509_V_OK &&
                    SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE;
    if (peer.verified) peer.common_name = CommonName(certificate.get());
    return peer;
  }

  std::string server_name() const override {
    const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

  Names peer_names() const override {
    const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()));
    return certificate == nullptr ? Names{} : NamesOf(certificate.get());
  }

 private:
  Status CheckRules() const {
    if (server_ == nullptr) return {};
    const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()));
    if (certificate == nullptr) return {};
    if (!loaded_->revoked.empty()) {
      STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl_.get());
      for (int i = 0; i < sk_X509_num(chain); ++i) {
        if (loaded_->revoked.contains(SerialHex(sk_X509_value(chain, i)))) {
          return Error{Code::kUnauthenticated, "transport: certificate serial revoked"};
        }
      }
    }
    const std::vector<std::string>& cns = server_->allowed_cns;
    if (!cns.empty() &&
        std::find(cns.begin(), cns.end(), CommonName(certificate.get())) == cns.end()) {
      return Error{Code::kUnauthenticated, "client certificate authentication failed"};
    }
    if (server_->allowed_hostnames.empty()) return {};
    for (const std::string& host : server_->allowed_hostnames) {
      if (X509_check_host(certificate.get(), host.data(), host.size(), 0, nullptr) == 1 ||
          X509_check_ip_asc(certificate.get(), host.c_str(), 0) == 1) {
        return {};
      }
    }
    return Error{Code::kUnauthenticated, "client certificate authentication failed"};
  }

  const std::shared_ptr<const LoadedTls> loaded_;
  const TlsServerOptions* const server_;  // null: we are the client
  std::unique_ptr<SSL, SslFree> ssl_;
  BIO* in_ = nullptr;   // ciphertext from the socket
  BIO* out_ = nullptr;  // ciphertext for the socket
};

}  // namespace

Result<std::unique_ptr<TlsSession>> TlsSession::ForServer(TlsServer& server) {
  return std::unique_ptr<TlsSession>(
      std::make_unique<OpenSslSession>(server.impl().Current(), &server.options()));
}

Result<std::unique_ptr<TlsSession>> TlsSession::ForClient(TlsClient& client,
                                                          const std::string& host) {
  const TlsClientOptions& options = client.options();
  auto session = std::make_unique<OpenSslSession>(client.impl().Current(), nullptr);
  TRY(session->BecomeClient(options.server_name.empty() ? host : options.server_name,
                            !options.insecure_skip_verify));
  return std::unique_ptr<TlsSession>(std::move(session));
}

bool HostMatches(std::string_view pattern, std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (pattern == host) return true;
  if (!pattern.starts_with("*.")) return false;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

}  // namespace quorate::net
