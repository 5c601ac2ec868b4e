// Clients that mean harm, or bytes that mean nothing: each meets a limit, and the others are still
// served.
#include <future>
#include <random>
#include <thread>

#include "rpc/grpc_wire.h"
#include "server/rpc/grpc_peer.h"
#include "server/rpc/harness.h"
#include "server/rpc/raw_peer.h"
#include "support/wait.h"

namespace quorate::rpc {
namespace {

using ::quorate::test::WaitFor;

void ExpectStillServing(const RpcHarness& harness) {
  GrpcPeer peer(harness.address());
  EXPECT_EQ(peer.Call("/test.Echo/Unary", "alive").message, "alive");
}

// A call with a body of this size, as frames.
std::string CallBytes(std::uint32_t id, std::size_t size) {
  const auto prefix = MakePrefix(size);
  const std::string message = std::string(prefix.data(), prefix.size()) + std::string(size, 'x');
  std::string bytes = OpenStream(id, "/test.Echo/Unary");
  for (std::size_t at = 0; at < message.size(); at += 16000) {
    const bool last = at + 16000 >= message.size();
    bytes += Frame(kData, last ? 0x1 : 0, id, message.substr(at, 16000));
  }
  return bytes;
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
  for (std::uint32_t i = 0; i < 20000; ++i) {
    flood += OpenStream(2 * i + 1, "/test.Echo/Upper");
    flood += Frame(kResetStream, 0, 2 * i + 1, std::string("\0\0\0\x8", 4));
  }
  client.Send(flood);
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  EXPECT_LT(harness.server->counters().calls, 3000U);
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
  options.answer_bytes_max = 8 << 20;
  options.output_patience = std::chrono::milliseconds(200);
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  for (std::uint32_t id = 1; id < 4000; id += 2) {
    if (!client.Send(CallBytes(id, 100000))) break;
  }
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  ExpectStillServing(harness);
}

// 290 values of 1 MB, asked for at once, were more than a connection might have queued: it was
// closed although its client read on, and all its watches ended.
TEST(HostileTest, AnAnswerLargerThanTheBoundReachesAClientThatReads) {
  ServerOptions options;
  options.output_bytes_max = 1 << 20;
  RpcHarness harness(options);
  GrpcPeer peer(harness.address());
  std::vector<std::future<GrpcAnswer>> calls;
  for (int i = 0; i < 20; ++i)
    calls.push_back(peer.Start("/test.Echo/Unary", std::string(1900000, 'x')));
  for (auto& call : calls) {
    const GrpcAnswer answer = call.get();
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.message.size(), 1900000U);
  }
}

TEST(HostileTest, AClientThatReadsSlowlyKeepsItsConnectionAsLongAsItReads) {
  ServerOptions options;
  options.output_bytes_max = 100000;
  options.output_patience = std::chrono::milliseconds(300);
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  ASSERT_TRUE(client.Send(CallBytes(1, 1000000)));
  const std::string more("\0\0\x10\0", 4);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client.Send(Frame(kWindowUpdate, 0, 0, more) + Frame(kWindowUpdate, 0, 1, more)));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(harness.server->connection_count(), 1U);
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; })) << "it has stopped";
}

// Each connection kept within its bound, and many of them together took all memory.
TEST(HostileTest, UnreadAnswersOfAllConnectionsMeetALimitTogether) {
  ServerOptions options;
  options.answers_bytes_max = 4 << 20;
  options.output_patience = std::chrono::milliseconds(500);
  RpcHarness harness(options);
  const RawClient first(harness);
  const RawClient second(harness);
  for (const RawClient* client : {&first, &second}) {
    client->Greet();
    ASSERT_TRUE(client->Send(CallBytes(1, 1900000)));
  }
  ASSERT_TRUE(WaitFor([&] { return harness.server->counters().sent_bytes >= 3800000; }));
  GrpcPeer peer(harness.address());
  const GrpcAnswer refused = peer.Call("/test.Echo/Unary", std::string(1900000, 'x'));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status.error_message(), "too many unread answers of all clients; try again");
  ExpectStillServing(harness);
  // Who does not read is no longer waited for when others are refused.
  EXPECT_TRUE(WaitFor(
      [&] { return peer.Call("/test.Echo/Unary", std::string(1900000, 'x')).status.ok(); }));
}

TEST(HostileTest, AnAnswerThatNoMessageCanCarryIsRefusedAlone) {
  ServerOptions options;
  options.answer_bytes_max = 1000;
  RpcHarness harness(options);
  GrpcPeer peer(harness.address());
  const GrpcAnswer refused = peer.Call("/test.Echo/Unary", std::string(1001, 'x'));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status.error_message(),
            "grpc: trying to send message larger than max (1001 vs. 1000)");
  EXPECT_TRUE(peer.Call("/test.Echo/Unary", std::string(1000, 'x')).status.ok());
}

