// RestClient against a server that says exactly what a test tells it to, byte for byte.
#include "kube/rest_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <thread>

#include "io/real_clock.h"
#include "io/real_disk.h"
#include "peers/process.h"
#include "support/wait.h"

namespace quorate::kube {
namespace {

using Kind = HttpStream::Event::Kind;
constexpr std::chrono::milliseconds kPatience{5'000};

// Listens on a port of 127.0.0.1; each connection is handed to the script after its request's head.
class ScriptedServer {
 public:
  using Script = std::function<void(int socket, const std::string& head)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    listen(listener_, 8);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (std::thread& one : connections_) one.join();
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void Serve() {
    while (true) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      connections_.emplace_back([this, connection] {
        std::string head;
        char byte = 0;
        while (head.find("\r\n\r\n") == std::string::npos && read(connection, &byte, 1) == 1) {
          head += byte;
        }
        if (!head.empty()) script_(connection, head);
        close(connection);
      });
    }
  }

  const Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
  std::vector<std::thread> connections_;
};

void Say(int socket, const std::string& text) {
  EXPECT_EQ(send(socket, text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}
std::string Chunk(const std::string& text) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
  return size.data() + text + "\r\n";
}
// Until the other side is gone.
void WaitForHangUp(int socket) {
  char byte = 0;
  while (read(socket, &byte, 1) > 0) {
  }
}

constexpr const char* kChunkedHead =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

class RestClientTest : public testing::Test {
 protected:
  std::unique_ptr<RestClient> Connect(const std::string& url, const std::string& token_file = "") {
    ConnectionConfig config;
    config.server = url;
    config.token.file = token_file;
    auto client = RestClient::Create(config, clock_, disk_);
    EXPECT_TRUE(client.ok());
    return std::move(client).value();
  }
  // The next event that is not a mere wait.
  static Result<HttpStream::Event> Next(HttpStream& stream) { return stream.Next(kPatience); }

  io::RealClock clock_;
  io::RealDisk disk_;
};

TEST_F(RestClientTest, LinesArriveWhenTheyAreSaidHoweverTheyAreCut) {
  std::atomic<bool> go_on{false};
  ScriptedServer server([&](int socket, const std::string&) {
    Say(socket, kChunkedHead + Chunk("one\ntw") + Chunk("o\nthree\n"));
    while (!go_on) std::this_thread::yield();
    Say(socket, Chunk("four\n") + "0\r\n\r\n");
  });
  const auto client = Connect(server.url());
  const auto stream = client->Open({"GET", "/watch", {}, {}}, std::chrono::seconds(60));
  EXPECT_EQ(Next(*stream)->head.status, 200);
  for (const char* line : {"one", "two", "three"}) EXPECT_EQ(Next(*stream)->line, line);
  EXPECT_EQ(stream->Next(std::chrono::milliseconds(50))->kind, Kind::kIdle);
  go_on = true;
  EXPECT_EQ(Next(*stream)->line, "four");
  EXPECT_EQ(Next(*stream)->kind, Kind::kEnd);
  EXPECT_EQ(Next(*stream)->kind, Kind::kEnd) << "for good";
}

TEST_F(RestClientTest, AStreamThatIsNotChunkedIsHandedOnToo) {
  ScriptedServer server([](int socket, const std::string&) {
    Say(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfirst\n");
    WaitForHangUp(socket);
  });
  const auto client = Connect(server.url());
  const auto stream = client->Open({"GET", "/watch", {}, {}}, std::chrono::seconds(60));
  EXPECT_EQ(Next(*stream)->kind, Kind::kHead);
  EXPECT_EQ(Next(*stream)->line, "first");
}

// What arrived together with the break may be lost; a watch goes on from what it saw.
TEST_F(RestClientTest, ABrokenStreamIsNoCleanEnd) {
  std::atomic<bool> seen{false};
  ScriptedServer server([&](int socket, const std::string&) {
    Say(socket, kChunkedHead + Chunk("one\n"));  // and no last chunk
    while (!seen) std::this_thread::yield();
  });
  const auto client = Connect(server.url());
  const auto stream = client->Open({"GET", "/watch", {}, {}}, std::chrono::seconds(60));
  EXPECT_EQ(Next(*stream)->kind, Kind::kHead);
  EXPECT_EQ(Next(*stream)->line, "one");
  seen = true;
  const auto end = Next(*stream);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, Code::kUnavailable);
}

TEST_F(RestClientTest, AQuietStreamDies) {
  ScriptedServer server([](int socket, const std::string&) {
    Say(socket, kChunkedHead);
    WaitForHangUp(socket);
  });
  const auto client = Connect(server.url());
  const auto stream = client->Open({"GET", "/watch", {}, {}}, std::chrono::seconds(1));
  EXPECT_EQ(Next(*stream)->kind, Kind::kHead);
  const auto end = Next(*stream);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, Code::kDeadlineExceeded) << end.error().message;
}

TEST_F(RestClientTest, ARefusalBringsItsBody) {
  ScriptedServer server([](int socket, const std::string&) {
    Say(socket, "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nhello");
  });
  const auto client = Connect(server.url());
  const auto stream = client->Open({"GET", "/watch", {}, {}}, std::chrono::seconds(60));
  const auto head = Next(*stream);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->head.status, 429);
  EXPECT_EQ(head->head.body, "hello");
  EXPECT_EQ(head->head.retry_after, std::chrono::seconds(7));
  EXPECT_EQ(Next(*stream)->kind, Kind::kEnd);
}

TEST_F(RestClientTest, CancelWakesAReaderAtOnceWhateverItWaitsFor) {
  for (const char* said : {"", "HTTP/1.1 200 OK\r\nTransfer-Enc", kChunkedHead}) {
    ScriptedServer server([said](int socket, const std::string&) {
      if (*said != '\0') Say(socket, said);
      WaitForHangUp(socket);
    });
    const auto client = Connect(server.url());
    const auto stream = client->Open({"GET", "/watch", {}, {}}, std::chrono::seconds(60));
    std::thread canceller([&] { stream->Cancel(); });
    Result<HttpStream::Event> event = HttpStream::Event{};
    while (event.ok()) event = stream->Next(std::chrono::seconds(30));
    canceller.join();
    EXPECT_EQ(event.error().code, Code::kCancelled);
  }
}

TEST_F(RestClientTest, AStreamThatIsDroppedHangsUp) {
  std::atomic<bool> hung_up{false};
  ScriptedServer server([&](int socket, const std::string&) {
    Say(socket, kChunkedHead);
    WaitForHangUp(socket);
    hung_up = true;
  });
  const auto client = Connect(server.url());
  auto stream = client->Open({"GET", "/watch", {}, {}}, std::chrono::seconds(60));
  EXPECT_EQ(Next(*stream)->kind, Kind::kHead);
  stream.reset();
  EXPECT_TRUE(test::WaitFor([&] { return hung_up.load(); }));
}

TEST_F(RestClientTest, AnAnswerKeepsItsStatusAndBody) {
  ScriptedServer server([](int socket, const std::string& head) {
    EXPECT_NE(head.find("PATCH /a?b=c%20d HTTP/1.1"), std::string::npos) << head;
    EXPECT_NE(head.find("application/merge-patch+json"), std::string::npos) << head;
    Say(socket, "HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}");
  });
  const auto client = Connect(server.url());
  const auto answer =
      client->Send({"PATCH", "/a?b=c%20d", "application/merge-patch+json", "{}"}, kPatience);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 409);
  EXPECT_EQ(answer->body, "{}");
}

