#include "backup/schedule.h"

#include <gtest/gtest.h>

#include "operator/backup/zones.h"

namespace quorate::backup {
namespace {

api::EtcdBackupSchedule Hourly() {
  api::EtcdBackupSchedule schedule;
  schedule.meta.name = "nightly";
  schedule.meta.created = At("2026-11-21T00:30:00Z");
  schedule.spec.schedule = "0 * * * *";
  return schedule;
}

ScheduleDecision At(const api::EtcdBackupSchedule& schedule, const char* now, bool active = false) {
  const auto decision = Decide(schedule, TimeZone::Utc(), active, backup::At(now));
  EXPECT_TRUE(decision) << decision.error().message;
  return decision ? *decision : ScheduleDecision();
}

std::string Text(const std::optional<Time>& time) {
  return time ? api::FormatTime(*time) : "-";
}

TEST(ScheduleTest, NothingIsDueBeforeItsTimeAndTheNextTimeIsKnown) {
  const ScheduleDecision decision = At(Hourly(), "2026-11-21T00:59:59Z");
  EXPECT_EQ(Text(decision.start), "-");
  EXPECT_EQ(Text(decision.next), "2026-11-21T01:00:00Z");
}

TEST(ScheduleTest, ARunStartsWhenItIsDueAndOnlyOnce) {
  api::EtcdBackupSchedule schedule = Hourly();
  const ScheduleDecision first = At(schedule, "2026-11-21T01:00:05Z");
  EXPECT_EQ(Text(first.start), "2026-11-21T01:00:00Z");
  EXPECT_EQ(first.missed, 0);
  schedule.status.last_schedule_time = first.last_schedule;
  EXPECT_EQ(Text(At(schedule, "2026-11-21T01:00:10Z").start), "-");
}

TEST(ScheduleTest, AfterALongSleepOneRunIsMadeAndTheOthersAreCountedAsMissed) {
  api::EtcdBackupSchedule schedule = Hourly();
  schedule.status.last_schedule_time = backup::At("2026-11-21T01:00:00Z");
  const ScheduleDecision decision = At(schedule, "2026-11-21T05:01:00Z");
  EXPECT_EQ(Text(decision.start), "2026-11-21T05:00:00Z");
  EXPECT_EQ(decision.missed, 3);
}

TEST(ScheduleTest, ARunThatCouldNotStartInTimeIsMissed) {
  const ScheduleDecision decision = At(Hourly(), "2026-11-21T01:10:01Z");
  EXPECT_EQ(Text(decision.start), "-");
  EXPECT_EQ(decision.missed, 1);
  EXPECT_EQ(Text(decision.last_schedule), "2026-11-21T01:00:00Z");
  EXPECT_EQ(Text(decision.next), "2026-11-21T02:00:00Z");
}

TEST(ScheduleTest, ForbidWaitsForTheRunBeforeUntilTheDeadline) {
  const ScheduleDecision held = At(Hourly(), "2026-11-21T01:00:05Z", true);
  EXPECT_TRUE(held.held_back);
  EXPECT_EQ(Text(held.start), "-");
  EXPECT_EQ(Text(held.last_schedule), "-") << "it may still start when the other one ends";
  EXPECT_EQ(Text(held.next), "2026-11-21T01:10:01Z");
  EXPECT_EQ(At(Hourly(), "2026-11-21T01:10:01Z", true).missed, 1);
}

TEST(ScheduleTest, ReplaceGivesTheRunBeforeUp) {
  api::EtcdBackupSchedule schedule = Hourly();
  schedule.spec.concurrency_policy = api::ConcurrencyPolicy::kReplace;
  const ScheduleDecision decision = At(schedule, "2026-11-21T01:00:05Z", true);
  EXPECT_TRUE(decision.replace_active);
  EXPECT_EQ(Text(decision.start), "2026-11-21T01:00:00Z");
}

TEST(ScheduleTest, ASuspendedScheduleNeitherRunsNorCatchesUp) {
  api::EtcdBackupSchedule schedule = Hourly();
  schedule.spec.suspend = true;
  const ScheduleDecision decision = At(schedule, "2026-11-21T09:00:05Z");
  EXPECT_EQ(Text(decision.start), "-");
  EXPECT_EQ(decision.missed, 0);
  EXPECT_EQ(Text(decision.next), "-");
  schedule.spec.suspend = false;
  schedule.status.last_schedule_time = decision.last_schedule;
  EXPECT_EQ(Text(At(schedule, "2026-11-21T09:00:10Z").start), "-");
}

TEST(ScheduleTest, YearsOfSleepDoNotTakeYearsToCount) {
  api::EtcdBackupSchedule schedule = Hourly();
  schedule.spec.schedule = "* * * * *";
  const ScheduleDecision decision = At(schedule, "2029-11-21T01:00:05Z");
  EXPECT_EQ(Text(decision.start), "2029-11-21T01:00:00Z");
  EXPECT_GE(decision.missed, 1000);
}

TEST(ScheduleTest, ABrokenScheduleIsAnErrorAndANameIsUnique) {
  api::EtcdBackupSchedule schedule = Hourly();
  schedule.spec.schedule = "every day";
  EXPECT_FALSE(Decide(schedule, TimeZone::Utc(), false, backup::At("2026-11-21T01:00:05Z")));
  EXPECT_EQ(RunName("nightly", backup::At("2026-11-21T03:00:00Z")), "nightly-20261121030000");
}

}  // namespace
}  // namespace quorate::backup
