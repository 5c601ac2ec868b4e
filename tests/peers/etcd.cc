#include "peers/etcd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "support/wait.h"

namespace quorate::test {
namespace {

std::string Url(int port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

}  // namespace

EtcdServer::EtcdServer(std::string program, std::vector<std::string> extra)
    : EtcdServer(std::move(program), std::move(extra), Ports()) {}

EtcdServer::EtcdServer(std::string program, std::vector<std::string> extra, Ports ports)
    : program_(std::move(program)),
      extra_(std::move(extra)),
      client_port_(ports.client),
      peer_port_(ports.peer) {
  // In front: the last one counts, and `extra` may name others.
  extra_.insert(extra_.begin(), "--initial-cluster=default=" + Url(peer_port_));
  Start();
}

EtcdServer::EtcdServer(std::string program, std::string name, int peer_port,
                       const std::string& initial_cluster)
    : program_(std::move(program)),
      name_(std::move(name)),
      extra_({"--initial-cluster=" + initial_cluster}),
      client_port_(FreePort()),
      peer_port_(peer_port) {
  Start();
}

void EtcdServer::Start() {
  std::vector<std::string> command = {program_,
                                      "--name=" + name_,
                                      "--data-dir=" + data_directory(),
                                      "--listen-client-urls=" + Url(client_port_),
                                      "--advertise-client-urls=" + Url(client_port_),
                                      "--listen-peer-urls=" + Url(peer_port_),
                                      "--initial-advertise-peer-urls=" + Url(peer_port_)};
  command.insert(command.end(), extra_.begin(), extra_.end());
  process_ = std::make_unique<ChildProcess>(command, scratch_.path() + "/log");
}

bool EtcdServer::AwaitHealthy() {
  return WaitFor(
      [this] {
        return HttpGet(client_port_, "/health").find("\"health\":\"true\"") != std::string::npos;
      },
      std::chrono::seconds(20));
}

void EtcdServer::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

void EtcdServer::Restart() {
  Start();
}

std::string EtcdServer::endpoint() const {
  return "127.0.0.1:" + std::to_string(client_port_);
}

std::string EtcdServer::peer_url() const {
  return Url(peer_port_);
}

std::string EtcdServer::Log() const {
  std::ifstream file(scratch_.path() + "/log");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::unique_ptr<EtcdServer>> MakeEtcdCluster(const std::string& program, int size) {
  std::vector<int> ports;
  std::string initial;
  for (int i = 0; i < size; ++i) {
    ports.push_back(FreePort());
    initial += (i == 0 ? "m" : ",m") + std::to_string(i) + "=" + Url(ports.back());
  }
  std::vector<std::unique_ptr<EtcdServer>> members;
  for (int i = 0; i < size; ++i) {
    members.push_back(std::make_unique<EtcdServer>(program, "m" + std::to_string(i),
                                                   ports[static_cast<std::size_t>(i)], initial));
  }
  return members;
}

std::string HttpGet(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
        answer.append(buffer, static_cast<std::size_t>(n));
      }
    }
  }
  close(fd);
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

}  // namespace quorate::test
