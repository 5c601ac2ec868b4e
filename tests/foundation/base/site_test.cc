// What ships has no sites: all of them are constants, decided when it is compiled.
#include "base/site.h"

#include <gtest/gtest.h>

namespace quorate {
namespace {

static_assert(!QUORATE_SITE("base.any"));
static_assert(!QUORATE_PLANTED("base.any"));

TEST(SiteTest, IsNothingOutsideTheSimulator) {
  QUORATE_CRASH_SITE("base.any");
  EXPECT_FALSE(QUORATE_SITE("base.any"));
}

}  // namespace
}  // namespace quorate
