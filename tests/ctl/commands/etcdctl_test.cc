// Our etcdctl against etcd's own: the same commands against two fresh servers with the same ids;
// exit code, standard output and error lines must be equal byte for byte.
#include <regex>
#include <sstream>

#include "peers/etcd.h"
#include "support/root.h"

namespace quorate {
namespace {

using test::CommandResult;
using test::EtcdServer;
using test::Part;
using test::RunCommand;

struct Line {
  std::vector<std::string> words;
  std::string input = "";
};

const std::string kTxn =
    "mod(\"k\") > \"0\"\nvalue(\"k\") = \"v3\"\nversion(\"none\") = \"0\"\n\n"
    "put k \"new value\"\nget k\nget \"\" --prefix --limit 2\ndel k3 --prev-kv\n\nput fail 1\n\n";

// What is expected to be the same. Ids of leases and new members are drawn by the server, so later
// lines do not use them.
const std::vector<Line> kLines = {
    {{"put", "k", "v"}},
    {{"put", "k", "v2", "--prev-kv"}},
    {{"put", "k2"}, "from\nstdin"},
    {{"put", "--", "dash", "-v"}},
    {{"put", "bin", "a\tb\"\\\xff\xc3\xa9\x01"}},
    {{"put", "k", "v3", "-w", "json", "--prev-kv"}},
    {{"put", "k", "v3", "-w", "fields", "--prev-kv"}},
    {{"put", "k", "v3", "-w", "table"}},
    {{"put", "get", "member"}},
    {{"put"}},
    {{"put", "", "v"}},
    {{"put", "k", "v", "--lease=zz"}},
    {{"put", "k", "v", "--lease=123"}},
    {{"put", "k", "--ignore-value"}},
    {{"put", "nokey", "--ignore-value"}},
    {{"get", "k"}},
    {{"get", "k", "--hex"}},
    {{"get", "k", "-w", "json"}},
    {{"get", "k", "-w=json"}},
    {{"get", "k", "-w", "fields", "--hex"}},
    {{"get", "k", "-w", "protobuf"}},
    {{"get", "k", "-w", "table"}},
    {{"get", "k", "-w", "nonsense"}},
    {{"get", "bin", "-w", "fields"}},
    {{"get", "bin", "-w", "json"}},
    {{"get", "", "--prefix"}},
    {{"get", "", "--prefix", "--keys-only"}},
    {{"get", "", "--prefix", "--print-value-only"}},
    {{"get", "", "--prefix", "--count-only"}},
    {{"get", "", "--prefix", "--count-only", "-w", "fields"}},
    {{"get", "k", "--from-key", "--limit", "1", "-w", "json"}},
    {{"get", "a", "l", "--order", "DESCEND", "--sort-by=modify"}},
    {{"get", "k", "--rev", "2"}},
    {{"get", "k", "--rev", "200"}},
    {{"get", "k", "--consistency=s"}},
    {{"get", "k", "--consistency=x"}},
    {{"get", "k", "--order", "up"}},
    {{"get", "k", "--sort-by", "size"}},
    {{"get", "k", "z", "--prefix"}},
    {{"get", "k", "--prefix", "--from-key"}},
    {{"get", "k", "--keys-only", "--count-only"}},
    {{"get", "k", "--print-value-only", "-w", "json"}},
    {{"get"}},
    {{"get", "nothing"}},
    {{"get", "nothing", "-w", "json"}},
    {{"txn"}, kTxn},
    {{"txn", "-w", "json"}, kTxn},
    {{"txn", "-w", "fields"}, kTxn},
    {{"txn", "-w", "table"}, kTxn},
    {{"txn", "-i"}, "mod(\"k\") < \"0\"\n\nput k a\n\nget k\nget nothing\nput f x\ndel f2\n\n"},
    {{"txn"}, "foo\n\n\n\n"},
    {{"txn"}, "mod(\"k\") > \"x\"\n\n\n\n"},
    {{"txn"}, "mod(\"k\") > \"0\"\n"},
    {{"txn"}, "\nput k\n\n\n"},
    {{"txn"}, "\nput k a\nput k b\n\n\n"},
    {{"txn", "extra"}},
    {{"del", "k2", "--prev-kv"}},
    {{"del", "bin", "-w", "json", "--prev-kv"}},
    {{"del", "get", "-w", "fields", "--prev-kv"}},
    {{"del", "nothing"}},
    {{"del"}},
    {{"del", "a", "b", "c"}},
    {{"lease", "grant", "600"}},
    {{"lease", "grant", "600", "-w", "json"}},
    {{"lease", "grant"}},
    {{"lease", "grant", "x"}},
    {{"lease", "revoke", "1"}},
    {{"lease", "revoke", "zz"}},
    {{"lease", "timetolive", "1"}},
    {{"lease", "timetolive", "1", "-w", "json", "--keys"}},
    {{"lease", "timetolive", "1", "-w", "fields"}},
    {{"lease", "timetolive"}},
    {{"lease", "keep-alive", "--once", "1"}},
    {{"member", "list"}},
    {{"member", "list", "-w", "json"}},
    {{"member", "list", "-w", "json", "--hex"}},
    {{"member", "list", "-w", "fields"}},
    {{"member", "list", "-w", "table"}},
    {{"member", "add"}},
    {{"member", "add", "x"}},
    {{"member", "add", "x", "--peer-urls=foo"}},
    {{"member", "add", "x", "--peer-urls=http://127.0.0.1:1", "-w", "table", "--learner"}},
    {{"member", "update", "1"}},
    {{"member", "update", "1", "--peer-urls=http://a:1"}},
    {{"member", "promote", "1"}},
    {{"member", "remove", "1"}},
    {{"member", "remove", "zz"}},
    {{"member", "remove"}},
    {{"endpoint", "status"}},
    {{"endpoint", "status", "-w", "json"}},
    {{"endpoint", "status", "-w", "fields"}},
    {{"endpoint", "status", "-w", "table"}},
    {{"endpoint", "health"}},
    {{"endpoint", "health", "-w", "json", "--cluster"}},
    {{"endpoint", "health", "-w", "fields"}},
    {{"endpoint", "hashkv"}},
    {{"endpoint", "hashkv", "-w", "json", "--rev", "3"}},
    {{"endpoint", "hashkv", "-w", "fields"}},
    {{"endpoint", "hashkv", "-w", "table", "--cluster"}},
    {{"alarm", "list"}},
    {{"alarm", "list", "-w", "json"}},
    {{"alarm", "disarm", "-w", "json"}},
    {{"defrag"}},
    {{"move-leader"}},
    {{"move-leader", "zz"}},
    {{"move-leader", "1"}},
    {{"snapshot", "save"}},
    {{"compaction", "5"}},
    {{"compaction", "5"}},
    {{"compaction", "6", "--physical"}},
    {{"compaction"}},
    {{"compaction", "x"}},
    {{"compaction", "10000"}},
    {{"get", "k", "--rev", "2"}},
    {{"watch", "k", "--rev", "2"}},
    {{"watch", "k", "--rev", "2", "-w", "json"}},
    {{"watch"}},
    {{"watch", "-i"}, "\nfoo\nwatch\n"},
    {{"lock"}},
    {{"elect"}},
    {{"elect", "x"}},
    {{"elect", "x", "y", "-l"}},
    {{"make-mirror"}},
    {{"make-mirror", "--prefix", "a", "--dest-prefix", "b", "--no-dest-prefix", "127.0.0.1:1"}},
    {{"check", "perf", "--load", "zz"}},
    {{"put", "/etcdctl-check-perf/k", "v"}},
    {{"check", "perf"}},
};

// Everything that a clock or a random number decides.
std::string Masked(std::string text) {
  static const std::vector<std::pair<std::regex, std::string>> kMasks = {
      {std::regex("[0-9.]+(ms|µs|s)\\b"), "DURATION"},
      {std::regex(" +DURATION +\\|"), " DURATION |"},
      {std::regex("lease [0-9a-f]{16} granted"), "lease ID granted"},
      {std::regex("\"ID\":[0-9]+,\"TTL\""), "\"ID\":N,\"TTL\""},
      {std::regex("2[0-9] kB, 1?[0-9]+ kB, [0-9]+%"), "SIZES"},
      {std::regex("(\"?[dD][bB]Size(InUse)?\" ?: ?)[0-9]+"), "$1N"},
      {std::regex("\\| +2[0-9] kB \\| +[0-9]+ kB \\| +[0-9]+% \\|"), "| SIZES |"},
  };
  for (const auto& [pattern, replacement] : kMasks) {
    text = std::regex_replace(text, pattern, replacement);
  }
  return text;
}

// etcd's client logs its retries as JSON lines; what a user reads are the others.
std::string ErrorLines(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("{")) out += line + "\n";
  }
  return out;
}

