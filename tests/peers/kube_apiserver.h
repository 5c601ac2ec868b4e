// KubeApiServer: a real kube-apiserver over a real etcd, on loopback ports of its own.
//
// Nothing else of Kubernetes runs: no controllers, no scheduler, no kubelet. Good for CRDs,
// server-side apply, watches and everything else that needs no pods. One administrator with a
// token; TLS with a certificate that the server makes for itself.
//
// Thread: one.
// Source: local cluster notes, chapter 2.
#pragma once

#include <memory>
#include <string>

#include "peers/etcd.h"
#include "peers/process.h"

namespace quorate::test {

class KubeApiServer {
 public:
  KubeApiServer();
  // The server first: without its storage it would hold its port for a minute.
  ~KubeApiServer();

  bool AwaitReady();  // until it serves, or 60 s
  void Kill();

  std::string url() const;      // "https://127.0.0.1:PORT"
  std::string ca_file() const;  // PEM; the server's own certificate is its authority
  std::string token() const { return "quorate-test-token"; }
  std::string Log() const;
  // A certificate authority (PEM) that signed nothing of this server.
  std::string OtherAuthority() const;

 private:
  void WriteFiles() const;

  ScratchDirectory scratch_;
  EtcdServer etcd_;
  int port_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace quorate::test
