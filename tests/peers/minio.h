// MinioServer: a real object store that verifies signatures, with one bucket.
//
// Thread: one.
#pragma once

#include <memory>
#include <string>

#include "peers/process.h"

namespace quorate::test {

inline constexpr const char* kNoMinio =
    "minio is not in the parts folder: run deploy/local/parts.sh";

// A CA and a certificate it signed for 127.0.0.1, made by the openssl program.
class TestCertificates {
 public:
  TestCertificates();

  std::string directory() const { return scratch_.path(); }  // ca.crt, public.crt, private.key
  std::string ca() const;                                    // PEM text
  std::string certificate() const;                           // "
  std::string key() const;                                   // "

 private:
  ScratchDirectory scratch_;
};

class MinioServer {
 public:
  static constexpr const char* kBucket = "backups";
  static constexpr const char* kAccessKey = "testaccess";
  static constexpr const char* kSecretKey = "testsecret";

  // With certificates it speaks TLS; they must outlive it.
  explicit MinioServer(std::string program, const TestCertificates* certificates = nullptr);

  bool AwaitReady();  // until it takes connections, or 20 s
  // SIGKILL, and a start on the same data and port.
  void Kill();
  void Restart();

  std::string endpoint() const;  // "http://127.0.0.1:PORT"
  std::string Log() const;

 private:
  ScratchDirectory scratch_;
  std::string program_;
  const TestCertificates* certificates_;
  int port_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace quorate::test
