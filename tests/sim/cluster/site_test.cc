// The simulated compilation asks its thread's oracle; without one nothing happens.
#include "base/site.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace quorate::test {
namespace {

bool Bend() {
  return QUORATE_SITE("site_test.bend");
}
bool Bug() {
  return QUORATE_PLANTED("site_test.bug");
}

class Always final : public site::Oracle {
 public:
  Always() { site::oracle = this; }
  ~Always() override { site::oracle = nullptr; }
  bool Reached(std::size_t id) override {
    names.push_back(site::Places().at(id).name);
    return true;
  }
  std::vector<std::string_view> names;
};

TEST(SiteTest, IsFalseWithoutAnOracle) {
  EXPECT_FALSE(Bend());
  EXPECT_FALSE(Bug());
}

TEST(SiteTest, AsksTheOracleOfItsThread) {
  Always oracle;
  EXPECT_TRUE(Bend());
  EXPECT_TRUE(Bug());
  EXPECT_EQ(oracle.names, (std::vector<std::string_view>{"site_test.bend", "site_test.bug"}));
}

TEST(SiteTest, KnowsEveryPlaceBeforeItIsReached) {
  const auto named = [](std::string_view name) {
    return std::ranges::count(site::Places(), name, &site::Place::name);
  };
  EXPECT_EQ(named("site_test.bend"), 1);
  EXPECT_EQ(named("site_test.bug"), 1);
}

}  // namespace
}  // namespace quorate::test
