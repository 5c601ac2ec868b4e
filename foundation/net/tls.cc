#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstring>
#include <map>

#include "base/log.h"
#include "net/tls_context.h"

namespace quorate::net {
namespace {

Error BadFile(const std::string& file) {
  return Error{Code::kFailedPrecondition, "load " + file + ": " + OpenSslError()};
}

// IANA name -> OpenSSL name, of everything this OpenSSL can do.
std::map<std::string, std::string> KnownCiphers() {
  std::map<std::string, std::string> known;
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_method()),
                                                             SSL_CTX_free);
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    const char* standard = SSL_CIPHER_standard_name(cipher);
    if (standard == nullptr) continue;
    std::string name = standard;
    known[name] = SSL_CIPHER_get_name(cipher);
    // Go's older names of the ChaCha suites leave the hash out.
    if (const std::size_t at = name.find("_POLY1305_SHA256"); at != std::string::npos) {
      known[name.substr(0, at) + "_POLY1305"] = SSL_CIPHER_get_name(cipher);
    }
  }
  return known;
}

Status SetCiphers(SSL_CTX* context, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  const std::map<std::string, std::string> known = KnownCiphers();
  std::string tls12;
  std::string tls13;
  for (const std::string& name : names) {
    const auto found = known.find(name);
    if (found == known.end()) {
      return Error{Code::kInvalidArgument, "unexpected TLS cipher suite \"" + name + "\""};
    }
    std::string& list = found->second.starts_with("TLS_") ? tls13 : tls12;
    list += (list.empty() ? "" : ":") + found->second;
  }
  if ((!tls12.empty() && SSL_CTX_set_cipher_list(context, tls12.c_str()) != 1) ||
      (!tls13.empty() && SSL_CTX_set_ciphersuites(context, tls13.c_str()) != 1)) {
    return Error{Code::kInvalidArgument, "cipher suites: " + OpenSslError()};
  }
  return {};
}

Result<int> ParseVersion(const std::string& text, int unset) {
  if (text.empty()) return unset;
  if (text == "TLS1.2") return TLS1_2_VERSION;
  if (text == "TLS1.3") return TLS1_3_VERSION;
  return Error{Code::kInvalidArgument, "unexpected TLS version \"" + text + "\""};
}

Status SetVersions(SSL_CTX* context, const std::string& lowest, const std::string& highest) {
  const int low = TRY(ParseVersion(lowest, TLS1_2_VERSION));
  const int high = TRY(ParseVersion(highest, 0));
  if (high != 0 && low > high) {
    return Error{Code::kInvalidArgument,
                 "min version (" + lowest + ") is greater than max version (" + highest + ")"};
  }
  SSL_CTX_set_min_proto_version(context, low);
  SSL_CTX_set_max_proto_version(context, high);
  return {};
}

Status LoadPair(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return BadFile(certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return BadFile(key);
  }
  return {};
}

Result<std::set<std::string>> LoadRevoked(const std::string& file) {
  std::set<std::string> serials;
  if (file.empty()) return serials;
  const std::unique_ptr<BIO, void (*)(BIO*)> bio(BIO_new_file(file.c_str(), "rb"), BIO_free_all);
  if (bio == nullptr) return BadFile(file);
  X509_CRL* crl = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr);
  if (crl == nullptr) {
    ERR_clear_error();
    static_cast<void>(BIO_seek(bio.get(), 0));
    crl = d2i_X509_CRL_bio(bio.get(), nullptr);
  }
  if (crl == nullptr) return BadFile(file);
  STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(crl);
  for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
    BIGNUM* number = ASN1_INTEGER_to_BN(
        X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i)), nullptr);
    char* hex = BN_bn2hex(number);
    serials.insert(hex);
    OPENSSL_free(hex);
    BN_free(number);
  }
  X509_CRL_free(crl);
  return serials;
}

std::vector<unsigned char> AlpnWire(const std::vector<std::string>& names) {
  std::vector<unsigned char> wire;
  for (const std::string& name : names) {
    wire.push_back(static_cast<unsigned char>(name.size()));
    wire.insert(wire.end(), name.begin(), name.end());
  }
  return wire;
}

// Our order decides; a client that offers nothing of ours goes on without ALPN.
int SelectAlpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
               unsigned int in_size, void* argument) {
  const auto& ours = *static_cast<const std::vector<unsigned char>*>(argument);
  unsigned char* chosen = nullptr;
  if (ours.empty() ||
      SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned int>(ours.size()),
                            in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::shared_ptr<SSL_CTX> NewContext(const SSL_METHOD* method) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  // No resumption: a resumed session would skip the checks of a CA or CRL that changed meanwhile.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

Result<std::shared_ptr<const LoadedTls>> LoadServer(const TlsServerOptions& options) {
  auto loaded = std::make_shared<LoadedTls>();
  loaded->context = NewContext(TLS_server_method());
  SSL_CTX* context = loaded->context.get();
  TRY(SetVersions(context, options.min_version, options.max_version));
  TRY(SetCiphers(context, options.cipher_suites));
  TRY(LoadPair(context, options.cert_file, options.key_file));
  if (!options.trusted_ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context, options.trusted_ca_file.c_str(), nullptr) != 1) {
      return BadFile(options.trusted_ca_file);
    }
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.trusted_ca_file.c_str()));
  } else if (options.client_cert_auth) {
    SSL_CTX_set_default_verify_paths(context);
  }
  if (options.client_cert_auth || !options.trusted_ca_file.empty()) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
  }
  loaded->revoked = TRY(LoadRevoked(options.crl_file));
  loaded->alpn_wire = AlpnWire(options.alpn);
  SSL_CTX_set_alpn_select_cb(context, SelectAlpn, &loaded->alpn_wire);
  return std::shared_ptr<const LoadedTls>(std::move(loaded));
}

