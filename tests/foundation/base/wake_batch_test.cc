#include "base/wake_batch.h"

#include <gtest/gtest.h>

#include <optional>

namespace quorate {
namespace {

struct Sleeper : Wakeable {
  void Wake() override { ++woken; }
  int woken = 0;
};

TEST(WakeBatchTest, WithoutABatchTheSleeperIsWokenAtOnce) {
  const auto sleeper = std::make_shared<Sleeper>();
  WakeBatch::WakeLater(sleeper);
  EXPECT_EQ(sleeper->woken, 1);
}

TEST(WakeBatchTest, ABatchWakesEachSleeperOnceAtItsEnd) {
  const auto first = std::make_shared<Sleeper>();
  const auto second = std::make_shared<Sleeper>();
  {
    const WakeBatch batch;
    for (int i = 0; i < 3; ++i) {
      WakeBatch::WakeLater(first);
      WakeBatch::WakeLater(second);
    }
    EXPECT_EQ(first->woken, 0);
  }
  EXPECT_EQ(first->woken, 1);
  EXPECT_EQ(second->woken, 1);
}

TEST(WakeBatchTest, AnInnerBatchLeavesItToTheOuter) {
  const auto sleeper = std::make_shared<Sleeper>();
  {
    const WakeBatch outer;
    {
      const WakeBatch inner;
      WakeBatch::WakeLater(sleeper);
    }
    EXPECT_EQ(sleeper->woken, 0);
  }
  EXPECT_EQ(sleeper->woken, 1);
}

TEST(WakeBatchTest, TellsWhenTheFirstSleeperCameSoThatAFlushCanBePlanned) {
  const auto sleeper = std::make_shared<Sleeper>();
  int planned = 0;
  WakeBatch batch([&planned] { ++planned; });
  WakeBatch::WakeLater(sleeper);
  WakeBatch::WakeLater(sleeper);
  EXPECT_EQ(planned, 1);
  batch.Flush();
  EXPECT_EQ(sleeper->woken, 1);
  WakeBatch::WakeLater(sleeper);
  EXPECT_EQ(planned, 2);
}

}  // namespace
}  // namespace quorate
