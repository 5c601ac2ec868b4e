// RawClient: a socket and HTTP/2 frames made by hand, for what no proper client would send.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "server/rpc/harness.h"

namespace quorate::rpc {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kWindowUpdate = 8,
  kContinuation = 9,
};

inline std::string Frame(FrameType type, std::uint8_t flags, std::uint32_t stream,
                         const std::string& payload) {
  const auto size = payload.size();
  std::string frame;
  for (const std::size_t byte : {size >> 16U, size >> 8U, size}) frame += static_cast<char>(byte);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const std::uint32_t byte : {stream >> 24U, stream >> 16U, stream >> 8U, stream}) {
    frame += static_cast<char>(byte);
  }
  return frame + payload;
}

// POST, http, path, authority, content-type as HPACK literals.
inline std::string HeaderBlock(const std::string& path) {
  const std::string type = "application/grpc";
  return std::string("\x83\x86\x04") + static_cast<char>(path.size()) + path + "\x01\x01" + "a" +
         "\x0f\x10" + static_cast<char>(type.size()) + type;
}

inline std::string OpenStream(std::uint32_t id, const std::string& path) {
  return Frame(kHeaders, 0x4, id, HeaderBlock(path));
}

// A plain socket; writes give up when the server has closed.
class RawClient {
 public:
  explicit RawClient(const RpcHarness& harness) {
    descriptor_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(harness.listener->local().port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(descriptor_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void Greet() const { Send(std::string(kPreface) + Frame(kSettings, 0, 0, "")); }
  // All that comes until `end` has come; "" when the server closed before.
  std::string ReadUntil(const std::string& end) const {
    std::string all;
    std::array<char, 4096> buffer;
    while (all.find(end) == std::string::npos) {
      const ssize_t count = read(descriptor_, buffer.data(), buffer.size());
      if (count <= 0) return "";
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }
  // All that comes until the server closes.
  std::string ReadAll() const {
    std::string all;
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t count = read(descriptor_, buffer.data(), buffer.size());
      if (count <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  int descriptor_ = -1;
};

}  // namespace quorate::rpc
