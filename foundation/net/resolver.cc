#include "net/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <cctype>
#include <cstring>
#include <deque>
#include <system_error>
#include <thread>

#include "base/mutex.h"

namespace quorate::net {
namespace {

constexpr int kThreadsMax = 4;

std::string Raw(const void* address, std::size_t size) {
  return {static_cast<const char*>(address), size};
}

// nullopt-like: family 0 when the text is not an address.
RawAddress ParseLiteral(const std::string& host, std::uint16_t port) {
  sockaddr_in v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return {AF_INET, Raw(&v4, sizeof v4)};
  }
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return {AF_INET6, Raw(&v6, sizeof v6)};
  }
  return {};
}

}  // namespace

struct Resolver::State {
  Mutex mutex;
  Condition wake;
  std::deque<std::function<void()>> queue QUORATE_GUARDED_BY(mutex);
  int threads QUORATE_GUARDED_BY(mutex) = 0;
  std::size_t idle QUORATE_GUARDED_BY(mutex) = 0;
  bool stopping QUORATE_GUARDED_BY(mutex) = false;

  static void Work(const std::shared_ptr<State>& state) {
    for (;;) {
      std::function<void()> next;
      {
        MutexLock lock(state->mutex);
        ++state->idle;
        while (state->queue.empty() && !state->stopping) state->wake.wait(state->mutex);
        --state->idle;
        if (state->stopping) return;
        next = std::move(state->queue.front());
        state->queue.pop_front();
      }
      next();
    }
  }
};

Resolver::Resolver() : state_(std::make_shared<State>()) {}

Resolver::~Resolver() {
  {
    MutexLock lock(state_->mutex);
    state_->stopping = true;
    state_->queue.clear();
  }
  state_->wake.notify_all();
}

void Resolver::Enqueue(std::function<void()> work) {
  bool spawn = false;
  {
    MutexLock lock(state_->mutex);
    state_->queue.push_back(std::move(work));
    // Who was woken for an earlier one still counts as idle.
    spawn = state_->queue.size() > state_->idle && state_->threads < kThreadsMax;
    if (spawn) ++state_->threads;
  }
  if (spawn) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    std::thread([state = state_] { State::Work(state); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  state_->wake.notify_one();
}

void Resolver::Resolve(const std::string& host, std::uint16_t port,
                       std::function<void(Result<std::vector<RawAddress>>)> done) {
  if (RawAddress literal = ParseLiteral(host, port); literal.family != 0) {
    done(std::vector<RawAddress>{std::move(literal)});
    return;
  }
  Enqueue([host, port, done = std::move(done)] { done(ResolveNow(host, port, false)); });
}

void Resolver::Reverse(const std::string& address, std::function<void(std::string)> done) {
  Enqueue([address, done = std::move(done)] {
    const RawAddress raw = ParseLiteral(address, 0);
    std::array<char, NI_MAXHOST> name{};
    if (raw.family == 0 || getnameinfo(reinterpret_cast<const sockaddr*>(raw.bytes.data()),
                                       static_cast<socklen_t>(raw.bytes.size()), name.data(),
                                       name.size(), nullptr, 0, NI_NAMEREQD) != 0) {
      done("");
      return;
    }
    done(name.data());
  });
}

Result<std::vector<RawAddress>> Resolver::ResolveNow(const std::string& host, std::uint16_t port,
                                                     bool passive) {
  if (RawAddress literal = ParseLiteral(host, port); literal.family != 0) {
    return std::vector<RawAddress>{std::move(literal)};
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = passive ? AI_PASSIVE : AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) {
    const bool unknown = code == EAI_NONAME || code == EAI_NODATA;
    return Error{Code::kNotFound,
                 "lookup " + host + ": " + (unknown ? "no such host" : gai_strerror(code))};
  }
  std::vector<RawAddress> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    addresses.push_back({each->ai_family, Raw(each->ai_addr, each->ai_addrlen)});
  }
  freeaddrinfo(found);
  if (addresses.empty()) return Error{Code::kNotFound, "lookup " + host + ": no such host"};
  return addresses;
}

std::string AddressHost(const RawAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.family == AF_INET && address.bytes.size() >= sizeof(sockaddr_in)) {
    sockaddr_in v4;
    std::memcpy(&v4, address.bytes.data(), sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address.family == AF_INET6 && address.bytes.size() >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address.bytes.data(), sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
  } else {
    return "@";
  }
  return text.data();
}

std::string AddressText(const RawAddress& address) {
  const std::string host = AddressHost(address);
  if (host == "@") return host;
  in_port_t port = 0;
  if (address.family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address.bytes.data(), sizeof v4);
    port = v4.sin_port;
  } else {
    sockaddr_in6 v6;
    std::memcpy(&v6, address.bytes.data(), sizeof v6);
    port = v6.sin6_port;
  }
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(ntohs(port));
}

std::string ErrnoText(int number) {
  std::string text = std::generic_category().message(number);
  if (!text.empty()) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

}  // namespace quorate::net
