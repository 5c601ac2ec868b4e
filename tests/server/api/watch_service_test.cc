#include "api/watch_service.h"

#include <optional>

#include "later_environment.h"
#include "net/event_loop.h"
#include "proto/rpc.pb.h"
#include "server/node/waiting_node.h"
#include "server/watch/fixture.h"

namespace quorate::api {
namespace {

// A client's side of a stream, without a connection.
class TestStream final : public rpc::Stream {
 public:
  std::string_view path() const override { return "/etcdserverpb.Watch/Watch"; }
  std::string_view metadata(std::string_view) const override { return ""; }
  bool has_metadata(std::string_view) const override { return false; }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override { return {}; }
  const std::string& remote_address() const override { return address_; }
  const std::optional<net::TlsPeer>& tls() const override { return tls_; }
  net::EventLoop& loop() const override { return loop_; }
  bool cancelled() const override { return false; }
  void OnCancel(std::function<void()>) override {}
  void OnMessage(std::function<void(std::string)> message) override { say = std::move(message); }
  void OnHalfClose(std::function<void()>) override {}
  void OnDrained(std::function<void()>) override {}
  void Send(std::string) override { ++sent; }
  void Send(std::shared_ptr<const std::string>) override { ++sent; }
  void Finish(Status status) override { end = std::move(status); }
  std::size_t buffered_bytes() const override { return 0; }
  void PauseMessages() override {}
  void ResumeMessages() override {}

  std::function<void(std::string)> say;
  std::size_t sent = 0;
  std::optional<Status> end;

 private:
  const std::string address_;
  const std::optional<net::TlsPeer> tls_;
  mutable net::EventLoop loop_{"never started"};
};

class WatchServiceTest : public watch::HubTest {
 protected:
  WatchServiceTest() {
    context_.node = &node_;
    context_.store = store_.get();
    context_.hub = hub_.get();
    context_.environment = &environment_;
    rpc::Router router;
    RegisterWatch(router, context_, leader_watch_);
    router.FindMethod("/etcdserverpb.Watch/Watch")->second.streaming(client_);
    node_.busy = true;
  }
  ~WatchServiceTest() override { client_->say = nullptr; }

  void Create(const std::string& key) {
    etcdserverpb::WatchRequest request;
    request.mutable_create_request()->set_key(key);
    client_->say(request.SerializeAsString());
  }
  std::string End() const { return client_->end ? client_->end->error().message : "goes on"; }

  test::WaitingNode node_;
  LaterEnvironment environment_;
  Context context_{};
  LeaderWatch leader_watch_{context_};
  std::shared_ptr<TestStream> client_ = std::make_shared<TestStream>();
};

TEST_F(WatchServiceTest, AsManyRequestsAsMayWaitAreServed) {
  for (int i = 0; i < 16'384; ++i) Create("a");
  node_.Free();
  EXPECT_EQ(client_->sent, 16'384U);
  for (int i = 0; i < 16'384; ++i) Create("a");
  EXPECT_EQ(client_->sent, 32'768U) << "those that were taken do not count";
  EXPECT_EQ(End(), "goes on");
}

// Requests were posted to the loop without a bound: a client could fill the memory of a member
// whose loop was held up for a while.
TEST_F(WatchServiceTest, AStreamWithTooManyRequestsThatWaitEnds) {
  for (int i = 0; i < 50'000; ++i) Create("a");
  EXPECT_EQ(node_.posted.size(), 16'385U) << "the requests and the end";
  node_.Free();
  EXPECT_EQ(End(), "etcdserver: too many requests");
  EXPECT_EQ(hub_->stream_count(), 1U) << "that of the fixture";
  EXPECT_EQ(hub_->watcher_count(), 0U);
}

TEST_F(WatchServiceTest, LargeRequestsThatWaitAreBoundedByTheirBytes) {
  for (int i = 0; i < 100; ++i) Create(std::string(1 << 20, 'k'));
  EXPECT_EQ(node_.posted.size(), 64U) << "63 and a little fit into 64 MiB, and the end";
  node_.Free();
  EXPECT_EQ(End(), "etcdserver: too many requests");
}

TEST_F(WatchServiceTest, BytesThatAreNoRequestEndTheStreamOnce) {
  for (int i = 0; i < 10; ++i) client_->say("\xff");
  EXPECT_EQ(node_.posted.size(), 1U);
  node_.Free();
  EXPECT_EQ(End(), "grpc: error unmarshalling request: the bytes are not the message");
}

}  // namespace
}  // namespace quorate::api
