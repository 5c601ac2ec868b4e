#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "foundation/net/fixture.h"
#include "support/wait.h"

namespace quorate::net {
namespace {

using ::quorate::test::WaitFor;

void Echo(const std::shared_ptr<HttpExchange>& exchange) {
  exchange->ReadBody(64 << 20, [exchange](Result<std::string> body) {
    HttpResponse response;
    if (!body.ok()) {
      response = HttpResponse::Text(413, body.error().message);
    } else {
      response.body = exchange->request().method + " " + exchange->request().target + " " + *body;
    }
    exchange->Respond(std::move(response));
  });
}

// Sends raw bytes and returns all that comes until the server closes.
std::string Raw(const Endpoint& endpoint, const std::string& bytes) {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(write(descriptor, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  std::string answer;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(descriptor);
  return answer;
}

TEST(HttpTest, AnswersRequestsOneAfterAnotherOnOneConnection) {
  HttpHarness harness(Echo);
  for (int i = 0; i < 20; ++i) {
    const auto response = harness.Fetch({"POST", "/p?q=" + std::to_string(i), {}, "body"});
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /p?q=" + std::to_string(i) + " body");
  }
  EXPECT_EQ(harness.server.connection_count(), 1U);
}

TEST(HttpTest, CarriesLargeBodiesBothWays) {
  HttpHarness harness(Echo);
  const std::string large(20 << 20, 'x');
  const auto response = harness.Fetch({"PUT", "/", {}, large});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body.size(), large.size() + 6);
}

TEST(HttpTest, RefusesABodyBeyondItsLimit) {
  HttpHarness harness([](const std::shared_ptr<HttpExchange>& exchange) {
    exchange->ReadBody(10, [exchange](const Result<std::string>& body) {
      exchange->Respond(HttpResponse::Text(413, body.ok() ? "?" : body.error().message));
    });
  });
  const auto response = harness.Fetch({"POST", "/", {}, std::string(1000, 'x')});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(response->body, "http: request body too large\n");
}

TEST(HttpTest, StreamsAnAnswerWithoutEndUntilTheReaderLeaves) {
  std::promise<std::shared_ptr<HttpExchange>> arrived;
  std::atomic<bool> cancelled{false};
  HttpHarness harness([&](const std::shared_ptr<HttpExchange>& exchange) {
    exchange->StartResponse(200, {{"X-Kind", "stream"}});
    exchange->OnCancel([&] { cancelled = true; });
    arrived.set_value(exchange);
  });
  std::string seen;
  std::mutex mutex;
  HttpCallEvents events;
  events.on_data = [&](std::string_view bytes) {
    const std::lock_guard lock(mutex);
    seen += bytes;
  };
  const auto call =
      harness.client.Start(harness.listener->local(), {"GET", "/s", {}, ""}, {}, events);
  auto exchange = arrived.get_future().get();
  for (int i = 0; i < 3; ++i) {
    exchange->Send("piece" + std::to_string(i) + ";");  // from a thread that is not the loop
    ASSERT_TRUE(WaitFor([&] {
      const std::lock_guard lock(mutex);
      return seen.ends_with("piece" + std::to_string(i) + ";");
    }));
  }
  call->Cancel();
  EXPECT_TRUE(WaitFor([&] { return cancelled.load(); }));
}

TEST(HttpTest, StreamsARequestBodyChunked) {
  HttpHarness harness(Echo);
  std::promise<Status> ended;
  std::string body;
  HttpCallEvents events;
  events.on_data = [&](std::string_view bytes) { body += bytes; };
  events.on_end = [&](const Status& status) { ended.set_value(status); };
  HttpCallOptions options;
  options.stream_body = true;
  const auto call =
      harness.client.Start(harness.listener->local(), {"POST", "/c", {}, ""}, options, events);
  call->Send("one,");
  call->Send("two,");
  call->Send(std::string(100000, 'z'));
  call->FinishBody();
  EXPECT_TRUE(ended.get_future().get().ok());
  EXPECT_EQ(body, "POST /c one,two," + std::string(100000, 'z'));
}

TEST(HttpTest, HoldsTheSenderBackWhileItsBodyIsNotWanted) {
  std::promise<std::shared_ptr<HttpExchange>> arrived;
  std::atomic<std::size_t> received{0};
  HttpHarness harness([&](const std::shared_ptr<HttpExchange>& exchange) {
    exchange->StreamBody(
        [&, exchange](std::string_view bytes) {
          received += bytes.size();
          return false;  // one piece, then wait
        },
        [exchange](const Status&) {
          exchange->Respond({200, {}, "got it"});
        });
    arrived.set_value(exchange);
  });
  std::promise<Status> ended;
  HttpCallEvents events;
  events.on_end = [&](const Status& status) { ended.set_value(status); };
  const std::size_t size = 32 << 20;
  const auto call = harness.client.Start(harness.listener->local(),
                                         {"POST", "/", {}, std::string(size, 'x')}, {}, events);
  auto exchange = arrived.get_future().get();
  ASSERT_TRUE(WaitFor([&] { return received > 0; }));
  EXPECT_LT(received, size / 2);
  auto done = ended.get_future();
  while (done.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready) {
    exchange->ResumeBody();
    harness.server_loop.loop.RunSync([] {});
  }
  EXPECT_TRUE(done.get().ok());
  EXPECT_EQ(received, size);
}

TEST(HttpTest, GivesUpWhenAnAnswerGoesSilent) {
  std::promise<std::shared_ptr<HttpExchange>> arrived;
  HttpHarness harness([&](const std::shared_ptr<HttpExchange>& exchange) {
    exchange->StartResponse(200, {});
    exchange->Send("hello");
    arrived.set_value(exchange);
  });
  std::promise<Status> ended;
  HttpCallEvents events;
  events.on_end = [&](const Status& status) { ended.set_value(status); };
  HttpCallOptions options;
  options.read_timeout = std::chrono::milliseconds(50);
  const auto call =
      harness.client.Start(harness.listener->local(), {"GET", "/", {}, ""}, options, events);
  const Status status = ended.get_future().get();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "i/o timeout");
}

TEST(HttpTest, AnswersInTimeOrTheCallEnds) {
  std::vector<std::shared_ptr<HttpExchange>> kept;
  HttpHarness harness(
      [&](const std::shared_ptr<HttpExchange>& exchange) { kept.push_back(exchange); });
  const auto response = harness.Fetch({"GET", "/", {}, ""}, std::chrono::milliseconds(50));
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, Code::kDeadlineExceeded);
  harness.server_loop.loop.RunSync([&] { kept.clear(); });
}

TEST(HttpTest, AnExchangeThatIsDroppedAnswers500) {
  HttpHarness harness([](const std::shared_ptr<HttpExchange>&) {});
  const auto response = harness.Get("/");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 500);
}

