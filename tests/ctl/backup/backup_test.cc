// The whole way of a backup with real peers: etcd -> quoratectl -> MinIO -> quoratectl -> etcd.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "peers/etcd.h"
#include "peers/minio.h"
#include "support/root.h"

namespace quorate {
namespace {

using test::CommandResult;
using test::EtcdServer;
using test::MinioServer;
using test::Part;

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class BackupTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Part("etcd").empty()) FAIL() << test::kNoEtcd;
    if (Part("minio").empty()) FAIL() << test::kNoMinio;
    minio_ = std::make_unique<MinioServer>(Part("minio"));
    etcd_ = std::make_unique<EtcdServer>(Part("etcd"));
    ASSERT_TRUE(etcd_->AwaitHealthy()) << etcd_->Log();
    ASSERT_TRUE(minio_->AwaitReady()) << minio_->Log();
    for (int i = 0; i < 20; ++i) Etcdctl({"put", "key" + std::to_string(i % 7), std::to_string(i)});
    Etcdctl({"del", "key3"});
  }

  CommandResult Etcdctl(std::vector<std::string> words) {
    words.insert(words.begin(), {test::Program("etcdctl"), "--endpoints", etcd_->endpoint()});
    CommandResult result = test::RunCommand(words);
    EXPECT_EQ(result.exit, 0) << result.err;
    return result;
  }
  CommandResult Backup(std::vector<std::string> words, const std::string& secret = "") {
    words.insert(words.begin(),
                 {test::Program("quoratectl"), "--endpoints", etcd_->endpoint(),
                  "--command-timeout=2s", "backup", "--store", "s3://backups/p", "--s3-endpoint",
                  minio_->endpoint(), "--termination-log", report_});
    return test::RunCommand(
        words, "",
        {{"AWS_ACCESS_KEY_ID", MinioServer::kAccessKey},
         {"AWS_SECRET_ACCESS_KEY", secret.empty() ? MinioServer::kSecretKey : secret},
         {"TMPDIR", scratch_.path()}});
  }
  std::string Report() const { return Slurp(report_); }

  test::ScratchDirectory scratch_;
  std::string report_ = scratch_.path() + "/report";
  std::unique_ptr<MinioServer> minio_;
  std::unique_ptr<EtcdServer> etcd_;
};

// "ip:port, HASH, REVISION"
std::string HashOf(const std::string& endpoint, const std::string& revision) {
  const auto result = test::RunCommand(
      {test::Program("etcdctl"), "--endpoints", endpoint, "endpoint", "hashkv", "--rev", revision});
  return result.out.substr(result.out.find(',') + 1) + result.err;
}

TEST_F(BackupTest, ASavedBackupIsListedVerifiedAndRestoredIntoAnEtcdWithTheSameHash) {
  const auto saved =
      Backup({"save", "--cluster-namespace=ns", "--cluster-name=db", "--cluster-uid=u"});
  ASSERT_EQ(saved.exit, 0) << saved.err;
  EXPECT_THAT(Report(), testing::StartsWith("{\"ok\":true,\"location\":\"ns/db/u/20"));
  EXPECT_THAT(Report(), testing::HasSubstr("\"revision\":22,"));

  const auto listed = Backup({"list", "ns/db"});
  EXPECT_THAT(listed.out, testing::StartsWith("ns/db/u/20"));
  const auto verified = Backup({"verify", "ns/db/u/latest"});
  EXPECT_EQ(verified.exit, 0) << verified.err;
  EXPECT_THAT(verified.out, testing::HasSubstr("at revision 22 matches"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch_.path()), {}), 1)
      << "only the report may remain";

  const std::string expected = HashOf(etcd_->endpoint(), "22");
  const std::string data = scratch_.path() + "/data";
  const EtcdServer::Ports ports;
  const std::string peer = "http://127.0.0.1:" + std::to_string(ports.peer);
  const std::vector<std::string> restore = {"restore",
                                            "ns/db/u/latest",
                                            "--data-dir",
                                            data,
                                            "--initial-cluster",
                                            "default=" + peer,
                                            "--initial-advertise-peer-urls",
                                            peer,
                                            "--initial-cluster-token",
                                            "t2"};
  const auto restored = Backup(restore);
  ASSERT_EQ(restored.exit, 0) << restored.err;
  EXPECT_THAT(restored.out, testing::HasSubstr(", revision 22"));
  const auto again = Backup(restore);
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(Report(), testing::HasSubstr("\"reason\":\"DirectoryInUse\""));
  auto skipping = restore;
  skipping.push_back("--skip-existing");
  EXPECT_EQ(Backup(skipping).exit, 0);

  EtcdServer reborn(Part("etcd"), {"--data-dir=" + data}, ports);
  ASSERT_TRUE(reborn.AwaitHealthy()) << reborn.Log();
  EXPECT_EQ(HashOf(reborn.endpoint(), "22"), expected);
}

