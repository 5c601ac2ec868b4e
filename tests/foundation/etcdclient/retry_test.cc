#include "etcdclient/retry.h"

#include <chrono>

#include "etcdclient/client.h"

namespace quorate::etcdclient {
namespace {

const Error kLost{Code::kUnavailable, "Socket closed"};

TEST(RetryTest, AWriteThatMayHaveArrivedIsNotRepeated) {
  EXPECT_EQ(Decide(kPut, kLost, true, false), AfterFailure::kGiveUp);
  EXPECT_EQ(Decide(kTxn, kLost, true, false), AfterFailure::kGiveUp);
  EXPECT_EQ(Decide(kMemberAdd, kLost, true, false), AfterFailure::kGiveUp);
}

TEST(RetryTest, AWriteThatNeverLeftGoesToTheNextEndpoint) {
  EXPECT_EQ(Decide(kPut, kLost, false, false), AfterFailure::kNextEndpoint);
}

TEST(RetryTest, AReadGoesToTheNextEndpointEitherWay) {
  EXPECT_EQ(Decide(kRange, kLost, true, false), AfterFailure::kNextEndpoint);
  EXPECT_EQ(Decide(kRange, {Code::kUnavailable, "etcdserver: no leader"}, true, false),
            AfterFailure::kNextEndpoint);
}

TEST(RetryTest, AnAnswerIsAnAnswer) {
  EXPECT_EQ(
      Decide(kRange, {Code::kInvalidArgument, "etcdserver: key is not provided"}, true, false),
      AfterFailure::kGiveUp);
  EXPECT_EQ(Decide(kRange, {Code::kDeadlineExceeded, "context deadline exceeded"}, true, false),
            AfterFailure::kGiveUp);
}

TEST(RetryTest, AStaleTokenIsRenewedOnlyByWhoHasCredentials) {
  const Error stale{Code::kUnauthenticated, "etcdserver: invalid auth token"};
  EXPECT_EQ(Decide(kPut, stale, true, true), AfterFailure::kNewToken);
  EXPECT_EQ(Decide(kPut, stale, true, false), AfterFailure::kGiveUp);
}

TEST(RetryTest, OneRoundOverDeadEndpointsEndsAtOnceAndNamesWhy) {
  Options options;
  options.endpoints = {"127.0.0.1:1", "127.0.0.1:2"};
  const auto client = MakeClient(options);
  ASSERT_TRUE(client.ok());
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = (*client)->MemberList(true, {.one_round = true});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_THAT(answer.error().message, testing::HasSubstr("127.0.0.1:2: failed to connect"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(RetryTest, DeadEndpointsAreTriedUntilTheTimeoutAndThenSaidToBeSo) {
  Options options;
  options.endpoints = {"127.0.0.1:1"};
  const auto client = MakeClient(options);
  ASSERT_TRUE(client.ok());
  const auto answer = (*client)->Put({}, {.timeout = std::chrono::milliseconds(150)});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(answer.error().message,
              testing::StartsWith("context deadline exceeded: 127.0.0.1:1: failed to connect"));
}

}  // namespace
}  // namespace quorate::etcdclient