Result<std::shared_ptr<const LoadedTls>> LoadClient(const TlsClientOptions& options) {
  auto loaded = std::make_shared<LoadedTls>();
  loaded->context = NewContext(TLS_client_method());
  SSL_CTX* context = loaded->context.get();
  TRY(SetVersions(context, options.min_version, options.max_version));
  TRY(SetCiphers(context, options.cipher_suites));
  if (!options.cert_file.empty()) TRY(LoadPair(context, options.cert_file, options.key_file));
  if (options.trusted_ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, options.trusted_ca_file.c_str(), nullptr) !=
             1) {
    return BadFile(options.trusted_ca_file);
  }
  SSL_CTX_set_verify(context, options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  loaded->alpn_wire = AlpnWire(options.alpn);
  if (!loaded->alpn_wire.empty()) {
    SSL_CTX_set_alpn_protos(context, loaded->alpn_wire.data(),
                            static_cast<unsigned int>(loaded->alpn_wire.size()));
  }
  return std::shared_ptr<const LoadedTls>(std::move(loaded));
}

}  // namespace

std::string OpenSslError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unexpected end";
  const char* reason = ERR_reason_error_string(code);
  if (ERR_SYSTEM_ERROR(code)) reason = std::strerror(ERR_GET_REASON(code));
  std::string text = reason == nullptr ? "error " + std::to_string(code) : reason;
  if (text == "No such file or directory") text = "no such file or directory";
  return text;
}

FileStamps::FileStamps(std::vector<std::string> files)
    : files_(std::move(files)), last_(Look()), looked_(std::chrono::steady_clock::now()) {}

bool FileStamps::Changed() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ < std::chrono::seconds(1)) return false;
  looked_ = now;
  std::string look = Look();
  if (look == last_) return false;
  last_ = std::move(look);
  return true;
}

std::string FileStamps::Look() const {
  std::string look;
  for (const std::string& file : files_) {
    struct stat info {};
    if (file.empty() || stat(file.c_str(), &info) != 0) continue;
    look += file + ":" + std::to_string(info.st_size) + ":" + std::to_string(info.st_ino) + ":" +
            std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + ";";
  }
  return look;
}

template <typename Options>
std::shared_ptr<const LoadedTls> ReloadedTls<Options>::Current() {
  MutexLock lock(mutex_);
  if (stamps_.Changed()) {
    Result<std::shared_ptr<const LoadedTls>> loaded = load_(options_);
    if (loaded.ok()) {
      current_ = std::move(loaded).value();
      log::Info("reloaded TLS files", {{"cert-file", options_.cert_file}});
    } else {
      log::Warn("cannot reload TLS files, the former ones stay in use",
                {{"cert-file", options_.cert_file}, {"error", loaded.error().message}});
    }
  }
  return current_;
}

template class ReloadedTls<TlsServerOptions>;
template class ReloadedTls<TlsClientOptions>;

Result<std::shared_ptr<TlsServer>> TlsServer::Make(TlsServerOptions options) {
  if (options.cert_file.empty() || options.key_file.empty()) {
    return Error{Code::kInvalidArgument,
                 "TLS key/cert (--cert-file, --key-file) must be provided for HTTPS"};
  }
  if (!options.allowed_cns.empty() && !options.allowed_hostnames.empty()) {
    return Error{Code::kInvalidArgument, "AllowedCNs and AllowedHostnames are mutually exclusive"};
  }
  std::vector<std::string> files = {options.cert_file, options.key_file, options.trusted_ca_file,
                                    options.crl_file};
  std::shared_ptr<const LoadedTls> first = TRY(LoadServer(options));
  return std::shared_ptr<TlsServer>(new TlsServer(
      std::make_unique<Impl>(std::move(options), std::move(files), &LoadServer, std::move(first))));
}

TlsServer::TlsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServer::~TlsServer() = default;
const TlsServerOptions& TlsServer::options() const {
  return impl_->options();
}

Result<std::shared_ptr<TlsClient>> TlsClient::Make(TlsClientOptions options) {
  if (options.cert_file.empty() != options.key_file.empty()) {
    return Error{Code::kInvalidArgument,
                 "KeyFile and CertFile must both be present[key: " + options.key_file +
                     ", cert: " + options.cert_file + "]"};
  }
  std::vector<std::string> files = {options.cert_file, options.key_file, options.trusted_ca_file};
  std::shared_ptr<const LoadedTls> first = TRY(LoadClient(options));
  return std::shared_ptr<TlsClient>(new TlsClient(
      std::make_unique<Impl>(std::move(options), std::move(files), &LoadClient, std::move(first))));
}

TlsClient::TlsClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClient::~TlsClient() = default;
const TlsClientOptions& TlsClient::options() const {
  return impl_->options();
}

Status CheckCipherSuites(const std::vector<std::string>& names) {
  const std::map<std::string, std::string> known = KnownCiphers();
  for (const std::string& name : names) {
    if (!known.contains(name)) {
      return Error{Code::kInvalidArgument, "unexpected TLS cipher suite \"" + name + "\""};
    }
  }
  return {};
}

}  // namespace quorate::net
