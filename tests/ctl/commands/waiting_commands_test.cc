// The commands that wait and go on: lock, elect, make-mirror, watch -i, check perf. Ours and etcd's
// own queue with each other and watch each other.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "peers/etcd.h"
#include "support/root.h"
#include "support/wait.h"

namespace quorate {
namespace {

using test::ChildProcess;
using test::EtcdServer;
using test::Part;
using test::RunCommand;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Real etcd on purpose: these are claims about a client.
class WaitingCommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Part("etcd").empty() || Part("etcdctl").empty()) FAIL() << test::kNoEtcd;
    etcd_ = std::make_unique<EtcdServer>(Part("etcd"));
    ASSERT_TRUE(etcd_->AwaitHealthy()) << etcd_->Log();
  }

  // A command in the background; its output is in Output(name).
  std::unique_ptr<ChildProcess> Begin(const std::string& name, const std::string& program,
                                      std::vector<std::string> words) {
    words.insert(words.begin(), {program, "--endpoints=" + etcd_->endpoint()});
    return std::make_unique<ChildProcess>(words, PathOf(name));
  }
  std::string PathOf(const std::string& name) const { return scratch_.path() + "/" + name; }
  std::string Output(const std::string& name) const { return ReadAll(PathOf(name)); }
  bool AwaitOutput(const std::string& name, const std::string& part) const {
    return test::WaitFor([&] { return Output(name).find(part) != std::string::npos; });
  }
  test::CommandResult Ctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {ours_, "--endpoints=" + etcd_->endpoint()});
    return RunCommand(words);
  }
  bool AwaitKeys(const std::string& prefix, std::size_t count) const {
    return test::WaitFor([&] {
      const auto keys = Ctl({"get", prefix, "--prefix", "--print-value-only"}).out;
      return static_cast<std::size_t>(std::count(keys.begin(), keys.end(), '\n')) == count;
    });
  }

  const std::string ours_ = test::Program("etcdctl");
  const std::string theirs_ = Part("etcdctl");
  std::unique_ptr<EtcdServer> etcd_;
  test::ScratchDirectory scratch_;
};

TEST_F(WaitingCommandsTest, ALockIsHeldByOneOfOursOrOfEtcds) {
  for (const auto& [first, second] : {std::pair(ours_, theirs_), std::pair(theirs_, ours_)}) {
    const std::string holding = first == ours_ ? "ours holds" : "etcd's holds";
    const std::string waiting = second == ours_ ? "ours waits" : "etcd's waits";
    const auto holder = Begin(holding, first, {"lock", "jobs"});
    ASSERT_TRUE(AwaitOutput(holding, "jobs/")) << Output(holding);
    const auto waiter = Begin(waiting, second, {"lock", "jobs"});
    ASSERT_TRUE(AwaitKeys("jobs/", 2));
    EXPECT_EQ(Output(waiting), "");
    holder->Signal(SIGINT);
    EXPECT_EQ(holder->Wait(), 0) << Output(holding);
    ASSERT_TRUE(AwaitOutput(waiting, "jobs/")) << Output(waiting);
    waiter->Signal(SIGTERM);
    EXPECT_EQ(waiter->Wait(), 0) << Output(waiting);
    EXPECT_TRUE(AwaitKeys("jobs/", 0));
  }
}

TEST_F(WaitingCommandsTest, ALockOfOneWhoWasKilledIsFreeAfterItsTime) {
  const auto killed = Begin("killed", ours_, {"lock", "jobs", "--ttl", "2"});
  ASSERT_TRUE(AwaitOutput("killed", "jobs/"));
  killed->Signal(SIGKILL);
  const auto next = Ctl({"lock", "jobs", "echo", "mine"});
  EXPECT_EQ(next.out, "mine\n") << next.err;
}

TEST_F(WaitingCommandsTest, ALockStaysOursLongerThanItsTime) {
  const auto holder = Begin("holder", ours_, {"lock", "jobs", "--ttl", "1"});
  ASSERT_TRUE(AwaitOutput("holder", "jobs/"));
  const auto waiter = Begin("waiter", ours_, {"lock", "jobs"});
  EXPECT_FALSE(test::WaitFor([&] { return !Output("waiter").empty(); }, std::chrono::seconds(4)));
  EXPECT_TRUE(holder->Running()) << Output("holder");
}

TEST_F(WaitingCommandsTest, ALockWhoseLeaseWasRevokedSaysSo) {
  const auto holder = Begin("holder", ours_, {"lock", "jobs", "--ttl", "3"});
  ASSERT_TRUE(AwaitOutput("holder", "jobs/"));
  const std::string key = Output("holder").substr(0, Output("holder").find('\n'));
  ASSERT_EQ(Ctl({"lease", "revoke", key.substr(key.find('/') + 1)}).exit, 0);
  EXPECT_EQ(holder->Wait(), 1);
  EXPECT_TRUE(AwaitOutput("holder", "Error: session expired")) << Output("holder");
}

TEST_F(WaitingCommandsTest, ACommandRunsUnderTheLockAndItsExitIsOurs) {
  const std::vector<std::string> words = {
      "lock", "jobs", "--", "sh", "-c", "echo ${ETCD_LOCK_KEY%%/*} ${ETCD_LOCK_REV:+rev}; exit 3"};
  for (const std::string& program : {ours_, theirs_}) {
    std::vector<std::string> command = {program, "--endpoints=" + etcd_->endpoint()};
    command.insert(command.end(), words.begin(), words.end());
    const auto result = RunCommand(command);
    EXPECT_EQ(result.exit, 3) << program;
    EXPECT_EQ(result.out, "jobs rev\n") << program;
    EXPECT_EQ(result.err, "Error: exit status 3\n") << program;
    EXPECT_TRUE(AwaitKeys("jobs/", 0)) << program;
  }
}

