#include "backup/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/backup/zones.h"

namespace quorate::backup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Time kNow = At("2026-11-21T12:00:00Z");

// One a day at noon, "d0" today, "d1" yesterday, ...; revisions fall with age.
std::vector<Artifact> Days(int count) {
  std::vector<Artifact> artifacts;
  for (int i = 0; i < count; ++i) {
    artifacts.push_back({"d" + std::to_string(i), 1000 - i, kNow - std::chrono::hours(24 * i)});
  }
  return artifacts;
}

std::vector<std::string> Of(const api::RetentionSpec& retention, std::vector<Artifact> artifacts) {
  return Expired(retention, std::move(artifacts), TimeZone::Utc(), kNow);
}

TEST(RetentionTest, WithoutRulesEverythingStays) {
  EXPECT_THAT(Of({}, Days(100)), IsEmpty());
}

TEST(RetentionTest, KeepLastKeepsTheNewest) {
  api::RetentionSpec retention;
  retention.keep_last = 2;
  EXPECT_THAT(Of(retention, Days(4)), ElementsAre("d3", "d2"));
}

TEST(RetentionTest, MaxAgeNeverTakesTheLastGoodOnes) {
  api::RetentionSpec retention;
  retention.max_age = std::chrono::hours(1);
  std::vector<Artifact> old = Days(4);
  for (Artifact& artifact : old) artifact.time -= std::chrono::hours(240);
  EXPECT_THAT(Of(retention, old), ElementsAre("d3", "d2", "d1"));
  retention.min_keep = 3;
  EXPECT_THAT(Of(retention, old), ElementsAre("d3"));
  retention.min_keep = 0;
  EXPECT_THAT(Of(retention, old), ElementsAre("d3", "d2", "d1")) << "one stays, come what may";
}

TEST(RetentionTest, TheCalendarKeepsTheNewestOfEachDayWeekAndMonth) {
  api::RetentionSpec retention;
  retention.daily = 2;
  std::vector<Artifact> two_a_day = Days(3);
  for (const Artifact& noon : Days(3)) {
    two_a_day.push_back(
        {noon.name + "-morning", noon.revision * 1 - 0, noon.time - std::chrono::hours(6)});
  }
  EXPECT_THAT(Of(retention, two_a_day),
              ElementsAre("d2-morning", "d2", "d1-morning", "d0-morning"));
  retention = {};
  retention.weekly = 2;  // 2026-11-21 is a Saturday: weeks begin on the 16th and the 9th
  EXPECT_THAT(Of(retention, Days(9)), ElementsAre("d8", "d7", "d5", "d4", "d3", "d2", "d1"));
  retention = {};
  retention.monthly = 2;
  EXPECT_THAT(Of(retention, {{"oct-31", 3, At("2026-10-31T23:00:00Z")},
                             {"oct-01", 2, At("2026-10-01T00:00:00Z")},
                             {"nov", 4, At("2026-11-02T00:00:00Z")},
                             {"sep", 1, At("2026-09-02T00:00:00Z")}}),
              ElementsAre("sep", "oct-01"));
}

TEST(RetentionTest, ABackupThatAnyRuleKeepsStays) {
  api::RetentionSpec retention;
  retention.keep_last = 1;
  retention.monthly = 2;
  EXPECT_THAT(Of(retention, Days(25)).size(), 23u);
}

TEST(RetentionTest, NewerMeansAHigherRevisionWhateverTheClockSaid) {
  api::RetentionSpec retention;
  retention.keep_last = 1;
  EXPECT_THAT(Of(retention, {{"clock-ahead", 5, kNow + std::chrono::hours(48)},
                             {"newest", 9, kNow - std::chrono::hours(1)}}),
              ElementsAre("clock-ahead"));
}

TEST(RetentionTest, DaysAreThoseOfTheZone) {
  api::RetentionSpec retention;
  retention.daily = 1;
  const std::vector<Artifact> around_midnight = {{"late", 2, At("2026-11-20T23:30:00Z")},
                                                 {"early", 1, At("2026-11-20T22:30:00Z")}};
  retention.daily = 2;
  EXPECT_THAT(Expired(retention, around_midnight, TimeZone::Utc(), kNow), ElementsAre("early"));
  EXPECT_THAT(Expired(retention, around_midnight, Berlin(), kNow), IsEmpty())
      << "half past eleven and half past midnight there";
}

TEST(RetentionTest, FailedRunsBeyondTheLimitGo) {
  EXPECT_THAT(ExpiredFailures(Days(4), 3), ElementsAre("d3"));
  EXPECT_THAT(ExpiredFailures(Days(2), 3), IsEmpty());
  EXPECT_THAT(ExpiredFailures(Days(2), 0), ElementsAre("d1", "d0"));
}

}  // namespace
}  // namespace quorate::backup
