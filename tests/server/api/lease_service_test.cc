#include "api/lease_service.h"

#include <optional>

#include "later_environment.h"
#include "proto/rpc.pb.h"
#include "server/node/waiting_node.h"
#include "sim/clock.h"
#include "storage/batch.h"

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

}  // namespace
}  // namespace quorate::api
