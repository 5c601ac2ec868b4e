#include "peers/kube_apiserver.h"

#include <fstream>
#include <iterator>

#include "support/wait.h"

namespace quorate::test {
namespace {

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

KubeApiServer::KubeApiServer() : etcd_(Part("etcd")), port_(FreePort()) {
  WriteFiles();
  if (!etcd_.AwaitHealthy()) return;
  const std::string dir = scratch_.path();
  const std::string key = dir + "/sa.key";
  process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{
          Part("kube-apiserver"), "--etcd-servers=http://" + etcd_.endpoint(),
          "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
          "--secure-port=" + std::to_string(port_), "--cert-dir=" + dir + "/certs",
          "--service-account-issuer=https://kubernetes.default.svc",
          "--service-account-key-file=" + key, "--service-account-signing-key-file=" + key,
          "--service-cluster-ip-range=10.96.0.0/24", "--token-auth-file=" + dir + "/tokens.csv",
          "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
          "--endpoint-reconciler-type=none", "--watch-cache=true"},
      dir + "/apiserver.log");
}

KubeApiServer::~KubeApiServer() {
  Kill();
}

bool KubeApiServer::AwaitReady() {
  const std::string curl = "/usr/bin/curl";
  return WaitFor(
      [&] {
        if (!process_ || !process_->Running()) return false;
        const auto answer = RunCommand({curl, "-sS", "--cacert", ca_file(), "-H",
                                        "Authorization: Bearer " + token(), url() + "/readyz"});
        return answer.out == "ok";
      },
      std::chrono::seconds(60));
}

void KubeApiServer::Kill() {
  process_.reset();
}

std::string KubeApiServer::url() const {
  return "https://127.0.0.1:" + std::to_string(port_);
}

std::string KubeApiServer::ca_file() const {
  return scratch_.path() + "/certs/apiserver.crt";
}

std::string KubeApiServer::Log() const {
  const std::string log = Slurp(scratch_.path() + "/apiserver.log");
  return log.substr(log.size() > 4000 ? log.size() - 4000 : 0);
}

std::string KubeApiServer::OtherAuthority() const {
  const std::string dir = scratch_.path();
  RunCommand({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
              "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=other",
              "-keyout", dir + "/other.key", "-out", dir + "/other.crt"});
  return Slurp(dir + "/other.crt");
}

void KubeApiServer::WriteFiles() const {
  const std::string dir = scratch_.path();
  RunCommand({"/usr/bin/openssl", "genrsa", "-out", dir + "/sa.key", "2048"});
  std::ofstream(dir + "/tokens.csv") << token() << ",admin,admin,\"system:masters\"\n";
}

}  // namespace quorate::test
