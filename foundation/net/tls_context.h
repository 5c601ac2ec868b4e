// TlsServer::Impl, TlsClient::Impl: the loaded OpenSSL contexts. Only net's .cc files include this.
//
// Thread: any; Current() locks for the length of a look at the files.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "net/tls.h"

namespace quorate::net {

// Everything read from files at one time.
struct LoadedTls {
  std::shared_ptr<SSL_CTX> context;
  std::set<std::string> revoked;         // serial numbers, hex, of the CRL
  std::vector<unsigned char> alpn_wire;  // length-prefixed names
};

// Watches a set of files by size, time and inode.
class FileStamps {
 public:
  explicit FileStamps(std::vector<std::string> files);
  // True when any file differs from the last call that said so; looks at most once a second.
  bool Changed();

 private:
  std::string Look() const;

  std::vector<std::string> files_;
  std::string last_;
  std::chrono::steady_clock::time_point looked_;
};

template <typename Options>
class ReloadedTls {
 public:
  using Load = Result<std::shared_ptr<const LoadedTls>> (*)(const Options&);

  ReloadedTls(Options options, std::vector<std::string> files, Load load,
              std::shared_ptr<const LoadedTls> first)
      : options_(std::move(options)),
        load_(load),
        stamps_(std::move(files)),
        current_(std::move(first)) {}

  const Options& options() const { return options_; }
  std::shared_ptr<const LoadedTls> Current();

 private:
  const Options options_;
  const Load load_;
  Mutex mutex_;
  FileStamps stamps_ QUORATE_GUARDED_BY(mutex_);
  std::shared_ptr<const LoadedTls> current_ QUORATE_GUARDED_BY(mutex_);
};

struct TlsServer::Impl : ReloadedTls<TlsServerOptions> {
  using ReloadedTls::ReloadedTls;
};
struct TlsClient::Impl : ReloadedTls<TlsClientOptions> {
  using ReloadedTls::ReloadedTls;
};

// The oldest entry of OpenSSL's error queue as text, and the queue emptied.
std::string OpenSslError();

}  // namespace quorate::net
