#include "backup/cron.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "operator/backup/zones.h"

namespace quorate::backup {
namespace {

// The next `count` times after `after`, as text.
std::string Following(const std::string& schedule, const std::string& after, int count,
                      const TimeZone& zone = TimeZone::Utc()) {
  const auto cron = Cron::Parse(schedule);
  if (!cron) return cron.error().message;
  std::string text;
  Time at = At(after);
  for (int i = 0; i < count; ++i) {
    const auto next = cron->Next(at, At("2026-01-01T00:00:00Z"), zone);
    if (!next) return text + "never";
    text += (text.empty() ? "" : " ") + api::FormatTime(*next);
    at = *next;
  }
  return text;
}

TEST(CronTest, TheFiveFieldsMeanWhatTheyMeanEverywhere) {
  EXPECT_EQ(Following("30 3 * * *", "2026-11-21T03:30:00Z", 1), "2026-11-22T03:30:00Z");
  EXPECT_EQ(Following("*/20 8-9 * * *", "2026-11-21T08:30:00Z", 4),
            "2026-11-21T08:40:00Z 2026-11-21T09:00:00Z 2026-11-21T09:20:00Z 2026-11-21T09:40:00Z");
  EXPECT_EQ(Following("0 0 1 JAN,jul *", "2026-11-21T00:00:00Z", 2),
            "2027-01-01T00:00:00Z 2027-07-01T00:00:00Z");
  EXPECT_EQ(Following("0 12 * * SUN", "2026-11-21T00:00:00Z", 1), "2026-11-22T12:00:00Z");
  EXPECT_EQ(Following("0 12 * * 7", "2026-11-21T00:00:00Z", 1), "2026-11-22T12:00:00Z");
  EXPECT_EQ(Following("5/20 * * * *", "2026-11-21T00:06:00Z", 2),
            "2026-11-21T00:25:00Z 2026-11-21T00:45:00Z");
}

TEST(CronTest, EitherOfTwoRestrictedDaysIsEnough) {
  // The 1st, or a Monday.
  EXPECT_EQ(Following("0 0 1 * MON", "2026-11-24T00:00:00Z", 3),
            "2026-11-30T00:00:00Z 2026-12-01T00:00:00Z 2026-12-07T00:00:00Z");
  EXPECT_EQ(Following("0 0 */10 * MON", "2026-11-01T12:00:00Z", 1), "2026-12-21T00:00:00Z")
      << "a field that begins with * does not count as restricted: both must hold";
}

TEST(CronTest, NamesAndPeriods) {
  EXPECT_EQ(Following("@daily", "2026-11-21T10:00:00Z", 1), "2026-11-22T00:00:00Z");
  EXPECT_EQ(Following("@weekly", "2026-11-21T10:00:00Z", 1), "2026-11-22T00:00:00Z");
  EXPECT_EQ(Following("@monthly", "2026-11-21T10:00:00Z", 1), "2026-12-01T00:00:00Z");
  EXPECT_EQ(Following("@every 6h", "2026-01-01T00:00:00Z", 2),
            "2026-01-01T06:00:00Z 2026-01-01T12:00:00Z");
  EXPECT_EQ(Following("@every 90s", "2026-01-01T00:02:00Z", 1), "2026-01-01T00:03:00Z");
}

TEST(CronTest, LeapDaysAreFoundAndImpossibleDaysAreNever) {
  EXPECT_EQ(Following("0 0 29 2 *", "2026-11-21T00:00:00Z", 1), "2028-02-29T00:00:00Z");
  EXPECT_EQ(Following("0 0 30 2 *", "2026-11-21T00:00:00Z", 1), "never");
}

TEST(CronTest, ALocalTimeIsMeantInItsZone) {
  EXPECT_EQ(Following("30 3 * * *", "2026-11-21T00:00:00Z", 1, Berlin()), "2026-11-21T02:30:00Z");
  EXPECT_EQ(Following("30 3 * * *", "2026-07-21T00:00:00Z", 1, Berlin()), "2026-07-21T01:30:00Z");
  EXPECT_EQ(Following("0 23 * * *", "2026-11-21T00:00:00Z", 2, NewYork()),
            "2026-11-21T04:00:00Z 2026-11-22T04:00:00Z");
}

TEST(CronTest, ATimeThatTheClocksSkipRunsAtTheChange) {
  // Berlin, 29 March 2026: 02:00 becomes 03:00.
  EXPECT_EQ(Following("30 2 * * *", "2026-03-28T02:00:00Z", 2, Berlin()),
            "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z");
}

TEST(CronTest, ATimeThatTheClocksRepeatRunsOnce) {
  // Berlin, 25 October 2026: 03:00 becomes 02:00.
  EXPECT_EQ(Following("30 2 * * *", "2026-10-24T12:00:00Z", 2, Berlin()),
            "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z");
}

TEST(CronTest, AScheduleWithoutHoursRunsOnThroughClockChanges) {
  EXPECT_EQ(Following("*/30 * * * *", "2026-03-29T00:30:00Z", 3, Berlin()),
            "2026-03-29T01:00:00Z 2026-03-29T01:30:00Z 2026-03-29T02:00:00Z");
  EXPECT_EQ(Following("*/30 * * * *", "2026-10-25T00:00:00Z", 4, Berlin()),
            "2026-10-25T00:30:00Z 2026-10-25T01:00:00Z 2026-10-25T01:30:00Z 2026-10-25T02:00:00Z");
}

TEST(CronTest, ABadScheduleIsRefusedWithTheFieldAndWhatItTakes) {
  EXPECT_EQ(
      Following("61 * * * *", "2026-01-01T00:00:00Z", 1),
      "schedule: minute \"61\" must be 0 to 59, with lists (1,2), ranges (1-5) and steps (*/5)");
  EXPECT_EQ(Following("* * * *", "2026-01-01T00:00:00Z", 1),
            "schedule: want five fields (minute hour day month weekday), have 4");
  EXPECT_EQ(
      Following("@hourli", "2026-01-01T00:00:00Z", 1),
      "schedule: unknown name \"@hourli\"; use @yearly, @monthly, @weekly, @daily, @hourly or "
      "@every 6h");
  for (const char* bad :
       {"", "* * * * * *", "a * * * *", "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "* * 0 * *",
        "* * * FOO *", "* * * * 8", "@every 1s", "@every x", "-1 * * * *", "1- * * * *"}) {
    EXPECT_FALSE(Cron::Parse(bad)) << bad;
  }
}

TEST(TimeZoneTest, TheFooterCarriesOnWhereTheTableEnds) {
  const TimeZone zone = Berlin();
  const auto hour_in = [&](const char* time) {
    return std::chrono::duration_cast<std::chrono::hours>(
               zone.ToLocal(At(time)).time_since_epoch() - At(time).time_since_epoch())
        .count();
  };
  EXPECT_EQ(hour_in("2026-07-01T12:00:00Z"), 2);
  EXPECT_EQ(hour_in("2026-12-01T12:00:00Z"), 1);
  EXPECT_EQ(hour_in("2050-07-01T12:00:00Z"), 2);
}

TEST(TimeZoneTest, TheSystemsOwnFilesAreRead) {
  std::ifstream file("/usr/share/zoneinfo/America/New_York", std::ios::binary);
  if (!file) GTEST_SKIP() << "this machine has no tzdata";
  std::stringstream bytes;
  bytes << file.rdbuf();
  const auto zone = TimeZone::Parse(bytes.str());
  ASSERT_TRUE(zone) << zone.error().message;
  for (const char* time : {"2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z", "2026-11-01T05:59:59Z",
                           "2026-11-01T06:00:00Z", "2060-07-01T00:00:00Z"}) {
    EXPECT_EQ(zone->ToLocal(At(time)), NewYork().ToLocal(At(time))) << time;
  }
}

TEST(TimeZoneTest, GarbageIsRefusedAndNamesCannotLeaveTheFolder) {
  EXPECT_FALSE(TimeZone::Parse(""));
  EXPECT_FALSE(TimeZone::Parse("TZif2 and then nothing of use"));
  std::string cut = TzifOf("CET-1CEST,M3.5.0,M10.5.0/3", 3600);
  EXPECT_FALSE(TimeZone::Parse(std::string_view(cut).substr(0, 60)));
  EXPECT_TRUE(TimeZone::IsName("Europe/Berlin"));
  EXPECT_TRUE(TimeZone::IsName("Etc/GMT+5"));
  for (const char* name : {"", "/etc/passwd", "../x", "a b", "Europe/../../etc"}) {
    EXPECT_FALSE(TimeZone::IsName(name)) << name;
  }
}

}  // namespace
}  // namespace quorate::backup
