#include "chaos/network.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "peers/process.h"
#include "support/root.h"

namespace quorate::chaos {
namespace {

constexpr const char* kBridge = "chaos0";
constexpr const char* kNet = "10.213.0.";

[[noreturn]] void Die(const std::string& text) {
  std::fprintf(stderr, "chaos: %s\n", text.c_str());
  std::exit(2);
}

// A process in a new network namespace, until it is killed.
pid_t StartHolder() {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) Die("pipe");
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char ok = unshare(CLONE_NEWNET) == 0 ? 1 : 0;
    if (write(ready[1], &ok, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char ok = 0;
  if (read(ready[0], &ok, 1) != 1 || ok == 0) Die("a network namespace cannot be made");
  close(ready[0]);
  close(ready[1]);
  return pid;
}

}  // namespace

void EnterPrivateNamespaces() {
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
    Die(std::string("needs to be root, for network namespaces: ") + std::strerror(errno));
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    Die(std::string("make mounts private: ") + std::strerror(errno));
}

std::string FindProgram(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"})
    if (std::filesystem::exists(folder + name)) return folder + name;
  Die("there is no " + name + "; deploy/packages.sh installs it");
}

std::string OurProgram(const std::string& name) {
  const char* folder = std::getenv("QUORATE_BIN");
  return folder == nullptr ? test::Program(name) : std::string(folder) + "/" + name;
}

void MustRun(const std::vector<std::string>& command) {
  const auto result = test::RunCommand(command);
  if (result.exit == 0) return;
  std::string text;
  for (const auto& word : command) text += word + " ";
  Die(text + "failed: " + result.err);
}

Network::Network(int nodes) {
  const std::string ip = FindProgram("ip");
  MustRun({ip, "link", "set", "lo", "up"});
  MustRun({ip, "link", "add", kBridge, "type", "bridge"});
  MustRun({ip, "address", "add", std::string(kNet) + "254/24", "dev", kBridge});
  MustRun({ip, "link", "set", kBridge, "up"});
  for (int node = 0; node < nodes; ++node) AddNode(node);
  slow_.resize(static_cast<std::size_t>(nodes));
}

Network::~Network() {
  for (std::size_t node = 0; node < namespaces_.size(); ++node) {
    test::RunCommand({FindProgram("ip"), "link", "delete", "v" + std::to_string(node)});
    close(namespaces_[node]);
  }
  test::RunCommand({FindProgram("ip"), "link", "delete", kBridge});
}

void Network::AddNode(int node) {
  const std::string ip = FindProgram("ip");
  const pid_t holder = StartHolder();
  const std::string path = "/proc/" + std::to_string(holder) + "/ns/net";
  namespaces_.push_back(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (namespaces_.back() < 0) Die("open " + path);
  const std::string outer = "v" + std::to_string(node);
  MustRun({ip, "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns",
           std::to_string(holder)});
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  MustRun({ip, "link", "set", outer, "master", kBridge, "up"});
  RunAt(node, {ip, "link", "set", "lo", "up"});
  RunAt(node, {ip, "address", "add", Address(node) + "/24", "dev", "eth0"});
  RunAt(node, {ip, "link", "set", "eth0", "up"});
}

std::string Network::Address(int node) const {
  return kNet + std::to_string(node + 1);
}

std::vector<std::string> Network::At(int node) const {
  return {FindProgram("nsenter"),
          "--net=/proc/" + std::to_string(getpid()) + "/fd/" +
              std::to_string(namespaces_[static_cast<std::size_t>(node)]),
          "--"};
}

bool Network::TryRun(int node, std::vector<std::string> command) const {
  auto whole = At(node);
  whole.insert(whole.end(), command.begin(), command.end());
  return test::RunCommand(whole).exit == 0;
}

void Network::RunAt(int node, std::vector<std::string> command) const {
  auto whole = At(node);
  whole.insert(whole.end(), command.begin(), command.end());
  MustRun(whole);
}

void Network::Block(int from, int to) {
  RunAt(to, {FindProgram("iptables"), "-w", "-A", "INPUT", "-s", Address(from), "-j", "DROP"});
}

void Network::Slow(int node) {
  const std::string tc = FindProgram("tc");
  slow_[static_cast<std::size_t>(node)] = true;
  if (TryRun(node, {tc, "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "60ms", "30ms",
                    "loss", "2%"}))
    return;
  RunAt(node, {tc, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "2mbit", "burst", "16kb",
               "latency", "300ms"});
  RunAt(node, {FindProgram("iptables"), "-w", "-A", "INPUT", "-m", "statistic", "--mode", "random",
               "--probability", "0.05", "-j", "DROP"});
}

void Network::Heal() {
  for (std::size_t node = 0; node < namespaces_.size(); ++node) {
    RunAt(static_cast<int>(node), {FindProgram("iptables"), "-w", "-F", "INPUT"});
    if (slow_[node])
      RunAt(static_cast<int>(node), {FindProgram("tc"), "qdisc", "del", "dev", "eth0", "root"});
    slow_[node] = false;
  }
}

}  // namespace quorate::chaos