std::string Transcript(const std::string& program, const EtcdServer& etcd, const Line& line) {
  std::vector<std::string> command = {program, "--endpoints=" + etcd.endpoint()};
  command.insert(command.end(), line.words.begin(), line.words.end());
  const CommandResult result = RunCommand(command, line.input);
  return Masked("exit " + std::to_string(result.exit) + "\n" + result.out + "----\n" +
                ErrorLines(result.err));
}

bool IsStatus(const Line& line) {
  return line.words.size() > 1 && line.words[0] == "endpoint" && line.words[1] == "status";
}

std::string Shown(const Line& line) {
  std::string text = "etcdctl";
  for (const auto& word : line.words) text += " " + word;
  return text + (line.input.empty() ? "" : " <<\n" + line.input);
}

TEST(EtcdctlTest, EveryCommandPrintsWhatEtcdctlPrints) {
  if (Part("etcd").empty() || Part("etcdctl").empty()) FAIL() << test::kNoEtcd;
  const EtcdServer::Ports ports;
  std::vector<std::string> expected;
  {
    EtcdServer etcd(Part("etcd"), {}, ports);
    ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
    for (const auto& line : kLines) expected.push_back(Transcript(Part("etcdctl"), etcd, line));
  }
  EtcdServer etcd(Part("etcd"), {}, ports);
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  for (std::size_t i = 0; i < kLines.size(); ++i) {
    EXPECT_EQ(Transcript(test::Program("etcdctl"), etcd, kLines[i]), expected[i])
        << Shown(kLines[i]);
  }
}

