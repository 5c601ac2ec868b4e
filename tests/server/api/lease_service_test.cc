#include "api/lease_service.h"

#include <cstdlib>
#include <optional>

#include "api/leader_watch.h"
#include "later_environment.h"
#include "proto/rpc.pb.h"
#include "server/node/waiting_node.h"
#include "sim/clock.h"
#include "storage/batch.h"
#include "storage/memory_backend.h"

namespace quorate::api {
namespace {

using std::chrono::seconds;
using test::WaitingNode;

class PeerKeepAliveTest : public testing::Test {
 protected:
  PeerKeepAliveTest() {
    context_.node = &node_;
    context_.lessor = &lessor_;
    context_.environment = &environment_;
    storage::Batch batch;
    EXPECT_TRUE(lessor_.Grant(LeaseId{7}, 10, batch).ok());
    lessor_.Promote(seconds(1));
  }
  void Ask(std::int64_t id) {
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(id);
    AnswerPeerKeepAlive(context_, request.SerializeAsString(),
                        [this](Result<std::string> body) { answer_ = std::move(body); });
  }
  void Confirm(const Status& status) {
    ASSERT_FALSE(node_.reads.empty());
    const auto read = std::move(node_.reads.front());
    node_.reads.pop_front();
    read(status);
  }

  sim::Clock clock_;
  lease::Lessor lessor_{lease::Options{.ttl_min = 2}, clock_};
  WaitingNode node_;
  LaterEnvironment environment_;
  Context context_{};
  std::optional<Result<std::string>> answer_;
};

// A leader that was stopped for a while (SIGSTOP) and went on answered what waited in its sockets
// before it heard of its successor: the client took its lease for renewed, the successor let it run
// out.
TEST_F(PeerKeepAliveTest, IsAnsweredOnlyOnceItIsKnownThatThisMemberStillLeads) {
  clock_.Advance(seconds(6));
  Ask(7);
  EXPECT_FALSE(answer_.has_value());
  clock_.Advance(seconds(1));
  Confirm({});
  ASSERT_TRUE(answer_.has_value() && answer_->ok());
  etcdserverpb::LeaseKeepAliveResponse response;
  ASSERT_TRUE(response.ParseFromString(**answer_));
  EXPECT_EQ(response.ttl(), 10);
  clock_.Advance(seconds(9));
  EXPECT_TRUE(lessor_.TakeExpired(1, seconds(1)).empty());
}

TEST_F(PeerKeepAliveTest, RenewsNothingWhenLeadershipIsLostMeanwhile) {
  Ask(7);
  lessor_.Demote();
  Confirm({});
  ASSERT_TRUE(answer_.has_value());
  ASSERT_FALSE(answer_->ok());
  EXPECT_EQ(answer_->error().message, "not a primary lessor");
}

TEST_F(PeerKeepAliveTest, RenewsNothingWhenNobodyConfirms) {
  clock_.Advance(seconds(6));
  Ask(7);
  Confirm(Error{Code::kUnavailable, "etcdserver: request timed out"});
  ASSERT_TRUE(answer_.has_value());
  EXPECT_EQ(answer_->error().message, "etcdserver: request timed out");
  clock_.Advance(seconds(5));
  EXPECT_EQ(lessor_.TakeExpired(1, seconds(1)).size(), 1U) << "it was renewed all the same";
}

// Its time was over and the client was told that it was gone; then leadership changed before its
// end was applied, the next leader gave it its whole time again, and it lived on.
TEST_F(PeerKeepAliveTest, ALeaseIsGoneOnlyWhenItsEndIsApplied) {
  clock_.Advance(seconds(20));
  Ask(7);
  Confirm({});
  EXPECT_FALSE(answer_.has_value());
  ASSERT_EQ(environment_.later.size(), 1U);
  storage::Batch batch;
  ASSERT_TRUE(lessor_.Revoke(LeaseId{7}, batch).ok());
  environment_.later.front()();
  Confirm({});
  ASSERT_TRUE(answer_.has_value() && !answer_->ok());
  EXPECT_EQ(answer_->error().code, Code::kNotFound);
}

TEST_F(PeerKeepAliveTest, ALeaseThatAnotherLeaderSavesIsNotCalledGone) {
  clock_.Advance(seconds(20));
  Ask(7);
  Confirm({});
  lessor_.Demote();
  environment_.later.front()();
  Confirm({});
  ASSERT_TRUE(answer_.has_value());
  EXPECT_EQ(answer_->error().message, "not a primary lessor");
}

TEST_F(PeerKeepAliveTest, AFollowerAsksNobody) {
  lessor_.Demote();
  Ask(7);
  EXPECT_TRUE(node_.reads.empty());
  ASSERT_TRUE(answer_.has_value());
  EXPECT_EQ(answer_->error().message, "not a primary lessor");
}

// One open LeaseKeepAlive call: what the service told it.
class ClientStream final : public rpc::Stream {
 public:
  std::string_view path() const override { return "/etcdserverpb.Lease/LeaseKeepAlive"; }
  std::string_view metadata(std::string_view name) const override {
    return wants_leader && name == "hasleader" ? "true" : "";
  }
  bool has_metadata(std::string_view name) const override { return !metadata(name).empty(); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override { return {}; }
  const std::string& remote_address() const override { return address; }
  const std::optional<net::TlsPeer>& tls() const override { return no_tls; }
  net::EventLoop& loop() const override { std::abort(); }
  bool cancelled() const override { return false; }
  void OnCancel(std::function<void()> cancelled) override { on_cancel = std::move(cancelled); }
  void OnMessage(std::function<void(std::string)> message) override {
    on_message = std::move(message);
  }
  void OnHalfClose(std::function<void()> closed) override { on_half_close = std::move(closed); }
  void OnDrained(std::function<void()>) override {}
  void Send(std::string message) override { sent.push_back(std::move(message)); }
  void Send(std::shared_ptr<const std::string> message) override { sent.push_back(*message); }
  void Finish(Status status) override {
    if (!end.has_value()) end = std::move(status);
  }
  std::size_t buffered_bytes() const override { return 0; }
  void PauseMessages() override {}
  void ResumeMessages() override {}

  bool wants_leader = false;
  std::string address;
  std::optional<net::TlsPeer> no_tls;
  std::function<void(std::string)> on_message;
  std::function<void()> on_half_close, on_cancel;
  std::vector<std::string> sent;
  std::optional<Status> end;
};

class KeepAliveStreamTest : public PeerKeepAliveTest {
 protected:
  KeepAliveStreamTest() {
    context_.store = store_.get();
    RegisterLease(router_, context_, leader_watch_);
  }
  std::shared_ptr<ClientStream> Open(bool wants_leader) {
    auto stream = std::make_shared<ClientStream>();
    stream->wants_leader = wants_leader;
    router_.FindMethod(stream->path())->second.streaming(stream);
    return stream;
  }
  void LoseLeader() {
    node_.state.leader = MemberId{};
    for (int timeout = 0; timeout < 3; ++timeout) leader_watch_.Poll();
  }

