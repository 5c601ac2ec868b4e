#include "runtime/work_queue.h"

#include <gtest/gtest.h>

#include "sim/clock.h"

namespace quorate::runtime {
namespace {

constexpr std::chrono::milliseconds kNoWait{0};

class WorkQueueTest : public testing::Test {
 protected:
  std::string Take() {
    const auto ref = queue_.Take(kNoWait);
    return ref ? ref->name : "";
  }
  static kube::ObjectRef Ref(const std::string& name) { return {"ns", name}; }

  sim::Clock clock_;
  WorkQueue queue_{clock_, {}};
};

TEST_F(WorkQueueTest, AnObjectIsQueuedOnce) {
  queue_.Add(Ref("a"));
  queue_.Add(Ref("b"));
  queue_.Add(Ref("a"));
  EXPECT_EQ(Take(), "a");
  EXPECT_EQ(Take(), "b");
  EXPECT_EQ(Take(), "");
}

TEST_F(WorkQueueTest, WhatIsWorkedOnComesAgainOnlyAfterDone) {
  queue_.Add(Ref("a"));
  EXPECT_EQ(Take(), "a");
  queue_.Add(Ref("a"));
  queue_.Add(Ref("a"));
  EXPECT_EQ(Take(), "") << "never two workers on one object";
  queue_.Done(Ref("a"));
  EXPECT_EQ(Take(), "a");
  queue_.Done(Ref("a"));
  EXPECT_EQ(Take(), "");
}

TEST_F(WorkQueueTest, TheEarliestDelayCounts) {
  queue_.AddAfter(Ref("a"), std::chrono::seconds(10));
  queue_.AddAfter(Ref("a"), std::chrono::seconds(30));
  queue_.AddAfter(Ref("a"), std::chrono::seconds(5));
  clock_.Advance(std::chrono::seconds(4));
  EXPECT_EQ(Take(), "");
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Take(), "a");
  queue_.Done(Ref("a"));
  clock_.Advance(std::chrono::seconds(60));
  EXPECT_EQ(Take(), "") << "one delay, one turn";
}

TEST_F(WorkQueueTest, FailuresWaitLongerEachTimeUntilForgotten) {
  const auto wait_after_failure = [this] {
    queue_.AddAfterFailure(Ref("a"));
    const auto began = clock_.Now();
    while (Take().empty()) clock_.Advance(std::chrono::milliseconds(1));
    queue_.Done(Ref("a"));
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Now() - began).count();
  };
  EXPECT_EQ(wait_after_failure(), 5);
  EXPECT_EQ(wait_after_failure(), 10);
  EXPECT_EQ(wait_after_failure(), 20);
  for (int i = 0; i < 12; ++i) wait_after_failure();
  EXPECT_EQ(wait_after_failure(), 60'000);
  queue_.Forget(Ref("a"));
  EXPECT_EQ(wait_after_failure(), 5);
  EXPECT_EQ(queue_.counts().retries, 17U);
}

TEST_F(WorkQueueTest, AClosedQueueGivesNothing) {
  queue_.Add(Ref("a"));
  queue_.Close();
  EXPECT_EQ(Take(), "");
}

}  // namespace
}  // namespace quorate::runtime
