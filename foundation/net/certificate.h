// Certificates: self-signed ones for --auto-tls, leaves of a CA, and the dates of those in use.
//
// Thread: any.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace quorate::net {

struct PemPair {
  std::string certificate;  // PEM
  std::string key;          // PEM, unencrypted PKCS#8
};

struct CertificateRequest {
  std::string common_name;
  std::string organization;        // "": none
  std::vector<std::string> hosts;  // names and addresses for the SAN
  std::chrono::hours validity{24 * 365};
  std::chrono::hours begins_ago{1};  // tolerance for clocks behind ours
  bool is_ca = false;
};

// ECDSA P-256. `issuer` null: self-signed.
Result<PemPair> MakeCertificate(const CertificateRequest& request, const PemPair* issuer = nullptr);

struct CertificateDates {
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
  std::string common_name;
};

// Of the first certificate in a PEM file.
Result<CertificateDates> ReadCertificateDates(const std::string& file);

}  // namespace quorate::net
