#include "backup/run.h"

#include <gtest/gtest.h>

#include "operator/backup/zones.h"

namespace quorate::backup {
namespace {

using api::BackupPhase;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kGoodReport =
    R"({"location":"db/a/u/20261121T030000Z-7","revision":7,"sizeBytes":90,"storedBytes":30,)"
    R"("sha256":"ab","clusterId":"cafe","member":"a-1","serverVersion":"0.1.0"})";

// Plays controller and kubelet: one backup, its pods, and the clock.
class Runner {
 public:
  Runner() {
    input_.backup.meta.name = "b";
    input_.backup.meta.created = input_.now = At("2026-11-21T03:00:00Z");
    input_.backup.spec.retries = 1;
  }

  RunDecision Pass() {
    RunDecision decision = DecideRun(input_);
    input_.backup.status = decision.status;
    if (decision.action == RunAction::kCreatePod) input_.pod = RunPod{decision.pod, {}, {}, "", ""};
    if (decision.action == RunAction::kDeletePod) input_.pod.reset();
    return decision;
  }
  void End(RunPodPhase phase, const std::string& report) {
    input_.pod->phase = phase;
    input_.pod->report = report;
    input_.pod->finished = input_.now;
  }
  void Later(seconds time) { input_.now += time; }
  void Block(const std::string& why) { input_.blocked = why; }
  void LosePod() { input_.pod.reset(); }
  const api::BackupStatus& status() const { return input_.backup.status; }
  bool has_pod() const { return input_.pod.has_value(); }

 private:
  RunInput input_;
};

TEST(RunTest, AGoodReportCompletesTheBackupAndThePodGoes) {
  Runner run;
  EXPECT_EQ(run.Pass().pod, "b-1");
  EXPECT_EQ(run.status().phase, BackupPhase::kRunning);
  run.End(RunPodPhase::kSucceeded, kGoodReport);
  run.Pass();
  EXPECT_EQ(run.status().phase, BackupPhase::kCompleted);
  EXPECT_EQ(run.status().revision, 7);
  EXPECT_EQ(run.status().location, "db/a/u/20261121T030000Z-7");
  EXPECT_EQ(run.status().member, "a-1");
  EXPECT_FALSE(run.has_pod());
  EXPECT_EQ(run.Pass().action, RunAction::kNothing);
}

TEST(RunTest, AFailureIsTriedAgainAfterAPauseAndThenGivenUpWithItsReason) {
  Runner run;
  run.Pass();
  run.End(RunPodPhase::kFailed, R"({"reason":"AccessDenied","message":"store s: access denied"})");
  const RunDecision paused = run.Pass();
  EXPECT_EQ(paused.action, RunAction::kNothing);
  EXPECT_EQ(run.status().message, "store s: access denied");
  ASSERT_TRUE(paused.look_again);
  run.Later(seconds(10));
  EXPECT_EQ(run.Pass().pod, "b-2");
  EXPECT_EQ(run.status().attempt, 2);
  run.End(RunPodPhase::kFailed, R"({"reason":"AccessDenied","message":"store s: access denied"})");
  run.Pass();
  EXPECT_EQ(run.status().phase, BackupPhase::kFailed);
  EXPECT_EQ(run.status().reason, "AccessDenied");
}

TEST(RunTest, ASuccessWithoutAReportIsNoBackup) {
  Runner run;
  run.Pass();
  run.End(RunPodPhase::kSucceeded, "");
  run.Pass();
  EXPECT_EQ(run.status().phase, BackupPhase::kRunning);
  EXPECT_EQ(run.status().message, "the backup pod ended without a report");
}

TEST(RunTest, APodThatVanishedIsMadeAgainUnderTheSameName) {
  Runner run;
  run.Pass();
  run.LosePod();
  EXPECT_EQ(run.Pass().pod, "b-1");
}

TEST(RunTest, WhatBlocksTheStartIsSaidAndGivenUpAtTheDeadline) {
  Runner run;
  run.Block("store nas does not exist in namespace db; create it or name another one");
  run.Pass();
  EXPECT_EQ(run.status().phase, BackupPhase::kPending);
  EXPECT_EQ(run.status().message,
            "store nas does not exist in namespace db; create it or name another one");
  run.Later(minutes(31));
  run.Pass();
  EXPECT_EQ(run.status().phase, BackupPhase::kFailed);
  EXPECT_EQ(run.status().reason, "CouldNotStart");
}

TEST(RunTest, AttemptsThatNeverEndAreGivenUp) {
  Runner run;
  run.Pass();
  run.Later(minutes(90));
  run.Pass();
  EXPECT_EQ(run.status().reason, "DeadlineExceeded");
  EXPECT_FALSE(run.has_pod());
}

TEST(RunReportTest, AnythingButACompleteReportIsNotGood) {
  EXPECT_TRUE(ParseReport(kGoodReport).good);
  for (const char* bad : {"", "terminate called", "[]", R"({"location":"x"})", R"({"revision":7})",
                          R"({"location":"x","revision":"7"})"}) {
    EXPECT_FALSE(ParseReport(bad).good) << bad;
  }
}

}  // namespace
}  // namespace quorate::backup
