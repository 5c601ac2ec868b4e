// EtcdServer: one real member, or anything that takes etcd's flags, on ports of its own.
//
//   if (Part("etcd").empty()) FAIL() << kNoEtcd;
//   EtcdServer etcd(Part("etcd"));
//   ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
//
// Thread: one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "peers/process.h"

namespace quorate::test {

inline constexpr const char* kNoEtcd = "etcd is not in the parts folder: run deploy/local/parts.sh";

class EtcdServer {
 public:
  struct Ports {
    int client = FreePort();
    int peer = FreePort();
  };

  // extra: further flags. The data directory is new and goes with the object. The same ports give
  // the same ids.
  explicit EtcdServer(std::string program, std::vector<std::string> extra = {});
  EtcdServer(std::string program, std::vector<std::string> extra, Ports ports);
  // The member `name` of several; its peer URL must be in initial_cluster
  // ("a=http://127.0.0.1:1,b=...").
  EtcdServer(std::string program, std::string name, int peer_port,
             const std::string& initial_cluster);

  bool AwaitHealthy();  // until GET /health says so, or 20 s
  // SIGKILL, and a start on the same data and ports.
  void Kill();
  void Restart();

  std::string endpoint() const;  // "127.0.0.1:PORT"
  std::string peer_url() const;
  std::string data_directory() const { return scratch_.path() + "/data"; }
  std::string Log() const;

 private:
  void Start();

  ScratchDirectory scratch_;
  std::string program_;
  std::string name_ = "default";
  std::vector<std::string> extra_;
  int client_port_;
  int peer_port_;
  std::unique_ptr<ChildProcess> process_;
};

// A cluster of `size` members named m0, m1, ..., started together. Await each one's health.
std::vector<std::unique_ptr<EtcdServer>> MakeEtcdCluster(const std::string& program, int size);

// The body of GET http://127.0.0.1:port/path; empty when nobody answered.
std::string HttpGet(int port, const std::string& path);

}  // namespace quorate::test