TEST(HttpTest, TellsABrokenAnswerFromAComplete) {
  HttpHarness harness([](const std::shared_ptr<HttpExchange>& exchange) {
    exchange->StartResponse(200, {});
    exchange->Send("half");
    exchange->Abort();
  });
  const auto response = harness.Get("/");
  ASSERT_FALSE(response.ok());
}

TEST(HttpTest, AnswersAHeadWithoutABody) {
  HttpHarness harness(Echo);
  const auto response = harness.Fetch({"HEAD", "/", {}, ""});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(response->headers.Get("content-length"), "7");
}

TEST(HttpTest, RefusesWhatIsNotHttp) {
  HttpHarness harness(Echo);
  EXPECT_THAT(Raw(harness.listener->local(), "\x16\x03\x01 garbage\r\n\r\n"),
              ::testing::StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST(HttpTest, RefusesAHeadBeyondItsLimit) {
  HttpServerOptions options;
  options.header_bytes_max = 1000;
  HttpHarness harness(Echo, options);
  EXPECT_THAT(Raw(harness.listener->local(), "GET / HTTP/1.1\r\nX: " + std::string(2000, 'x')),
              ::testing::StartsWith("HTTP/1.1 431 "));
}

TEST(HttpTest, ClosesAConnectionThatNeverSendsItsHead) {
  HttpServerOptions options;
  options.header_timeout = std::chrono::milliseconds(30);
  HttpHarness harness(Echo, options);
  EXPECT_EQ(Raw(harness.listener->local(), "GET / HT"), "");
}

// The timer ended with the head: two senders of snapshots that stopped half-way held both places
// for snapshots until TCP gave them up.
TEST(HttpTest, ClosesAConnectionThatStopsWithinItsBody) {
  HttpServerOptions options;
  options.body_timeout = std::chrono::milliseconds(30);
  HttpHarness harness(Echo, options);
  EXPECT_EQ(Raw(harness.listener->local(),
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc"),
            "");
}

// A POST whose body is sent piece by piece.
class PiecewisePost {
 public:
  explicit PiecewisePost(HttpHarness& harness) {
    HttpCallEvents events;
    events.on_head = [answer = answer_](const HttpResponse& head) { answer->status = head.status; };
    events.on_end = [answer = answer_](const Status&) { answer->ended.set_value(); };
    call_ = harness.client.Start(harness.listener->local(), {"POST", "/", {}, ""},
                                 {.stream_body = true}, std::move(events));
  }
  void Send(std::string bytes) { call_->Send(std::move(bytes)); }
  void Finish() { call_->FinishBody(); }
  // Waits for it; 0: the connection ended without one.
  int Answered() {
    answer_->ended.get_future().get();
    return answer_->status;
  }

 private:
  struct Answer {
    int status = 0;
    std::promise<void> ended;
  };
  std::shared_ptr<Answer> answer_ = std::make_shared<Answer>();
  std::shared_ptr<HttpCall> call_;
};

// Takes a body and notes the longest time in which nothing of it came.
class PatientReader {
 public:
  void operator()(const std::shared_ptr<HttpExchange>& exchange) {
    last_ = std::chrono::steady_clock::now();
    exchange->StreamBody(
        [this](std::string_view bytes) {
          Note();
          received_ += bytes.size();
          return true;
        },
        [this, exchange](const Status& status) {
          Note();
          ended_ = true;
          exchange->Respond({status.ok() ? 200 : 500, {}, ""});
        });
  }
  bool ended() const { return ended_; }
  std::size_t received() const { return received_; }
  std::chrono::steady_clock::duration longest_silence() const { return longest_; }

 private:
  void Note() {
    const auto now = std::chrono::steady_clock::now();
    longest_ = std::max(longest_, now - std::exchange(last_, now));
  }

  std::chrono::steady_clock::time_point last_;
  std::chrono::steady_clock::duration longest_{};
  std::atomic<std::size_t> received_ = 0;
  std::atomic<bool> ended_ = false;
};

// A byte is on its way at any time, for three times as long as a body may be silent. Where the
// machine itself made a silence, the server may have closed rightly, and that tells nothing.
TEST(HttpTest, ABodyThatComesSlowlyComesWhole) {
  HttpServerOptions options;
  options.body_timeout = std::chrono::milliseconds(50);
  for (int attempt = 0; attempt < 100; ++attempt) {
    PatientReader reader;
    int answered = 0;
    {
      HttpHarness harness(std::ref(reader), options);
      PiecewisePost post(harness);
      const auto end = std::chrono::steady_clock::now() + 3 * options.body_timeout;
      for (std::size_t sent = 1; std::chrono::steady_clock::now() < end && !reader.ended();
           ++sent) {
        post.Send("x");
        ASSERT_TRUE(WaitFor([&] { return reader.received() == sent || reader.ended(); }));
      }
      post.Finish();
      answered = post.Answered();
    }
    if (answered == 200) return;
    ASSERT_GE(reader.longest_silence(), options.body_timeout / 2);
  }
  FAIL() << "never undisturbed for so short a time";
}

// Nor is a sender slow that we hold back ourselves.
TEST(HttpTest, ASenderThatIsHeldBackIsNotCalledSlow) {
  HttpServerOptions options;
  options.body_timeout = std::chrono::milliseconds(30);
  std::promise<std::shared_ptr<HttpExchange>> held;
  HttpHarness harness(
      [&](const std::shared_ptr<HttpExchange>& exchange) {
        exchange->StreamBody(
            [&held, exchange, first = true](std::string_view) mutable {
              if (std::exchange(first, false)) held.set_value(exchange);
              return false;
            },
            [exchange](const Status& status) {
              exchange->Respond({status.ok() ? 200 : 500, {}, ""});
            });
      },
      options);
  PiecewisePost post(harness);
  post.Send("x");
  const auto exchange = held.get_future().get();
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  post.Finish();
  exchange->ResumeBody();
  EXPECT_EQ(post.Answered(), 200);
}

TEST(HttpTest, AnswersPipelinedRequestsInOrder) {
  HttpHarness harness(Echo);
  const std::string answer = Raw(
      harness.listener->local(),
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
      "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::size_t one = answer.find("GET /1 ");
  const std::size_t two = answer.find("POST /2 ab");
  const std::size_t three = answer.find("GET /3 ");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos);
}

TEST(HttpTest, DrainLetsTheAnswerInFlightFinish) {
  std::promise<std::shared_ptr<HttpExchange>> arrived;
  HttpHarness harness(
      [&](const std::shared_ptr<HttpExchange>& exchange) { arrived.set_value(exchange); });
  auto fetched = std::async(std::launch::async, [&] { return harness.Get("/"); });
  auto exchange = arrived.get_future().get();
  auto drained =
      std::async(std::launch::async, [&] { harness.server.Drain(std::chrono::seconds(5)); });
  EXPECT_EQ(drained.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  exchange->Respond({200, {}, "late"});
  const auto response = fetched.get();
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "late");
  drained.get();
  EXPECT_EQ(harness.server.connection_count(), 0U);
}

TEST(HttpTest, SpeaksOverAUnixSocket) {
  TempFolder folder;
  RunningLoop running("loop");
  HttpServer server({}, Echo);
  ListenOptions listen;
  listen.endpoint = ParseUrl("unix://" + folder.File("sock")).value();
  auto listener = Listener::Bind({&running.loop}, listen).value();
  listener->Start([&](std::shared_ptr<Connection> connection) { server.Serve(connection); });
  HttpClient client(running.loop, {});
  std::promise<Result<HttpResponse>> promise;
  client.Fetch(listener->local(), {"GET", "/u", {}, ""}, std::chrono::seconds(5), 1000,
               [&](Result<HttpResponse> response) { promise.set_value(std::move(response)); });
  const auto response = promise.get_future().get();
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "GET /u ");
}

TEST(HttpTest, ClosesAReaderThatLeavesItsAnswerUntaken) {
  HttpServerOptions options;
  options.output_bytes_max = 1 << 20;
  std::promise<std::shared_ptr<HttpExchange>> arrived;
  HttpHarness harness(
      [&](const std::shared_ptr<HttpExchange>& exchange) {
        exchange->StartResponse(200, {});
        arrived.set_value(exchange);
      },
      options);
  const auto call = harness.client.Start(harness.listener->local(), {"GET", "/", {}, ""}, {}, {});
  harness.client_loop.loop.RunSync([&] { call->PauseReading(); });
  auto exchange = arrived.get_future().get();
  for (int i = 0; i < 64; ++i) exchange->Send(std::string(1 << 20, 'x'));
  EXPECT_TRUE(WaitFor([&] { return harness.server.connection_count() == 0; }));
  call->Cancel();
}

}  // namespace
}  // namespace quorate::net