// The five bytes in front of a message were expected in one frame: a client whose window ended
// within them ended the member (std::out_of_range), by malice or on a slow link.
TEST(HostileTest, AWindowMayEndWithinAMessagesPrefix) {
  RpcHarness harness;
  for (char window = 1; window <= 5; ++window) {
    SCOPED_TRACE(static_cast<int>(window));
    RawClient client(harness);
    const std::string initial_window("\0\x4\0\0\0", 5);
    client.Send(std::string(kPreface) + Frame(kSettings, 0, 0, initial_window + window));
    client.Send(OpenStream(1, "/test.Echo/Unary"));
    client.Send(Frame(kData, 0x1, 1, std::string("\0\0\0\0\x5", 5) + "hello"));
    const std::string piece = Frame(kData, 0, 1, std::string(static_cast<std::size_t>(window), 0));
    ASSERT_NE(client.ReadUntil(piece.substr(0, 9)), "");
    client.Send(Frame(kWindowUpdate, 0, 1, std::string("\0\0\0\x40", 4)));
    ASSERT_NE(client.ReadUntil("hello"), "");
  }
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

// Frames that are well formed, in an order that makes no sense, with bytes flipped here and there.
TEST(HostileTest, FramesInAnyOrderDoNoHarm) {
  RpcHarness harness;
  std::mt19937 random(7);  // NOLINT: the same frames each time
  const auto pick = [&random](std::uint32_t below) {
    return static_cast<std::uint32_t>(random()) % below;
  };
  const std::vector<std::string> paths = {"/test.Echo/Unary", "/test.Echo/Upper", "/health", "*",
                                          "/test.Echo/Never"};
  for (int round = 0; round < 150; ++round) {
    RawClient client(harness);
    client.Greet();
    std::string bytes;
    for (std::uint32_t i = 0; i < 60; ++i) {
      const std::uint32_t stream = pick(8);
      const auto flags = static_cast<std::uint8_t>(pick(64));
      std::string payload(pick(40), static_cast<char>(pick(256)));
      if (pick(3) == 0) payload = std::string("\0\0\0\0\x5hello", 10);
      const auto type = static_cast<FrameType>(pick(10));
      bytes += type == kHeaders || pick(3) == 0
                   ? Frame(kHeaders, static_cast<std::uint8_t>(0x4 | (flags & 0x1)), 2 * i + 1,
                           HeaderBlock(paths[pick(5)]))
                   : Frame(type, flags, stream, payload);
    }
    if (round % 3 == 0) {
      for (int k = 0; k < 5; ++k) bytes[pick(static_cast<std::uint32_t>(bytes.size()))] ^= 0x11;
    }
    client.Send(bytes);
  }
  ExpectStillServing(harness);
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() <= 1; }));
  EXPECT_TRUE(WaitFor([&] { return harness.server->counters().streams_open == 0; }));
}

TEST(HostileTest, APingThatIsNotAnsweredEndsTheConnection) {
  ServerOptions options;
  options.keepalive_interval = std::chrono::milliseconds(20);
  options.keepalive_timeout = std::chrono::milliseconds(20);
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  client.ReadAll();  // returns because the server closes
  ExpectStillServing(harness);
}

// Each refused stream makes the server write; a client that reads none of it must not grow its
// queue for ever.
TEST(HostileTest, RefusalsThatNobodyReadsMeetALimit) {
  ServerOptions options;
  options.concurrent_streams_max = 1;
  options.resets_burst = 1 << 30;
  RpcHarness harness(options);
  RawClient client(harness);
  client.Greet();
  for (std::uint32_t id = 1; id < 4000000; id += 2000) {
    std::string bytes;
    for (std::uint32_t k = 0; k < 2000; k += 2) bytes += OpenStream(id + k, "/test.Echo/Upper");
    if (!client.Send(bytes)) break;
  }
  EXPECT_TRUE(WaitFor([&] { return harness.server->connection_count() == 0; }));
  ExpectStillServing(harness);
}

TEST(HostileTest, DrainEndsConnectionsThatSayNothing) {
  RpcHarness harness;
  RawClient undecided(harness);
  RawClient greeted(harness);
  greeted.Greet();
  ASSERT_TRUE(WaitFor([&] { return harness.server->connection_count() == 1; }));
  harness.server->Drain(std::chrono::milliseconds(50));
  EXPECT_EQ(harness.server->connection_count(), 0U);
  EXPECT_EQ(undecided.ReadAll(), "");
}

TEST(HttpOverHttp2Test, AnswersAPlainRequest) {
  RpcHarness harness;
  RawClient client(harness);
  client.Greet();
  client.Send(Frame(kHeaders, 0x5, 1, std::string("\x82\x86\x04\x07/health\x01\x01\x61", 14)));
  EXPECT_NE(client.ReadUntil(R"({"health":"true","reason":""})"), "");
}

TEST(HttpOverHttp2Test, HandsOverABody) {
  RpcHarness harness;
  RawClient client(harness);
  client.Greet();
  client.Send(Frame(kHeaders, 0x4, 1, std::string("\x83\x86\x04\x06/v3/kv\x01\x01\x61", 13)));
  client.Send(Frame(kData, 0, 1, "hello "));
  client.Send(Frame(kData, 1, 1, "world"));
  EXPECT_NE(client.ReadUntil("/v3/kv:hello world"), "");
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
