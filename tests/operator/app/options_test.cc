#include "config/options.h"

#include <gtest/gtest.h>

namespace quorate::config {
namespace {

std::string MessageOf(const std::vector<std::string>& arguments) {
  const auto options = ParseOptions(arguments, {});
  return options.ok() ? "" : options.error().message;
}

TEST(OperatorOptionsTest, DefaultsAreWhatTheChartExpects) {
  const auto options = ParseOptions({}, {{"POD_NAME", "op-1"}, {"POD_NAMESPACE", "q"}});
  ASSERT_TRUE(options.ok());
  EXPECT_TRUE(options->leader_elect);
  EXPECT_EQ(options->metrics_bind_address, ":8080");
  EXPECT_EQ(options->health_probe_bind_address, ":8081");
  EXPECT_EQ(options->pod_name, "op-1");
  EXPECT_EQ(options->pod_namespace, "q");
}

TEST(OperatorOptionsTest, FlagsComeWithAndWithoutEquals) {
  const auto options = ParseOptions({"--log-level=debug", "--kubeconfig", "/k", "--leader-elect",
                                     "--namespaces=a,,b", "--poll-period=500s"},
                                    {});
  EXPECT_FALSE(options.ok());
  const auto good = ParseOptions({"--log-level=debug", "--kubeconfig", "/k", "--leader-elect=false",
                                  "--namespaces=a,,b", "--poll-period=1500ms"},
                                 {});
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(good->log_level, "debug");
  EXPECT_EQ(good->kubeconfig, "/k");
  EXPECT_FALSE(good->leader_elect);
  EXPECT_EQ(good->namespaces, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(good->poll_period, std::chrono::milliseconds(1500));
}

TEST(OperatorOptionsTest, AFlagWinsOverItsVariable) {
  const Environment environment{{"QUORATE_OPERATOR_LOG_LEVEL", "warn"},
                                {"QUORATE_OPERATOR_WORKERS", "9"}};
  const auto options = ParseOptions({"--log-level=error"}, environment);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->log_level, "error");
  EXPECT_EQ(options->workers, 9);
}

TEST(OperatorOptionsTest, MistakesSayWhatTheFlagTakes) {
  EXPECT_EQ(MessageOf({"--workers=0"}), "--workers: '0' is not N; see --help");
  EXPECT_EQ(MessageOf({"--log-level=loud"}),
            "--log-level: 'loud' is not debug|info|warn|error; see --help");
  EXPECT_EQ(MessageOf({"--kubeconfig"}), "--kubeconfig takes FILE; see --help");
  EXPECT_EQ(MessageOf({"serve"}), "unknown argument 'serve'; see --help");
  EXPECT_EQ(MessageOf({"--leader-elect=maybe"}),
            "--leader-elect: 'maybe' is not true or false; see --help");
  EXPECT_NE(MessageOf({"--leader-elect-renew-deadline=20s"}), "");
  EXPECT_NE(MessageOf({"--leader-elect-lease-duration=12500ms"}), "");
}

TEST(OperatorOptionsTest, HelpNamesEveryFlagWithinNinetySixColumns) {
  const std::string help = HelpText();
  for (const char* flag : {"--kubeconfig=FILE", "--namespaces=A,B,...", "--leader-elect\n",
                           "--server-image-repository=", "--health-probe-bind-address="}) {
    EXPECT_NE(help.find(flag), std::string::npos) << flag;
  }
  std::size_t begin = 0;
  while (begin < help.size()) {
    const std::size_t end = help.find('\n', begin);
    EXPECT_LE(end - begin, 96U) << help.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace quorate::config
