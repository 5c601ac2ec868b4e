// Background: tasks that take long, and what becomes of them at the end.
#include "app/background.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "base/check.h"

namespace quorate::app {
namespace {

// A task was dropped under the queue's lock: one that held the last reference to a store closed it
// there, and one whose end asks for another task stood still for good.
TEST(BackgroundTest, WhatIsDroppedMayTurnToItInItsEnd) {
  std::promise<void> begun;
  std::promise<void> may_end;
  std::promise<bool> accepted;
  Background background("test", 1);
  ASSERT_TRUE(background.Run([&] {
    begun.set_value();
    may_end.get_future().wait();
  }));
  begun.get_future().wait();
  std::shared_ptr<void> held(&background,
                             [&](void*) { accepted.set_value(background.Run([] {})); });
  ASSERT_TRUE(background.Run([held] {}));
  held.reset();
  std::thread stopping([&] { background.Stop(); });
  auto answer = accepted.get_future();
  CHECK(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  EXPECT_FALSE(answer.get()) << "after the stop nothing is taken";
  may_end.set_value();
  stopping.join();
}

TEST(BackgroundTest, StopWaitsForWhatHasBegunAndTakesNothingMore) {
  std::promise<void> begun;
  bool ended = false;
  Background background("test", 2);
  ASSERT_TRUE(background.Run([&] {
    begun.set_value();
    ended = true;
  }));
  begun.get_future().wait();
  background.Stop();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(background.Run([] {}));
}

TEST(BackgroundTest, OnlyWhatGivesWayHasALowerPriority) {
  const auto niceness = [](Background::Pace pace) {
    std::promise<int> seen;
    Background background("test", 1, pace);
    background.Run([&] { seen.set_value(getpriority(PRIO_PROCESS, 0)); });
    return seen.get_future().get();
  };
  const int usual = getpriority(PRIO_PROCESS, 0);
  EXPECT_EQ(niceness(Background::Pace::kNormal), usual);
  EXPECT_GT(niceness(Background::Pace::kGivesWay), usual);
}

}  // namespace
}  // namespace quorate::app
