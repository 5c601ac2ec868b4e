// Status and restore next to real etcdutl; what we restore starts under real etcd.
#include "peers/etcd.h"

#include <gtest/gtest.h>

#include "io/real_disk.h"
#include "offline/restore.h"
#include "offline/snapshot_status.h"
#include "peers/process.h"
#include "support/root.h"
#include "support/wait.h"

namespace quorate::offline {
namespace {

using test::Part;
using test::RunCommand;

std::string Url(int port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

std::string TheirStatus(const std::string& path) {
  return RunCommand({Part("etcdutl"), "snapshot", "status", path, "-w", "json"}).out;
}

class RestoreEtcdTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Part("etcd").empty()) FAIL() << test::kNoEtcd;
    test::EtcdServer etcd(Part("etcd"));
    ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
    for (int i = 0; i < 25; ++i) Ctl(etcd.endpoint(), {"put", "key" + std::to_string(i % 20), "v"});
    Ctl(etcd.endpoint(), {"del", "key3"});
    Ctl(etcd.endpoint(), {"snapshot", "save", saved_});
  }
  static std::string Ctl(const std::string& endpoint, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Part("etcdctl"), "--endpoints", endpoint});
    const auto run = RunCommand(arguments);
    EXPECT_EQ(run.exit, 0) << run.err;
    return run.out;
  }
  std::string OurStatus(const std::string& path) {
    const auto status = ReadSnapshotStatus(disk_, path);
    if (!status.ok()) return status.error().message;
    return "{\"hash\":" + std::to_string(status->hash) +
           ",\"revision\":" + std::to_string(status->revision) +
           ",\"totalKey\":" + std::to_string(status->keys) +
           ",\"totalSize\":" + std::to_string(status->size) + ",\"version\":\"" + status->version +
           "\"}\n";
  }
  void ExpectClusterStarts(const std::string& program);
  std::unique_ptr<test::ChildProcess> Start(const std::string& program,
                                            const std::string& directory, const std::string& name,
                                            int client, int peer) {
    return std::make_unique<test::ChildProcess>(
        std::vector<std::string>{
            program, "--data-dir", directory, "--name", name, "--listen-client-urls", Url(client),
            "--advertise-client-urls", Url(client), "--listen-peer-urls", Url(peer),
            "--initial-advertise-peer-urls", Url(peer), "--initial-cluster-state", "existing"},
        directory + ".log");
  }

  io::RealDisk disk_;
  test::ScratchDirectory scratch_;
  std::string saved_ = scratch_.path() + "/saved.db";
};

TEST_F(RestoreEtcdTest, StatusIsEtcdutls) {
  EXPECT_EQ(OurStatus(saved_), TheirStatus(saved_));
  EXPECT_NE(OurStatus(saved_).find("\"totalKey\":19"), std::string::npos);
}

TEST_F(RestoreEtcdTest, OurRestoreDiffersFromEtcdutlsOnlyInTheStaleConfState) {
  const std::string theirs = scratch_.path() + "/theirs";
  const auto run = RunCommand({Part("etcdutl"), "snapshot", "restore", saved_, "--data-dir", theirs,
                               "--bump-revision", "1000", "--mark-compacted"});
  ASSERT_EQ(run.exit, 0) << run.err;
  RestoreOptions options;
  options.data_directory = scratch_.path() + "/ours";
  options.bump_revision = 1000;
  options.mark_compacted = true;
  ASSERT_TRUE(RestoreSnapshot(disk_, saved_, options).ok());
  const std::string ours = options.data_directory;
  EXPECT_EQ(OurStatus(ours + "/member/snap/db"), TheirStatus(ours + "/member/snap/db"));
  EXPECT_EQ(OurStatus(theirs + "/member/snap/db"), TheirStatus(theirs + "/member/snap/db"));

  // Byte for byte the same log, up to where the zeros begin.
  const std::string segment = "/member/wal/0000000000000000-0000000000000000.wal";
  std::string our_log = *io::ReadFile(disk_, ours + segment);
  std::string their_log = *io::ReadFile(disk_, theirs + segment);
  our_log.erase(our_log.find_last_not_of('\0') + 1);
  their_log.erase(their_log.find_last_not_of('\0') + 1);
  EXPECT_EQ(ToHex(our_log), ToHex(their_log));
}

// Three members of one program, from the same file, serve the old keys and take new ones.
void RestoreEtcdTest::ExpectClusterStarts(const std::string& program) {
  std::vector<int> clients;
  std::vector<int> peers;
  std::string cluster;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(test::FreePort());
    peers.push_back(test::FreePort());
    cluster += (i == 0 ? "m" : ",m") + std::to_string(i) + "=" + Url(peers.back());
  }
  std::vector<std::unique_ptr<test::ChildProcess>> members;
  for (std::size_t i = 0; i < 3; ++i) {
    RestoreOptions options;
    options.name = "m" + std::to_string(i);
    options.initial_cluster = cluster;
    options.initial_advertise_peer_urls = Url(peers[i]);
    options.data_directory = scratch_.path() + "/" + options.name;
    options.bump_revision = 1'000'000;
    options.mark_compacted = true;
    const auto restored = RestoreSnapshot(disk_, saved_, options);
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    members.push_back(Start(program, options.data_directory, options.name, clients[i], peers[i]));
  }
  for (const int client : clients) {
    ASSERT_TRUE(test::WaitFor(
        [&] { return test::HttpGet(client, "/health").find("true") != std::string::npos; },
        std::chrono::seconds(30)))
        << *io::ReadFile(disk_, scratch_.path() + "/m0.log");
  }
  const std::string endpoint = "127.0.0.1:" + std::to_string(clients[1]);
  EXPECT_NE(Ctl(endpoint, {"get", "key", "--prefix", "--count-only", "-w", "fields"})
                .find("\"Count\" : 19"),
            std::string::npos);
  EXPECT_NE(Ctl(endpoint, {"put", "after", "restore", "-w", "fields"}).find("\"Revision\" : 1000"),
            std::string::npos);
  EXPECT_EQ(Ctl(endpoint, {"get", "after", "--print-value-only"}), "restore\n");
}

TEST_F(RestoreEtcdTest, ThreeRealMembersStartFromWhatWeRestored) {
  ExpectClusterStarts(Part("etcd"));
}

TEST_F(RestoreEtcdTest, ThreeOfOurMembersStartFromWhatWeRestored) {
  ExpectClusterStarts(test::Program("quorate-server"));
}

}  // namespace
}  // namespace quorate::offline
