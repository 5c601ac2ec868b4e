#include "net/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "net/tls_context.h"

namespace quorate::net {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freed<X509_free>>;

Error Failed(const char* what) {
  return Error{Code::kInternal, std::string(what) + ": " + OpenSslError()};
}

std::string Drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return Failed("certificate extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return {};
}

std::string SubjectAltNames(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts) {
    std::array<unsigned char, 16> address{};
    const bool literal = inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
    names += (names.empty() ? "" : ",") + std::string(literal ? "IP:" : "DNS:") + host;
  }
  return names;
}

void SetSubject(X509* certificate, const CertificateRequest& request) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto add = [subject](const char* field, const std::string& text) {
    if (text.empty()) return;
    X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
  };
  add("O", request.organization);
  add("CN", request.common_name);
}

Status Fill(X509* certificate, EVP_PKEY* key, const CertificateRequest& request, X509* issuer) {
  X509_set_version(certificate, X509_VERSION_3);
  std::array<unsigned char, 16> serial{};
  RAND_bytes(serial.data(), static_cast<int>(serial.size()));
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x01);
  BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  const auto seconds = [](std::chrono::hours hours) {
    return static_cast<long>(std::chrono::seconds(hours).count());
  };
  X509_gmtime_adj(X509_getm_notBefore(certificate), -seconds(request.begins_ago));
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds(request.validity));
  SetSubject(certificate, request);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509_set_pubkey(certificate, key);
  TRY(AddExtension(certificate, issuer, NID_basic_constraints,
                   request.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE"));
  TRY(AddExtension(certificate, issuer, NID_key_usage,
                   request.is_ca ? "critical,keyCertSign,cRLSign,digitalSignature"
                                 : "critical,digitalSignature,keyEncipherment"));
  TRY(AddExtension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth"));
  TRY(AddExtension(certificate, issuer, NID_subject_key_identifier, "hash"));
  if (const std::string names = SubjectAltNames(request.hosts); !names.empty()) {
    TRY(AddExtension(certificate, issuer, NID_subject_alt_name, names));
  }
  return {};
}

Result<PemPair> ToPem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return Failed("encode certificate");
  }
  return PemPair{Drain(certificate_text.get()), Drain(key_text.get())};
}

std::chrono::system_clock::time_point ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace

Result<PemPair> MakeCertificate(const CertificateRequest& request, const PemPair* issuer) {
  const Key key(EVP_EC_gen("P-256"));
  const Cert certificate(X509_new());
  if (key == nullptr || certificate == nullptr) return Failed("make key");
  Cert issuer_certificate;
  Key issuer_key;
  if (issuer != nullptr) {
    const Bio certificate_bio(
        BIO_new_mem_buf(issuer->certificate.data(), static_cast<int>(issuer->certificate.size())));
    const Bio key_bio(BIO_new_mem_buf(issuer->key.data(), static_cast<int>(issuer->key.size())));
    issuer_certificate.reset(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
    issuer_key.reset(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
    if (issuer_certificate == nullptr || issuer_key == nullptr) return Failed("read issuer");
  }
  X509* signer = issuer == nullptr ? certificate.get() : issuer_certificate.get();
  TRY(Fill(certificate.get(), key.get(), request, signer));
  EVP_PKEY* signing_key = issuer == nullptr ? key.get() : issuer_key.get();
  if (X509_sign(certificate.get(), signing_key, EVP_sha256()) == 0) return Failed("sign");
  return ToPem(certificate.get(), key.get());
}

Result<CertificateDates> ReadCertificateDates(const std::string& file) {
  const Bio bio(BIO_new_file(file.c_str(), "rb"));
  if (bio == nullptr) {
    return Error{Code::kNotFound, "read certificate " + file + ": " + OpenSslError()};
  }
  const Cert certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    return Error{Code::kFailedPrecondition, "read certificate " + file + ": " + OpenSslError()};
  }
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return CertificateDates{ToTime(X509_get0_notBefore(certificate.get())),
                          ToTime(X509_get0_notAfter(certificate.get())), name.data()};
}

}  // namespace quorate::net