TEST_F(WaitingCommandsTest, AnElectionHasOneLeaderWhomAllListenersSee) {
  const auto ours_listens = Begin("ours", ours_, {"elect", "chief", "-l"});
  const auto theirs_listens = Begin("theirs", theirs_, {"elect", "chief", "-l"});
  const auto first = Begin("first", ours_, {"elect", "chief", "ann"});
  ASSERT_TRUE(AwaitOutput("first", "ann\n")) << Output("first");
  const auto second = Begin("second", theirs_, {"elect", "chief", "bob"});
  ASSERT_TRUE(AwaitOutput("ours", "ann\n"));
  ASSERT_TRUE(AwaitOutput("theirs", "ann\n"));
  EXPECT_EQ(Output("second"), "");
  first->Signal(SIGINT);
  EXPECT_EQ(first->Wait(), 0) << Output("first");
  EXPECT_TRUE(AwaitOutput("second", "bob\n"));
  EXPECT_TRUE(AwaitOutput("theirs", "bob\n"));
  EXPECT_TRUE(AwaitOutput("ours", "bob\n"));
  EXPECT_EQ(Output("ours"), Output("theirs"));
  ours_listens->Signal(SIGINT);
  EXPECT_EQ(ours_listens->Wait(), 0);
}

TEST_F(WaitingCommandsTest, AMirrorHoldsWhatThePrefixHoldsAndWhatChanges) {
  EtcdServer other(test::Program("quorate-server"));
  ASSERT_TRUE(other.AwaitHealthy()) << other.Log();
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(Ctl({"put", "a/" + std::to_string(i), "v" + std::to_string(i)}).exit, 0);
  }
  ASSERT_EQ(Ctl({"put", "b/elsewhere", "not to be copied"}).exit, 0);
  const auto mirror = Begin("mirror", ours_,
                            {"make-mirror", "--prefix", "a/", "--dest-prefix", "copy/",
                             "--max-txn-ops", "7", other.endpoint()});
  const auto there = [&] {
    return RunCommand({ours_, "--endpoints=" + other.endpoint(), "get", "", "--prefix"}).out;
  };
  ASSERT_TRUE(test::WaitFor([&] { return there().find("copy/9\nv9\n") != std::string::npos; }))
      << Output("mirror");
  ASSERT_EQ(Ctl({"put", "a/late", "x"}).exit, 0);
  ASSERT_EQ(Ctl({"del", "a/1", "a/2"}).exit, 0);
  ASSERT_EQ(Ctl({"put", "a/later", "y"}).exit, 0);
  ASSERT_TRUE(test::WaitFor([&] { return there().find("copy/later\ny\n") != std::string::npos; }));
  std::string expected;
  const std::string here = Ctl({"get", "a/", "--prefix"}).out;
  for (std::size_t at = 0; at < here.size();) {
    const std::size_t end = here.find('\n', here.find('\n', at) + 1) + 1;
    expected += "copy/" + here.substr(at + 2, end - at - 2);
    at = end;
  }
  EXPECT_EQ(there(), expected);
  mirror->Signal(SIGINT);
  EXPECT_EQ(mirror->Wait(), 0) << Output("mirror");
}

TEST_F(WaitingCommandsTest, TypedWatchesRunSideBySide) {
  ASSERT_EQ(Ctl({"put", "k", "v"}).exit, 0);
  const std::string pipe = PathOf("pipe");
  const std::string script = "mkfifo " + pipe + " && exec " + ours_ +
                             " --endpoints=" + etcd_->endpoint() + " watch -i < " + pipe;
  const auto watch = std::make_unique<ChildProcess>(
      std::vector<std::string>{"/bin/sh", "-c", script}, PathOf("watch"));
  ASSERT_TRUE(test::WaitFor([&] { return access(pipe.c_str(), F_OK) == 0; }));
  std::ofstream typed(pipe);
  typed << "nonsense\nwatch k --rev 1\nwatch p --prefix -- sh -c 'echo ran $ETCD_WATCH_KEY'\n"
        << std::flush;
  ASSERT_TRUE(AwaitOutput("watch", "PUT\nk\nv\n")) << Output("watch");
  EXPECT_TRUE(test::WaitFor([&] {
    return Ctl({"put", "p1", "x"}).exit == 0 &&
           Output("watch").find("PUT\np1\nx\nran \"p1\"\n") != std::string::npos;
  })) << Output("watch");
  typed << "progress\n" << std::flush;
  EXPECT_TRUE(AwaitOutput("watch", "progress notify: ")) << Output("watch");
  EXPECT_TRUE(AwaitOutput("watch", "Invalid command nonsense (only support watch)\n"));
  typed.close();
  EXPECT_EQ(watch->Wait(), 3);
  EXPECT_TRUE(AwaitOutput("watch", "Error: error reading watch request line: EOF\n"));
}

TEST_F(WaitingCommandsTest, AnInterruptedCheckLeavesNoKeyBehind) {
  const auto check = Begin("check", ours_, {"check", "perf", "--prefix", "perf/"});
  ASSERT_TRUE(test::WaitFor([&] {
    return Ctl({"get", "perf/", "--prefix", "--limit", "1"}).out.size() > 1000;
  }));
  check->Signal(SIGINT);
  EXPECT_EQ(check->Wait(), 5) << Output("check");
  EXPECT_EQ(Ctl({"get", "perf/", "--prefix"}).out, "");
}

}  // namespace
}  // namespace quorate