TEST_F(BackupTest, HashesStillMatchAfterACompactionAndWritesSinceThen) {
  Etcdctl({"compaction", "15", "--physical"});
  Etcdctl({"put", "key9", "late"});
  ASSERT_EQ(Backup({"save"}).exit, 0);
  const auto verified = Backup({"verify", "latest"});
  EXPECT_THAT(verified.out, testing::HasSubstr("at revision 23 matches")) << verified.err;
}

TEST_F(BackupTest, ADamagedObjectIsRefusedAndLeavesNothing) {
  ASSERT_EQ(Backup({"save"}).exit, 0);
  const std::string list = Backup({"list"}).out;
  const std::string location = list.substr(0, list.find(','));
  // Another cluster's snapshot under this one's name: sound in itself, but not what the manifest
  // describes.
  ASSERT_EQ(test::RunCommand({"/usr/bin/curl", "-sf", "--aws-sigv4", "aws:amz:us-east-1:s3", "-u",
                              std::string(MinioServer::kAccessKey) + ":" + MinioServer::kSecretKey,
                              "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-T", "/etc/hostname",
                              minio_->endpoint() + "/backups/p/" + location + "/snapshot.db.zst"})
                .exit,
            0);
  const std::string data = scratch_.path() + "/data";
  const auto restored = Backup({"restore", location, "--data-dir", data});
  EXPECT_EQ(restored.exit, 1);
  EXPECT_THAT(restored.err, testing::StartsWith("Error: BackupDamaged: backup s3://backups/p/"));
  EXPECT_THAT(Report(), testing::StartsWith("{\"ok\":false,\"reason\":\"BackupDamaged\""));
  EXPECT_TRUE(std::filesystem::is_empty(data));
  EXPECT_EQ(Backup({"verify", location}).exit, 1);
}

TEST_F(BackupTest, AFailureNamesWhoFailed) {
  EXPECT_EQ(Backup({"save"}, "wrong").exit, 1);
  EXPECT_THAT(Report(), testing::HasSubstr("\"reason\":\"AccessDenied\""));
  EXPECT_EQ(Backup({"restore", "no/such", "--data-dir", scratch_.path() + "/d"}).exit, 1);
  EXPECT_THAT(Report(), testing::HasSubstr("\"reason\":\"BackupNotFound\""));
  etcd_->Kill();
  EXPECT_EQ(Backup({"save"}).exit, 1);
  EXPECT_THAT(Report(), testing::HasSubstr("\"reason\":\"ClusterUnreachable\""));
  EXPECT_EQ(Backup({"list"}).out, "") << "a failed run leaves no backup";
  minio_->Kill();
  EXPECT_EQ(Backup({"list"}).exit, 1);
  EXPECT_THAT(Report(), testing::HasSubstr("\"reason\":\"StoreUnreachable\""));
}

TEST_F(BackupTest, RetainKeepsTheNewest) {
  for (int i = 0; i < 3; ++i) {
    Etcdctl({"put", "k", std::to_string(i)});
    ASSERT_EQ(Backup({"save", "--cluster-name=c", "--cluster-uid=u"}).exit, 0);
  }
  EXPECT_EQ(Backup({"retain", "c/u"}).exit, 128);
  EXPECT_THAT(Backup({"retain", "c/u", "--keep-last=2", "--dry-run"}).out,
              testing::EndsWith("-23 would be deleted\n"));
  EXPECT_EQ(Backup({"retain", "c/u", "--keep-last=2"}).exit, 0);
  const std::string left = Backup({"list"}).out;
  EXPECT_EQ(std::count(left.begin(), left.end(), '\n'), 2);
  EXPECT_THAT(left, testing::Not(testing::HasSubstr("Z-23,")));
}

}  // namespace
}  // namespace quorate
