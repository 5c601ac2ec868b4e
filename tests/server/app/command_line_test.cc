// The program itself: what it prints and how it ends before it runs.

#include "peers/process.h"
#include "support/root.h"

namespace quorate::test {
namespace {

CommandResult Server(const std::vector<std::string>& flags,
                     const std::map<std::string, std::string>& environment = {}) {
  std::vector<std::string> command = {Program("quorate-server")};
  command.insert(command.end(), flags.begin(), flags.end());
  return RunCommand(command, "", environment);
}

TEST(CommandLineTest, VersionAnswersAsEtcd36WithOurOwnBesideIt) {
  const CommandResult result = Server({"--version"});
  EXPECT_EQ(result.exit, 0);
  EXPECT_THAT(result.out, testing::StartsWith("etcd Version: 3.6.14\nGit SHA: "));
  EXPECT_THAT(result.out, testing::HasSubstr("\nGo OS/Arch: linux/"));
  EXPECT_THAT(result.out, testing::HasSubstr("\nQuorate Version: 0.1.0\n"));
}

TEST(CommandLineTest, HelpFitsTheScreenAndExitsZero) {
  const CommandResult result = Server({"-h"});
  EXPECT_EQ(result.exit, 0);
  EXPECT_THAT(result.out, testing::HasSubstr("--initial-cluster-state 'new'"));
  EXPECT_THAT(result.out, testing::HasSubstr("--quorate-forbid-bootstrap"));
}

TEST(CommandLineTest, ABadCommandLineSaysWhatToDo) {
  CommandResult result = Server({"--no-such-flag"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, testing::HasSubstr("flag provided but not defined: -no-such-flag"));

  result = Server({"positional"});
  EXPECT_EQ(result.exit, 14);
  EXPECT_THAT(result.err, testing::HasSubstr("is not a valid flag"));

  result = Server({"--cert-file=/x"});
  EXPECT_EQ(result.exit, 14);
  EXPECT_THAT(result.err, testing::HasSubstr("TLS is not supported yet; remove the flag"));

  result = Server({"--data-dir=/a"}, {{"ETCD_DATA_DIR", "/b"}});
  EXPECT_EQ(result.exit, 14);
  EXPECT_THAT(result.err, testing::HasSubstr("is shadowed by corresponding command-line flag"));

  result = Server({"--config-file=/no/such/file"});
  EXPECT_EQ(result.exit, 14);
  EXPECT_THAT(result.err, testing::HasSubstr("cannot read --config-file /no/such/file"));
}

TEST(CommandLineTest, AnAddressInUseIsNamed) {
  const CommandResult result =
      Server({"--listen-peer-urls=http://203.0.113.1:1", "--data-dir=/tmp/never-made"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, testing::HasSubstr("203.0.113.1:1"));
}

}  // namespace
}  // namespace quorate::test