// etcd's own etcdctl cannot tell our server from etcd, but for what a database's size and a log's
// length come to.
TEST(EtcdctlTest, OurServerAnswersEtcdctlAsEtcdDoes) {
  if (Part("etcd").empty() || Part("etcdctl").empty()) FAIL() << test::kNoEtcd;
  const EtcdServer::Ports ports;
  std::vector<std::string> expected;
  {
    EtcdServer etcd(Part("etcd"), {}, ports);
    ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
    for (const auto& line : kLines) expected.push_back(Transcript(Part("etcdctl"), etcd, line));
  }
  EtcdServer ours(test::Program("quorate-server"), {}, ports);
  ASSERT_TRUE(ours.AwaitHealthy()) << ours.Log();
  for (std::size_t i = 0; i < kLines.size(); ++i) {
    const std::string transcript = Transcript(Part("etcdctl"), ours, kLines[i]);
    if (IsStatus(kLines[i])) continue;
    EXPECT_EQ(transcript, expected[i]) << Shown(kLines[i]);
  }
}

TEST(EtcdctlTest, ASavedSnapshotSatisfiesEtcdutl) {
  if (Part("etcd").empty() || Part("etcdutl").empty()) FAIL() << test::kNoEtcd;
  EtcdServer etcd(Part("etcd"));
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  const test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/s.db";
  const std::string ours = test::Program("etcdctl");
  ASSERT_EQ(RunCommand({ours, "--endpoints", etcd.endpoint(), "put", "k", "v"}).exit, 0);
  const auto saved = RunCommand({ours, "--endpoints", etcd.endpoint(), "snapshot", "save", path});
  EXPECT_EQ(saved.out, "Snapshot saved at " + path + "\nServer version 3.6.0\n") << saved.err;
  const auto status = RunCommand({Part("etcdutl"), "snapshot", "status", path});
  EXPECT_EQ(status.exit, 0) << status.err;
  EXPECT_THAT(status.out, testing::HasSubstr(", 2, 1, "));
}

TEST(EtcdctlTest, ADeadEndpointIsNamedWithTheReason) {
  const auto result = RunCommand(
      {test::Program("etcdctl"), "--endpoints=127.0.0.1:1", "--command-timeout=200ms", "get", "k"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, testing::StartsWith("Error: context deadline exceeded: 127.0.0.1:1: "));
  EXPECT_THAT(result.err, testing::HasSubstr("Connection refused"));
}

TEST(EtcdctlTest, AFlagAndItsVariableTogetherAreRefused) {
  const auto result = RunCommand({test::Program("etcdctl"), "--endpoints=127.0.0.1:1", "get", "k"},
                                 "", {{"ETCDCTL_ENDPOINTS", "127.0.0.1:2"}});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err,
              testing::HasSubstr("conflicting environment variable \"ETCDCTL_ENDPOINTS\""));
}

TEST(EtcdctlTest, WatchRunsACommandForEachEvent) {
  if (Part("etcd").empty()) FAIL() << test::kNoEtcd;
  EtcdServer etcd(Part("etcd"));
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  const std::string ours = test::Program("etcdctl");
  ASSERT_EQ(RunCommand({ours, "--endpoints", etcd.endpoint(), "put", "k", "v"}).exit, 0);
  const auto result =
      RunCommand({ours, "--endpoints", etcd.endpoint(), "watch", "k", "--rev=1", "--", "sh", "-c",
                  "echo seen $ETCD_WATCH_KEY $ETCD_WATCH_VALUE; exit 3"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.out, "PUT\nk\nv\nseen \"k\" \"v\"\n");
}

}  // namespace
}  // namespace quorate
