// Our transport as gRPC C++ sees it.
#include "rpc/grpc_wire.h"
#include "server/rpc/grpc_peer.h"
#include "server/rpc/harness.h"
#include "server/rpc/raw_peer.h"
#include "support/wait.h"

namespace quorate::rpc {
namespace {

using ::quorate::test::WaitFor;

TEST(GrpcTest, AnswersAUnaryCall) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const GrpcAnswer answer = peer.Call("/test.Echo/Unary", "hello");
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.message, "hello");
}

TEST(GrpcTest, AnswersAnEmptyMessage) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const GrpcAnswer answer = peer.Call("/test.Echo/Unary", "");
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.message, "");
}

TEST(GrpcTest, CarriesAnErrorsCodeAndText) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const std::string text = "etcdserver: 100% \"quoted\" \n caf\xc3\xa9";
  const GrpcAnswer answer = peer.Call("/test.Echo/Fail", text);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(answer.status.error_message(), text);
}

TEST(GrpcTest, ShowsMetadata) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  EXPECT_EQ(peer.Call("/test.Echo/Who", "x", {.metadata = {{"token", "abc.1"}}}).message,
            "abc.1/plain");
  EXPECT_EQ(peer.Call("/test.Echo/Who", "x").message, "/plain");
}

TEST(GrpcTest, Answers256CallsAtOnce) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  std::vector<std::future<GrpcAnswer>> calls;
  for (int i = 0; i < 256; ++i) {
    calls.push_back(peer.Start("/test.Echo/Unary", std::string(1000, 'x') + std::to_string(i)));
  }
  for (int i = 0; i < 256; ++i) {
    const GrpcAnswer answer = calls[static_cast<std::size_t>(i)].get();
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.message, std::string(1000, 'x') + std::to_string(i));
  }
}

TEST(GrpcTest, AnswersFromOtherThreads) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  std::vector<std::future<GrpcAnswer>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(peer.Start("/test.Echo/Never", std::to_string(i)));
  ASSERT_TRUE(WaitFor([&] { return harness.kept_count == 100; }));
  std::vector<std::shared_ptr<UnaryCall>> kept;
  harness.loop.loop.RunSync([&] { kept.swap(harness.kept); });
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&kept, t] {
      for (std::size_t i = t; i < kept.size(); i += 4) {
        kept[i]->Reply("answer " + kept[i]->request());
        kept[i]->Reply("a second answer is dropped");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(calls[static_cast<std::size_t>(i)].get().message, "answer " + std::to_string(i));
  }
}

TEST(GrpcTest, CarriesLargeMessages) {
  ServerOptions options;
  options.message_bytes_max = 64 << 20;
  RpcHarness harness(options);
  GrpcPeer peer(harness.address());
  std::string large(20 << 20, 'x');
  large[12345678] = 'y';
  const GrpcAnswer answer = peer.Call("/test.Echo/Unary", large);
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.message, large);
}

TEST(GrpcTest, RefusesAMessageBeyondTheLimitAsGrpcGoDoes) {
  ServerOptions options;
  options.message_bytes_max = 1000;
  RpcHarness harness(options);
  GrpcPeer peer(harness.address());
  const GrpcAnswer answer = peer.Call("/test.Echo/Unary", std::string(1001, 'x'));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(answer.status.error_message(),
            "grpc: received message larger than max (1001 vs. 1000)");
  EXPECT_TRUE(peer.Call("/test.Echo/Unary", std::string(1000, 'x')).status.ok());
}

TEST(GrpcTest, RefusesCompressionItDoesNotSpeak) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  GrpcCallOptions options;
  options.gzip = true;
  const GrpcAnswer answer = peer.Call("/test.Echo/Unary", std::string(1000, 'x'), options);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(answer.status.error_message(),
            "grpc: Decompressor is not installed for grpc-encoding \"gzip\"");
}

TEST(GrpcTest, RefusesWhatIsNotRegisteredAsGrpcGoDoes) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const GrpcAnswer method = peer.Call("/test.Echo/Nothing", "");
  EXPECT_EQ(method.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(method.status.error_message(), "unknown method Nothing for service test.Echo");
  const GrpcAnswer service = peer.Call("/test.None/Unary", "");
  EXPECT_EQ(service.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(service.status.error_message(), "unknown service test.None");
}

TEST(GrpcTest, AHandlerThatForgetsItsCallAnswersInternal) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const GrpcAnswer answer = peer.Call("/test.Echo/Drop", "");
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(answer.status.error_message(), "handler gave no answer");
}

