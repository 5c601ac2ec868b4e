#include "bench/latencies.h"

namespace quorate::bench {
namespace {

using std::chrono::nanoseconds;

TEST(LatenciesTest, QuantilesAreRightToOnePartInAHundred) {
  Latencies latencies;
  for (int i = 1; i <= 100000; ++i) latencies.Add(nanoseconds(i * 37));
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const double expected = share * 100000 * 37;
    EXPECT_NEAR(static_cast<double>(latencies.Quantile(share).count()), expected, expected * 0.02);
  }
  EXPECT_EQ(latencies.Quantile(1), nanoseconds(3700000));
  EXPECT_EQ(latencies.max(), nanoseconds(3700000));
}

TEST(LatenciesTest, SmallAndHugeValuesHaveTheirPlaces) {
  Latencies latencies;
  latencies.Add(nanoseconds(0));
  latencies.Add(nanoseconds(63));
  latencies.Add(nanoseconds::max());
  EXPECT_EQ(latencies.Quantile(0), nanoseconds(0));
  EXPECT_EQ(latencies.Quantile(0.5), nanoseconds(63));
  EXPECT_EQ(latencies.Quantile(0.99), nanoseconds::max());
}

}  // namespace
}  // namespace quorate::bench