  storage::MemoryBackend backend_{std::make_shared<storage::MemoryStorage>()};
  storage::Batch batch_;
  const std::unique_ptr<mvcc::Store> store_ =
      mvcc::Store::Open({.backend = &backend_, .batch = &batch_, .leases = &lessor_}).value();
  LeaderWatch leader_watch_{context_};
  rpc::Router router_;
};

// Only watches ended: a client that renews its leases through a member cut off from the others
// waited for its answers there until the leases were gone.
TEST_F(KeepAliveStreamTest, EndsWithoutALeaderWhenItsCallerAskedForOne) {
  const auto asks = Open(true);
  const auto does_not = Open(false);
  LoseLeader();
  ASSERT_TRUE(asks->end.has_value() && !asks->end->ok());
  EXPECT_EQ(asks->end->error().message, "etcdserver: no leader");
  EXPECT_FALSE(does_not->end.has_value());
}

TEST_F(KeepAliveStreamTest, EndsAlsoWhileARenewalWaitsAndAnswersItNoMore) {
  const auto stream = Open(true);
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(7);
  stream->on_message(request.SerializeAsString());
  ASSERT_EQ(node_.reads.size(), 1U);
  LoseLeader();
  ASSERT_TRUE(stream->end.has_value());
  Confirm({});
  EXPECT_TRUE(stream->sent.empty());
}

}  // namespace
}  // namespace quorate::api
