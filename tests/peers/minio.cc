#include "peers/minio.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "peers/etcd.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void OpenSsl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/openssl");
  const CommandResult result = RunCommand(arguments);
  if (result.exit != 0) {
    std::fprintf(stderr, "openssl: %s\n", result.err.c_str());
    std::abort();
  }
}

}  // namespace

TestCertificates::TestCertificates() {
  const std::string d = scratch_.path();
  std::ofstream(d + "/san") << "subjectAltName=IP:127.0.0.1,DNS:localhost\n";
  OpenSsl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "2", "-subj", "/CN=test ca", "-keyout", d + "/ca.key", "-out", d + "/ca.crt"});
  OpenSsl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
           "/CN=server", "-keyout", d + "/private.key", "-out", d + "/server.csr"});
  OpenSsl({"x509", "-req", "-in", d + "/server.csr", "-CA", d + "/ca.crt", "-CAkey", d + "/ca.key",
           "-CAcreateserial", "-days", "2", "-extfile", d + "/san", "-out", d + "/public.crt"});
}

std::string TestCertificates::ca() const {
  return Slurp(scratch_.path() + "/ca.crt");
}

std::string TestCertificates::certificate() const {
  return Slurp(scratch_.path() + "/public.crt");
}
std::string TestCertificates::key() const {
  return Slurp(scratch_.path() + "/private.key");
}

MinioServer::MinioServer(std::string program, const TestCertificates* certificates)
    : program_(std::move(program)), certificates_(certificates), port_(FreePort()) {
  // A bucket of a single drive is a directory of it.
  std::filesystem::create_directories(scratch_.path() + "/data/" + kBucket);
  Restart();
}

bool MinioServer::AwaitReady() {
  const std::string scheme = certificates_ == nullptr ? "http" : "https";
  return WaitFor(
      [&] {
        const std::string url = endpoint() + "/minio/health/ready";
        return RunCommand({"/usr/bin/curl", "-sfk", "-o", "/dev/null", url}).exit == 0;
      },
      std::chrono::seconds(20));
}

void MinioServer::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

void MinioServer::Restart() {
  std::vector<std::string> command = {program_,
                                      "server",
                                      scratch_.path() + "/data",
                                      "--address",
                                      "127.0.0.1:" + std::to_string(port_),
                                      "--quiet"};
  command.push_back("--certs-dir");
  command.push_back(certificates_ == nullptr ? scratch_.path() + "/none"
                                             : certificates_->directory());
  process_ = std::make_unique<ChildProcess>(
      command, scratch_.path() + "/log",
      std::map<std::string, std::string>{{"MINIO_ROOT_USER", kAccessKey},
                                         {"MINIO_ROOT_PASSWORD", kSecretKey},
                                         {"MINIO_UPDATE", "off"},
                                         {"MINIO_BROWSER", "off"},
                                         {"HOME", scratch_.path()}});
}

std::string MinioServer::endpoint() const {
  return std::string(certificates_ == nullptr ? "http" : "https") +
         "://127.0.0.1:" + std::to_string(port_);
}

std::string MinioServer::Log() const {
  return Slurp(scratch_.path() + "/log");
}

}  // namespace quorate::test
