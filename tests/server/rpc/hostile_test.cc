// Clients that mean harm, or bytes that mean nothing: each meets a limit, and the others are still
// served.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <random>

#include "rpc/grpc_wire.h"
#include "server/rpc/grpc_peer.h"
#include "server/rpc/harness.h"
#include "support/wait.h"

namespace quorate::rpc {
namespace {

using ::quorate::test::WaitFor;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kContinuation = 9,
};

std::string Frame(FrameType type, std::uint8_t flags, std::uint32_t stream,
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
std::string HeaderBlock(const std::string& path) {
  const std::string type = "application/grpc";
  return std::string("\x83\x86\x04") + static_cast<char>(path.size()) + path + "\x01\x01" + "a" +
         "\x0f\x10" + static_cast<char>(type.size()) + type;
}

std::string OpenStream(std::uint32_t id, const std::string& path) {
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

void ExpectStillServing(const RpcHarness& harness) {
  GrpcPeer peer(harness.address());
  EXPECT_EQ(peer.Call("/test.Echo/Unary", "alive").message, "alive");
}

TEST(HostileTest, GarbageEndsTheConnectionOnly) {
  RpcHarness harness;
  std::mt19937 random(1);  // NOLINT: the same garbage each time
  for (int i = 0; i < 50; ++i) {
    RawClient client(harness);
    std::string bytes = i % 2 == 0 ? std::string(kPreface) + Frame(kSettings, 0, 0, "") : "";
    for (int k = 0; k < 2000; ++k) bytes += static_cast<char>(random());
    client.Send(bytes + "\r\n\r\n");
  }
  ExpectStillServing(harness);
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() <= 1; }));
}

TEST(HostileTest, ThreePingsTooManyEndItAsGrpcGoDoes) {
  RpcHarness harness;
  RawClient client(harness);
  client.Greet();
  for (int i = 0; i < 6; ++i) client.Send(Frame(kPing, 0, 0, "12345678"));
  EXPECT_THAT(client.ReadAll(), ::testing::HasSubstr("too_many_pings"));
  ExpectStillServing(harness);
}

TEST(HostileTest, AFloodOfSettingsMeetsALimit) {
  RpcHarness harness;
  RawClient client(harness);
  client.Greet();
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += Frame(kSettings, 0, 0, "");
  for (int i = 0; i < 100 && client.Send(flood); ++i) {
  }
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  ExpectStillServing(harness);
}

TEST(HostileTest, RapidResetsMeetALimit) {
  ServerOptions options;
  options.resets_burst = 100;
  options.resets_per_second = 1;
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  std::string flood;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    flood += OpenStream(2 * i + 1, "/test.Echo/Upper");
    flood += Frame(kResetStream, 0, 2 * i + 1, std::string("\0\0\0\x8", 4));
  }
  client.Send(flood);
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  EXPECT_LT(harness.server->counters().calls, 300U);
  ExpectStillServing(harness);
}

TEST(HostileTest, AFloodOfContinuationsMeetsALimit) {
  RpcHarness harness;
  RawClient client(harness);
  client.Greet();
  client.Send(Frame(kHeaders, 0, 1, HeaderBlock("/test.Echo/Upper")));
  for (int i = 0; i < 1000 && client.Send(Frame(kContinuation, 0, 1, "")); ++i) {
  }
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  ExpectStillServing(harness);
}

// One indexed header repeated: small on the wire, large once expanded.
TEST(HostileTest, AHeaderBombResetsItsStream) {
  RpcHarness harness;
  RawClient client(harness);
  client.Greet();
  std::string block = HeaderBlock("/test.Echo/Upper");
  block = HeaderBlock("/test.Echo/Upper") + "\x40\x01" + "x" + "\x7f\x81\x1e" +
          std::string(4096 - 128, 'v');
  block += std::string(100, '\xbe');  // the entry just added, again and again
  client.Send(Frame(kHeaders, 0x4, 1, block));
  client.Send(Frame(kPing, 0, 0, "12345678"));
  EXPECT_TRUE(WaitFor([&] { return harness.server->counters().streams_open == 0; }));
  EXPECT_EQ(harness.server->counters().calls, 0U);
  ExpectStillServing(harness);
}

TEST(HostileTest, ASilentConnectionIsClosed) {
  ServerOptions options;
  options.preface_timeout = std::chrono::milliseconds(30);
  RpcHarness harness(options);
  RawClient silent(harness);
  RawClient half(harness);
  half.Send("PRI * HT");
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(half.ReadAll(), "");
  ExpectStillServing(harness);
}

TEST(HostileTest, IncompleteRequestsMeetALimitOfMemory) {
  ServerOptions options;
  options.input_bytes_max = 1 << 20;
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  const auto prefix = MakePrefix(1500000);
  for (std::uint32_t id = 1; id < 400; id += 2) {
    std::string bytes = OpenStream(id, "/test.Echo/Unary");
    bytes +=
        Frame(kData, 0, id, std::string(prefix.data(), prefix.size()) + std::string(16000, 'x'));
    if (!client.Send(bytes)) break;
  }
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  ExpectStillServing(harness);
}

TEST(HostileTest, AReaderThatNeverReadsMeetsALimitOfMemory) {
  ServerOptions options;
  options.output_bytes_max = 4 << 20;
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  const std::string body(100000, 'x');
  const auto prefix = MakePrefix(body.size());
  const std::string message = std::string(prefix.data(), prefix.size()) + body;
  for (std::uint32_t id = 1; id < 4000; id += 2) {
    std::string bytes = OpenStream(id, "/test.Echo/Unary");
    for (std::size_t at = 0; at < message.size(); at += 16000) {
      const bool last = at + 16000 >= message.size();
      bytes += Frame(kData, last ? 0x1 : 0, id, message.substr(at, 16000));
    }
    if (!client.Send(bytes)) break;
  }
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  ExpectStillServing(harness);
}

TEST(HostileTest, MoreStreamsThanAllowedAreRefused) {
  ServerOptions options;
  options.concurrent_streams_max = 5;
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  std::string bytes;
  for (std::uint32_t id = 1; id < 40; id += 2) bytes += OpenStream(id, "/test.Echo/Upper");
  client.Send(bytes);
  EXPECT_TRUE(WaitFor([&] { return harness.server->counters().calls == 5; }));
  EXPECT_EQ(harness.server->counters().streams_open, 5);
  ExpectStillServing(harness);
}

TEST(GrpcWireTest, ReadsTimeouts) {
  EXPECT_EQ(ParseTimeout("5S"), std::chrono::seconds(5));
  EXPECT_EQ(ParseTimeout("100m"), std::chrono::milliseconds(100));
  EXPECT_EQ(ParseTimeout("99999999H"), std::chrono::hours(24 * 3650));
  EXPECT_EQ(ParseTimeout(""), std::nullopt);
  EXPECT_EQ(ParseTimeout("5"), std::nullopt);
  EXPECT_EQ(ParseTimeout("x5S"), std::nullopt);
  EXPECT_EQ(ParseTimeout("123456789S"), std::nullopt);
}

TEST(GrpcWireTest, EncodesMessages) {
  EXPECT_EQ(PercentEncode("a b%\n\xc3\xa9"), "a b%25%0A%C3%A9");
}

}  // namespace
}  // namespace quorate::rpc