TEST(GrpcTest, EndsACallAtItsDeadline) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  GrpcCallOptions options;
  options.timeout = std::chrono::milliseconds(500);  // the handler must hear of the call first
  const GrpcAnswer answer = peer.Call("/test.Echo/Never", "", options);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  ASSERT_TRUE(WaitFor([&] { return harness.cancelled == 1; }));
  harness.loop.loop.RunSync([&] { harness.kept.front()->Reply("too late"); });
  EXPECT_TRUE(peer.Call("/test.Echo/Unary", "x").status.ok());
}

TEST(GrpcTest, TellsTheHandlerThatTheClientCancelled) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const auto stream = peer.Open("/test.Echo/Upper");
  ASSERT_TRUE(stream->Write("a"));
  ASSERT_EQ(stream->Read(), "A");
  stream->Cancel();
  EXPECT_TRUE(WaitFor([&] { return harness.cancelled == 1; }));
}

TEST(GrpcTest, TellsTheHandlerThatTheConnectionWent) {
  RpcHarness harness;
  {
    GrpcPeer peer(harness.address());
    static_cast<void>(
        peer.Start("/test.Echo/Never", "", {.metadata = {}, .timeout = std::nullopt}));
    ASSERT_TRUE(WaitFor([&] { return harness.kept_count == 1; }));
    harness.server->Drain(std::chrono::milliseconds(0));
  }
  EXPECT_TRUE(WaitFor([&] { return harness.cancelled == 1; }));
}

TEST(GrpcTest, TalksBothWaysOnAStream) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const auto stream = peer.Open("/test.Echo/Upper");
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(stream->Write("message " + std::to_string(i)));
    ASSERT_EQ(stream->Read(), "MESSAGE " + std::to_string(i));
  }
  ASSERT_TRUE(stream->HalfClose());
  EXPECT_EQ(stream->Read(), std::nullopt);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(harness.half_closed, 1);
  EXPECT_EQ(harness.cancelled, 0);
}

TEST(GrpcTest, FinishesAStreamThatTheClientStillHolds) {
  auto router = std::make_shared<Router>();
  router->Streaming("/test.S/Refuse", [](const std::shared_ptr<Stream>& stream) {
    stream->Send("one");
    stream->Send(std::make_shared<const std::string>("two"));
    stream->Finish(
        Error{Code::kOutOfRange, "etcdserver: mvcc: required revision has been compacted"});
  });
  RpcHarness harness({}, router);
  GrpcPeer peer(harness.address());
  const auto stream = peer.Open("/test.S/Refuse");
  EXPECT_EQ(stream->Read(), "one");
  EXPECT_EQ(stream->Read(), "two");
  EXPECT_EQ(stream->Read(), std::nullopt);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_TRUE(WaitFor([&] { return harness.server->counters().streams_open == 0; }));
}

// A reader that does not read: what it has not taken stays counted, and OnDrained comes when it
// reads on.
TEST(GrpcTest, TellsASenderHowMuchTheReaderHasNotTaken) {
  auto router = std::make_shared<Router>();
  std::atomic<int> sent{0};
  std::atomic<std::size_t> most{0};
  router->Streaming("/test.S/Flood", [&](const std::shared_ptr<Stream>& stream) {
    const auto fill = std::make_shared<std::function<void()>>();
    const std::weak_ptr<std::function<void()>> weak = fill;
    const std::weak_ptr<Stream> weak_stream = stream;
    *fill = [&, weak_stream] {
      const auto alive = weak_stream.lock();
      if (alive == nullptr) return;
      while (sent < 400 && alive->buffered_bytes() < (1 << 20)) {
        alive->Send(std::string(100000, 'x'));
        ++sent;
        most = std::max(most.load(), alive->buffered_bytes());
      }
      if (sent == 400) alive->Finish(Status());
    };
    stream->OnDrained([fill] { (*fill)(); });
    stream->OnCancel([stream] {});  // keeps it until the end
    (*fill)();
  });
  RpcHarness harness({}, router);
  GrpcPeer peer(harness.address());
  const auto stream = peer.Open("/test.S/Flood");
  ASSERT_TRUE(WaitFor([&] { return sent > 10; }));
  EXPECT_LT(sent, 400);
  int received = 0;
  while (stream->Read().has_value()) ++received;
  EXPECT_EQ(received, 400);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_LT(most, 1200000U);
}

