#include "peers/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace quorate::test {
namespace {

std::vector<std::string> Environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [key, value] : added) all.push_back(key + "=" + value);
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void Fail(const std::string& what) {
  std::perror(what.c_str());
  std::abort();
}

// In the child: never returns.
[[noreturn]] void Execute(char* const* command, char* const* environment, int in, int out,
                          int err) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  execve(command[0], command, environment);
  _exit(127);
}

pid_t Start(std::vector<std::string> command, const std::map<std::string, std::string>& added,
            const std::string& in_path, const std::string& out_path, const std::string& err_path) {
  auto environment = Environment(added);
  const auto command_pointers = Pointers(command);
  const auto environment_pointers = Pointers(environment);
  const int in = open(in_path.c_str(), O_RDONLY | O_CLOEXEC);
  constexpr int kWrite = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  const int out = open(out_path.c_str(), kWrite, 0600);
  const int err = err_path == out_path ? out : open(err_path.c_str(), kWrite, 0600);
  if (in < 0 || out < 0 || err < 0) Fail("open for " + command[0]);
  const pid_t pid = fork();
  if (pid < 0) Fail("fork");
  if (pid == 0) Execute(command_pointers.data(), environment_pointers.data(), in, out, err);
  close(in);
  close(out);
  if (err != out) close(err);
  return pid;
}

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int ExitOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command, const std::string& output_path,
                           const std::map<std::string, std::string>& environment)
    : pid_(Start(command, environment, "/dev/null", output_path, output_path)) {}

ChildProcess::~ChildProcess() {
  if (exit_ >= 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

void ChildProcess::Signal(int number) const {
  if (exit_ < 0) kill(pid_, number);
}

bool ChildProcess::Running() {
  if (exit_ >= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  exit_ = ExitOf(status);
  return false;
}

int ChildProcess::Wait() {
  if (exit_ >= 0) return exit_;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_ = ExitOf(status);
  return exit_;
}

CommandResult RunCommand(const std::vector<std::string>& command, const std::string& input,
                         const std::map<std::string, std::string>& environment) {
  const ScratchDirectory scratch;
  const std::string in = scratch.path() + "/in";
  const std::string out = scratch.path() + "/out";
  const std::string err = scratch.path() + "/err";
  std::ofstream(in, std::ios::binary) << input;
  const pid_t pid = Start(command, environment, in, out, err);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return {ExitOf(status), Slurp(out), Slurp(err)};
}

namespace {

// Below the ports that the kernel gives to outgoing connections: one of those would take the port
// of a server that is down for a moment.
constexpr int kFirstPort = 12'000;
constexpr int kPorts = 8'000;

// Keeps other test programs from the port until this one ends: an abstract socket of its name.
bool Reserve(int port) {
  const std::string name = "quorate-test-port-" + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int held = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (held < 0) Fail("socket");
  if (bind(held, reinterpret_cast<const sockaddr*>(&address), length) == 0) return true;
  close(held);
  return false;
}

bool Bindable(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int tried = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (tried < 0) Fail("socket");
  const bool bound = bind(tried, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(tried);
  return bound;
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "quorate-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Fail("mkdtemp " + pattern);
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

int FreePort() {
  static const int start = static_cast<int>(std::random_device()() % kPorts);
  static std::atomic<int> next{0};
  for (int tries = 0; tries < kPorts; ++tries) {
    const int port = kFirstPort + (start + next++) % kPorts;
    if (Reserve(port) && Bindable(port)) return port;
  }
  Fail("find a free port");
}

std::string Part(const std::string& name) {
  const char* cache = std::getenv("QUORATE_CACHE");
  const char* home = std::getenv("HOME");
  const std::string root = cache != nullptr  ? cache
                           : home != nullptr ? std::string(home) + "/.cache/quorate"
                                             : "/root/.cache/quorate";
  const std::string path = root + "/parts/" + name;
  return access(path.c_str(), X_OK) == 0 ? path : "";
}

}  // namespace quorate::test
