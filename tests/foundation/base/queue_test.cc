#include <thread>

#include "base/bounded_queue.h"

namespace quorate {
namespace {

using Queue = BoundedQueue<int>;

TEST(BoundedQueueTest, RefusesWhenFullAndWhenClosed) {
  Queue queue(2);
  EXPECT_EQ(queue.TryPush(1), Queue::Push::kFirst);
  EXPECT_EQ(queue.TryPush(2), Queue::Push::kQueued);
  EXPECT_EQ(queue.TryPush(3), Queue::Push::kFull);
  std::vector<int> out;
  EXPECT_TRUE(queue.DrainInto(out));
  EXPECT_EQ(out, (std::vector<int>{1, 2}));
  queue.Close();
  EXPECT_EQ(queue.TryPush(4), Queue::Push::kClosed);
  EXPECT_FALSE(queue.DrainInto(out));
}

TEST(BoundedQueueTest, LosesNothingBetweenThreads) {
  Queue queue(1'000'000);
  std::vector<std::jthread> pushers;
  for (int t = 0; t < 4; ++t) {
    pushers.emplace_back([&queue] {
      for (int i = 0; i < 10'000; ++i) queue.TryPush(i);
    });
  }
  std::size_t seen = 0;
  std::vector<int> batch;
  while (seen < 40'000) {
    ASSERT_TRUE(queue.WaitAndDrainInto(batch, std::chrono::seconds(10)));
    ASSERT_FALSE(batch.empty()) << "timed out with " << seen;
    seen += batch.size();
  }
  EXPECT_EQ(seen, 40'000U);
}

}  // namespace
}  // namespace quorate
