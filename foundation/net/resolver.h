// Resolver: looks names up on threads of its own, so that a dead name server never holds up a loop.
//
// Ownership: its threads are not joined, because a lookup cannot be interrupted; they hold only the
// shared queue. Thread: any. `done` runs on a resolver thread (or at once, when the text is an
// address): it posts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace quorate::net {

// A socket address as the kernel takes it.
struct RawAddress {
  int family = 0;
  std::string bytes;  // sockaddr

  bool operator==(const RawAddress&) const = default;
};

class Resolver {
 public:
  Resolver();
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // NotFound `lookup HOST: no such host`.
  void Resolve(const std::string& host, std::uint16_t port,
               std::function<void(Result<std::vector<RawAddress>>)> done);
  // The name an address has by reverse lookup; "" when none.
  void Reverse(const std::string& address, std::function<void(std::string)> done);

  // As Resolve, waiting for it.
  static Result<std::vector<RawAddress>> ResolveNow(const std::string& host, std::uint16_t port,
                                                    bool passive);

 private:
  struct State;
  void Enqueue(std::function<void()> work);
  std::shared_ptr<State> state_;
};

// "10.0.0.7:41022", "[::1]:2379"; "@" for a unix socket.
std::string AddressText(const RawAddress& address);
// Without the port and brackets.
std::string AddressHost(const RawAddress& address);
// strerror as Go writes it: first letter small.
std::string ErrnoText(int number);

}  // namespace quorate::net
