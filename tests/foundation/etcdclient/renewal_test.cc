// When a lease is renewed and when it is lost, on a clock of the test's own; and a held lease whose
// servers are silent.
#include "etcdclient/renewal.h"

#include <thread>

#include "etcdclient/held_lease.h"
#include "support/wait.h"

namespace quorate::etcdclient {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Renewal::Instant kStart{std::chrono::hours(1)};

TEST(RenewalTest, IsAskedForAtAThirdOfTheTime) {
  Renewal renewal(kStart, seconds(30));
  EXPECT_EQ(renewal.pause(kStart), seconds(10));
  EXPECT_EQ(renewal.pause(kStart + seconds(4)), seconds(6));
  EXPECT_EQ(renewal.pause(kStart + seconds(12)), seconds(0)) << "a late thread asks at once";
  renewal.Renewed(kStart + seconds(10), seconds(30));
  EXPECT_EQ(renewal.pause(kStart + seconds(11)), seconds(9)) << "counted from the question";
}

TEST(RenewalTest, IsAskedForAgainUntilTheWholeTimeHasPassedSinceTheLastThatWasAnswered) {
  Renewal renewal(kStart, seconds(30));
  auto now = kStart;
  int questions = 0;
  for (; !renewal.lost(now); ++questions) {
    now += renewal.pause(now) + milliseconds(1);
    renewal.Failed(now);
  }
  EXPECT_GE(now, kStart + seconds(30));
  EXPECT_LE(now, kStart + seconds(30) + milliseconds(1));
  EXPECT_GT(questions, 10);
}

TEST(RenewalTest, AQuestionTakesAFifthOfTheTimeAtMostAndNeverOutlivesTheLease) {
  const Renewal renewal(kStart, seconds(30));
  EXPECT_EQ(renewal.patience(kStart + seconds(10)), seconds(6));
  EXPECT_EQ(renewal.patience(kStart + seconds(28)), seconds(2));
}

TEST(RenewalTest, TheServersTimeCounts) {
  Renewal renewal(kStart, seconds(30));
  renewal.Renewed(kStart + seconds(10), seconds(60));
  EXPECT_FALSE(renewal.lost(kStart + seconds(69)));
  EXPECT_TRUE(renewal.lost(kStart + seconds(70)));
  renewal.Renewed(kStart + seconds(30), seconds(0));
  EXPECT_TRUE(renewal.lost(kStart + seconds(30))) << "the server says that it is gone";
}

// Grants a lease of one second and never answers again.
class SilentClient final : public Client {
 public:
  Status Unary(const Method&, const google::protobuf::MessageLite&,
               google::protobuf::MessageLite& response, const CallOptions&) override {
    auto* granted = dynamic_cast<etcdserverpb::LeaseGrantResponse*>(&response);
    if (granted == nullptr) return Error{Code::kUnavailable, "Socket closed"};
    granted->set_id(7);
    granted->set_ttl(1);
    return {};
  }
  Result<std::unique_ptr<Stream>> Open(const Method&, const CallOptions&) override {
    return Error{Code::kUnavailable, "Socket closed"};
  }
  std::vector<std::string> endpoints() const override { return {}; }
  void SetEndpoints(std::vector<std::string>) override {}
};

// Three renewals that failed at once ended it after two fifths of its time: who held a lock gave it
// up while the servers still kept everybody else from it.
TEST(HeldLeaseTest, IsHeldItsWholeTimeWhenNobodyAnswers) {
  SilentClient client;
  const auto granted = std::chrono::steady_clock::now();
  const auto lease = HeldLease::Grant(client, seconds(1));
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(test::WaitFor([&] { return (*lease)->lost(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - granted, seconds(1));
}

// A member that is slow to connect and does not answer.
class SlowClient final : public Client {
 public:
  class Mute final : public Stream {
   public:
    explicit Mute(milliseconds& patience) : patience_(patience) {}
    Status Write(const google::protobuf::MessageLite&) override { return {}; }
    Status CloseWrites() override { return {}; }
    Result<Read> Next(google::protobuf::MessageLite&,
                      std::optional<milliseconds> timeout) override {
      patience_ = timeout.value();
      return Read::kTimeout;
    }
    void Cancel() override {}

   private:
    milliseconds& patience_;
  };

  Status Unary(const Method&, const google::protobuf::MessageLite&, google::protobuf::MessageLite&,
               const CallOptions&) override {
    return Error{Code::kUnimplemented, "not in this script"};
  }
  Result<std::unique_ptr<Stream>> Open(const Method&, const CallOptions&) override {
    std::this_thread::sleep_for(milliseconds(20));
    return std::unique_ptr<Stream>(std::make_unique<Mute>(patience));
  }
  std::vector<std::string> endpoints() const override { return {}; }
  void SetEndpoints(std::vector<std::string>) override {}

  milliseconds patience{-1};
};

// Connecting and waiting each had the whole time, so a renewal outlived its lease.
TEST(HeldLeaseTest, ConnectingAndWaitingForARenewalShareTheTimeout) {
  SlowClient client;
  const auto answer = client.LeaseKeepAlive(LeaseId{7}, {.timeout = seconds(5)});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::kDeadlineExceeded);
  EXPECT_LE(client.patience, seconds(5) - milliseconds(20));
}

}  // namespace
}  // namespace quorate::etcdclient