TEST(GrpcTest, HoldsTheClientBackWhileMessagesArePaused) {
  auto router = std::make_shared<Router>();
  std::atomic<int> received{0};
  std::promise<std::shared_ptr<Stream>> opened;
  router->Streaming("/test.S/Slow", [&](const std::shared_ptr<Stream>& stream) {
    stream->OnMessage([&received, stream](const std::string&) {
      if (++received == 1) stream->PauseMessages();
    });
    stream->OnHalfClose([stream] { stream->Finish(Status()); });
    opened.set_value(stream);
  });
  RpcHarness harness({}, router);
  GrpcPeer peer(harness.address());
  const auto stream = peer.Open("/test.S/Slow");
  std::atomic<int> written{0};
  auto writer = std::async(std::launch::async, [&] {
    for (int i = 0; i < 200 && stream->Write(std::string(100000, 'x')); ++i) ++written;
    stream->HalfClose();
  });
  ASSERT_TRUE(WaitFor([&] { return written > 5; }));
  EXPECT_EQ(writer.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_EQ(received, 1);
  EXPECT_LT(written, 100);
  const auto server_side = opened.get_future().get();
  server_side->ResumeMessages();
  writer.get();
  EXPECT_TRUE(WaitFor([&] { return received == 200; }));
  EXPECT_EQ(stream->Read(), std::nullopt);
  EXPECT_TRUE(stream->Finish().ok());
}

// Resuming within a message's callback delivered the messages of the same frame a second time, and
// then read behind the end of them.
TEST(GrpcTest, DeliversEachMessageOnceToAHandlerThatPausesAndResumesWithinIt) {
  auto router = std::make_shared<Router>();
  std::string received;
  router->Streaming("/test.S/Restless", [&](const std::shared_ptr<Stream>& stream) {
    stream->OnMessage([&received, stream](const std::string& message) {
      stream->PauseMessages();
      received += message;
      stream->ResumeMessages();
    });
    stream->OnHalfClose([&received, stream] {
      stream->Send(received);
      stream->Finish({});
    });
  });
  RpcHarness harness({}, router);
  RawClient client(harness);
  client.Greet();
  std::string messages;
  for (const std::string_view message : {"one ", "two ", "three"}) {
    const auto prefix = MakePrefix(message.size());
    messages.append(prefix.data(), prefix.size()).append(message);
  }
  client.Send(OpenStream(1, "/test.S/Restless") + Frame(kData, 0x1, 1, messages));
  EXPECT_THAT(client.ReadUntil("three"), ::testing::HasSubstr("one two three"));
}

TEST(GrpcTest, SpeaksTlsWithClientCertificates) {
  net::Certificates files;
  net::TlsServerOptions tls = files.MutualServer();
  tls.alpn = {"h2", "http/1.1"};
  RpcHarness harness({}, net::TlsServer::Make(tls).value());
  const auto text = [&](const std::string& name) {
    std::ifstream file(files.folder().File(name));
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  grpc::SslCredentialsOptions client;
  client.pem_root_certs = text("ca.pem");
  client.pem_private_key = text("client.key");
  client.pem_cert_chain = text("client.pem");
  GrpcPeer peer(harness.address(), grpc::SslCredentials(client));
  EXPECT_EQ(peer.Call("/test.Echo/Who", "", {.metadata = {{"token", "t"}}}).message, "t/alice");
  const std::string large(1 << 20, 'z');
  EXPECT_EQ(peer.Call("/test.Echo/Unary", large).message, large);
}

TEST(GrpcTest, DrainLetsCallsInFlightFinish) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  auto call = peer.Start("/test.Echo/Never", "x");
  ASSERT_TRUE(WaitFor([&] { return harness.kept_count == 1; }));
  auto drained =
      std::async(std::launch::async, [&] { harness.server->Drain(std::chrono::seconds(10)); });
  EXPECT_EQ(drained.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  harness.loop.loop.RunSync([&] { harness.kept.front()->Reply("done"); });
  const GrpcAnswer answer = call.get();
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.message, "done");
  drained.get();
  EXPECT_EQ(harness.server->connection_count(), 0U);
}

TEST(GrpcTest, DrainDoesNotWaitForAStreamThatItsClientKeepsOpen) {
  RpcHarness harness;
  GrpcPeer peer(harness.address());
  const auto stream = peer.Open("/test.Echo/Upper");
  ASSERT_TRUE(stream->Write("x"));
  EXPECT_EQ(stream->Read(), "X");
  const auto started = std::chrono::steady_clock::now();
  harness.server->Drain(std::chrono::seconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the server is stopping; connect to another member");
}

TEST(GrpcTest, PingsAClientThatIsSilent) {
  ServerOptions options;
  options.keepalive_interval = std::chrono::milliseconds(20);
  options.keepalive_timeout = std::chrono::milliseconds(2000);
  RpcHarness harness(options);
  GrpcPeer peer(harness.address());
  EXPECT_TRUE(peer.Call("/test.Echo/Unary", "x").status.ok());
  // gRPC answers pings, so the connection stays.
  const auto stream = peer.Open("/test.Echo/Upper");
  EXPECT_FALSE(WaitFor([&] { return harness.server->connection_count() == 0; },
                       std::chrono::milliseconds(200)));
}

}  // namespace
}  // namespace quorate::rpc
