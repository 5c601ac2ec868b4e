#include "config/parse.h"

#include "config/flag_table.h"
#include "config/validate.h"

namespace quorate::config {
namespace {

using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

Options MustParse(const Arguments& arguments, const Environment& environment = {}) {
  ParseOutcome outcome = ParseCommandLine(arguments, environment);
  for (const ParseError& error : outcome.errors) ADD_FAILURE() << error.message;
  return outcome.options;
}

ParseError MustFail(const Arguments& arguments, const Environment& environment = {}) {
  const ParseOutcome outcome = ParseCommandLine(arguments, environment);
  if (outcome.errors.empty()) {
    ADD_FAILURE() << "no error";
    return {};
  }
  return outcome.errors.front();
}

TEST(ParseTest, TakesOneOrTwoDashesAndEqualsOrSpace) {
  EXPECT_EQ(MustParse({"--name=a"}).name, "a");
  EXPECT_EQ(MustParse({"-name=a"}).name, "a");
  EXPECT_EQ(MustParse({"--name", "a"}).name, "a");
  EXPECT_EQ(MustParse({"-name", "a"}).name, "a");
}

TEST(ParseTest, ABooleanMayStandAloneAndNeedsEqualsToBeFalse) {
  EXPECT_TRUE(MustParse({"--force-new-cluster"}).force_new_cluster);
  EXPECT_FALSE(MustParse({"--pre-vote=false"}).pre_vote);
  EXPECT_EQ(MustFail({"--pre-vote", "false"}).message, "\"false\" is not a valid flag");
}

TEST(ParseTest, ReadsTheEnvironment) {
  EXPECT_EQ(MustParse({}, {{"ETCD_DATA_DIR", "/d"}}).data_dir, "/d");
  EXPECT_TRUE(MustParse({}, {{"QUORATE_FORBID_BOOTSTRAP", "true"}}).forbid_bootstrap);
}

TEST(ParseTest, AFlagGivenBothWaysIsAnError) {
  const ParseError error = MustFail({"--data-dir=/a"}, {{"ETCD_DATA_DIR", "/b"}});
  EXPECT_THAT(error.message,
              testing::HasSubstr("is shadowed by corresponding command-line flag (either unset "
                                 "environment variable or disable flag)"));
  EXPECT_EQ(error.exit_code, 1);
}

TEST(ParseTest, AnUnknownVariableIsOnlyAWarning) {  // Kubernetes sets these for a service "etcd"
  EXPECT_THAT(MustParse({}, {{"ETCD_PORT", "tcp://10.0.0.1:2379"}}).warnings,
              testing::ElementsAre("unrecognized environment variable ETCD_PORT"));
}

TEST(ParseTest, AnUnknownFlagExitsTwo) {
  const ParseError error = MustFail({"--no-such"});
  EXPECT_EQ(error.exit_code, 2);
  EXPECT_THAT(error.message, testing::StartsWith("flag provided but not defined: -no-such"));
}

TEST(ParseTest, RefusesAFlagThatIsNotSupportedYetUnlessItAsksForNothing) {
  EXPECT_THAT(MustFail({"--cert-file=/x"}).message, testing::HasSubstr("not supported yet"));
  EXPECT_THAT(MustFail({"--client-cert-auth"}).message, testing::HasSubstr("TLS"));
  MustParse({"--client-cert-auth=false", "--auto-compaction-retention=0"});
}

TEST(ParseTest, TakesTheExperimentalSpellingWithAWarning) {
  const Options options = MustParse({"--experimental-watch-progress-notify-interval=5s"});
  EXPECT_EQ(options.watch_progress_notify_interval, std::chrono::seconds(5));
  EXPECT_EQ(options.warnings.size(), 1U);
  EXPECT_THAT(
      MustFail({"--compaction-batch-limit=1", "--experimental-compaction-batch-limit=2"}).message,
      testing::HasSubstr("at the same time"));
}

TEST(ParseTest, FeatureGatesOfEtcdAreKnownAndWhatIsNotBuiltIsRefused) {
  EXPECT_TRUE(MustParse({}).initial_corrupt_check) << "checks are on unless switched off";
  EXPECT_TRUE(MustParse({}).compact_hash_check);
  const Options off =
      MustParse({"--feature-gates=InitialCorruptCheck=false,CompactHashCheck=false"});
  EXPECT_FALSE(off.initial_corrupt_check);
  EXPECT_FALSE(off.compact_hash_check);
  EXPECT_TRUE(
      MustParse({"--feature-gates=InitialCorruptCheck=true,AllBeta=true"}).initial_corrupt_check);
  EXPECT_FALSE(MustParse({"--experimental-initial-corrupt-check=false"}).initial_corrupt_check);
  EXPECT_THAT(MustFail({"--feature-gates=LeaseCheckpoint=true"}).message,
              testing::HasSubstr("not supported yet"));
  EXPECT_THAT(MustFail({"--feature-gates=Nonsense=true"}).message,
              testing::HasSubstr("unrecognized feature gate: Nonsense"));
  EXPECT_THAT(MustFail({"--feature-gates=InitialCorruptCheck"}).message,
              testing::HasSubstr("missing bool value"));
  EXPECT_THAT(MustFail({"--compact-hash-check-time=0s"}).message, testing::HasSubstr("above zero"));
}

TEST(ParseTest, AutoCompactionIsHoursADurationOrRevisions) {
  const auto complete = [](const std::string& mode, const std::string& retention) {
    Options options =
        MustParse({"--auto-compaction-mode=" + mode, "--auto-compaction-retention=" + retention});
    const Status status = Complete(options);
    EXPECT_EQ(status.ok(),
              mode != "never" && retention != "x" && !(mode == "revision" && retention == "5m"));
    return options;
  };
  EXPECT_EQ(complete("periodic", "3").auto_compaction_period, std::chrono::hours(3));
  EXPECT_EQ(complete("periodic", "5m").auto_compaction_period, std::chrono::minutes(5));
  EXPECT_EQ(complete("periodic", "0").auto_compaction_period.count(), 0);
  EXPECT_EQ(complete("revision", "1000").auto_compaction_revisions, 1000);
  complete("revision", "5m");
  complete("periodic", "x");
  complete("never", "1");
}

TEST(ParseTest, AFlagWithoutEffectSaysSo) {
  EXPECT_THAT(MustParse({"--backend-batch-limit=5"}).warnings,
              testing::ElementsAre(testing::HasSubstr("--backend-batch-limit has no effect")));
}

TEST(ParseTest, EveryWorkingFlagRefusesGarbageOrIsAText) {
  for (const Flag& flag : Flags()) {
    if (flag.kind != FlagKind::kWorks) continue;
    Options options;
    const Status status = SetFlag(options, flag, "\x01 garbage");
    if (status.ok()) continue;
    EXPECT_THAT(status.error().message, testing::HasSubstr(std::string(flag.name)));
  }
}

TEST(ParseTest, EveryDefaultShownInHelpIsTheDefaultInForce) {
  for (const Flag& flag : Flags()) {
    if (flag.kind != FlagKind::kWorks || flag.default_text.find('<') != std::string_view::npos ||
        flag.default_text.empty() || flag.set == nullptr) {
      continue;
    }
    Options options;
    EXPECT_TRUE(SetFlag(options, flag, flag.default_text).ok()) << flag.name;
  }
}

TEST(ParseTest, HelpNamesEveryFlag) {
  const std::string help = HelpText();
  for (const Flag& flag : Flags()) EXPECT_THAT(help, testing::HasSubstr(std::string(flag.name)));
}

}  // namespace
}  // namespace quorate::config