TEST_F(RestClientTest, NobodyThereIsUnavailable) {
  const auto client = Connect("http://127.0.0.1:" + std::to_string(test::FreePort()));
  const auto answer = client->Send({"GET", "/", {}, {}}, kPatience);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::kUnavailable) << answer.error().message;
}

TEST_F(RestClientTest, ARotatedTokenIsReadAgainWhenTheOldOneIsRefused) {
  const test::ScratchDirectory scratch;
  const std::string file = scratch.path() + "/token";
  ASSERT_TRUE(io::WriteFile(disk_, file, AsBytes("old\n")).ok());
  ScriptedServer server([&](int socket, const std::string& head) {
    const bool good = head.find("Authorization:Bearer new\r\n") != std::string::npos;
    Say(socket, good ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                     : "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  });
  const auto client = Connect(server.url(), file);
  EXPECT_EQ(client->Send({"GET", "/", {}, {}}, kPatience)->status, 401);
  ASSERT_TRUE(io::WriteFile(disk_, file, AsBytes("new\n")).ok());
  EXPECT_EQ(client->Send({"GET", "/", {}, {}}, kPatience)->status, 200);
}

TEST_F(RestClientTest, WhatCannotWorkIsSaidAtOnce) {
  ConnectionConfig config;
  config.server = "https://127.0.0.1:1";
  config.ca.inline_text = "no certificate";
  const auto bad_ca = RestClient::Create(config, clock_, disk_);
  ASSERT_FALSE(bad_ca.ok());
  EXPECT_NE(bad_ca.error().message.find("certificate authority"), std::string::npos);
  config.ca = {"", "/no/such/file"};
  EXPECT_FALSE(RestClient::Create(config, clock_, disk_).ok());
  config.ca = {};
  config.server = "no url at all";
  EXPECT_FALSE(RestClient::Create(config, clock_, disk_).ok());
}

}  // namespace
}  // namespace quorate::kube
