// Real etcd's database comes in; what goes out is the same to etcdutl, and etcd starts from it.
#include "peers/etcd.h"

#include <gtest/gtest.h>

#include "io/real_disk.h"
#include "membership/ids.h"
#include "mvcc/store.h"
#include "peers/process.h"
#include "proto/mvcc.pb.h"
#include "snapshot/export.h"
#include "snapshot/import.h"
#include "storage/memory_backend.h"
#include "storage/rocks_backend.h"

namespace quorate::snapshot {
namespace {

using test::Part;
using test::RunCommand;

class NoLeases final : public mvcc::LeaseBook {
 public:
  bool Exists(LeaseId /*lease*/) const override { return true; }
  void Attach(LeaseId /*lease*/, std::string_view /*key*/) override {}
  void Detach(LeaseId /*lease*/, std::string_view /*key*/) override {}
};

std::string StatusOf(const std::string& path) {
  const auto run = RunCommand({Part("etcdutl"), "snapshot", "status", path, "-w", "json"});
  std::string text = run.exit == 0 ? run.out : run.err;
  const std::size_t at = text.find("\"totalSize\":");
  if (at != std::string::npos) text.erase(at, text.find_first_of(",}", at) - at);
  return text;
}

class SnapshotEtcdTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Part("etcd").empty()) FAIL() << test::kNoEtcd;
    test::EtcdServer etcd(Part("etcd"));
    ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
    for (int i = 0; i < 30; ++i) Ctl(etcd, {"put", "key" + std::to_string(i % 20), "value"});
    Ctl(etcd, {"del", "key3"});
    Ctl(etcd, {"lease", "grant", "3000"});
    Ctl(etcd, {"role", "add", "reader"});
    Ctl(etcd, {"user", "add", "root:secret"});
    Ctl(etcd, {"compaction", "10"});
    Ctl(etcd, {"snapshot", "save", saved_});
  }
  static std::string Ctl(const test::EtcdServer& etcd, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Part("etcdctl"), "--endpoints", etcd.endpoint()});
    const auto run = RunCommand(arguments);
    EXPECT_EQ(run.exit, 0) << run.err;
    return run.out;
  }
  // Real etcdutl writes a data directory from a snapshot file.
  std::string Restore(const std::string& file, std::vector<std::string> extra = {}) {
    const std::string directory = scratch_.path() + "/restored" + std::to_string(++restored_);
    extra.insert(extra.begin(), {Part("etcdutl"), "snapshot", "restore", file, "--data-dir",
                                 directory, "--name", "m0", "--initial-cluster", "m0=" + peer_url_,
                                 "--initial-advertise-peer-urls", peer_url_});
    const auto run = RunCommand(extra);
    EXPECT_EQ(run.exit, 0) << run.err;
    return directory;
  }

  io::RealDisk disk_;
  test::ScratchDirectory scratch_;
  std::string saved_ = scratch_.path() + "/saved.db";
  const std::string peer_url_ = "http://127.0.0.1:" + std::to_string(test::FreePort());
  int restored_ = 0;
  storage::MemoryBackend store_{std::make_shared<storage::MemoryStorage>()};
};

TEST_F(SnapshotEtcdTest, WhatGoesOutIsWhatCameIn) {
  const auto imported = ImportDatabase(disk_, saved_, store_, std::nullopt);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_TRUE(imported->ignored.empty());
  EXPECT_GT(imported->position.index, LogIndex{30});
  EXPECT_EQ(imported->conf_state.voters.size(), 1U);
  const std::string ours = scratch_.path() + "/ours.db";
  ASSERT_TRUE(WriteFile(*store_.NewView(), disk_, ours, true).ok());
  EXPECT_EQ(StatusOf(ours), StatusOf(saved_));

  // And real etcdutl restores ours, digest and all, to the same content.
  const std::string theirs = Restore(saved_) + "/member/snap/db";
  EXPECT_EQ(StatusOf(Restore(ours) + "/member/snap/db"), StatusOf(theirs));
}

// A store that is too large to be counted first: its rows leave at once, the room that was left for
// them is larger than they are, and long rows share pages. Real etcdutl must read all of that, and
// real etcd must live with it: start from it, use its empty pages, delete from its long leaves.
TEST_F(SnapshotEtcdTest, ALargeStoreLeavesInOneWalkAndRealEtcdLivesOnIt) {
  auto opened = storage::OpenRocksBackend(scratch_.path() + "/store", storage::Options{});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const std::unique_ptr<storage::Backend> store = std::move(*opened);
  const auto imported = ImportDatabase(disk_, saved_, *store, std::nullopt);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  storage::Batch batch;
  std::uint64_t revision = 1000;
  for (int i = 0; i < 6000; ++i) {
    ++revision;
    mvccpb::KeyValue row;
    row.set_key("large" + std::to_string(10000 + i));
    row.set_value(std::string(static_cast<std::size_t>(i * 7919 % 5000), 'v'));
    row.set_create_revision(static_cast<std::int64_t>(revision));
    row.set_mod_revision(row.create_revision());
    row.set_version(1);
    std::string name;
    AppendBigEndian64(name, revision);
    name += "_" + std::string(8, '\0');
    batch.Put(storage::Family::kRev, name, row.SerializeAsString());
  }
  ASSERT_TRUE(store->Commit(batch, imported->position).ok());
  ASSERT_TRUE(store->Flush(storage::Backend::Wait::kYes).ok());
  const auto most = store->AtMost(storage::Family::kRev);
  ASSERT_GT(most->bytes, 8U << 20U);

  const std::string ours = scratch_.path() + "/ours.db";
  ASSERT_TRUE(WriteFile(*store->NewView(), disk_, ours, true).ok());
  const std::string status = StatusOf(ours);
  EXPECT_NE(status.find("\"revision\":7000"), std::string::npos) << status;
  EXPECT_NE(status.find("\"totalKey\":"), std::string::npos) << status;

  const std::string directory = Restore(ours);
  EXPECT_EQ(RunCommand({Part("etcdutl"), "defrag", "--data-dir", directory}).exit, 0);
  EXPECT_EQ(StatusOf(directory + "/member/snap/db").find("error"), std::string::npos);

  test::EtcdServer etcd(
      Part("etcd"),
      {"--data-dir=" + Restore(ours), "--name=m0", "--initial-cluster=m0=" + peer_url_,
       "--listen-peer-urls=" + peer_url_, "--initial-advertise-peer-urls=" + peer_url_});
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  const auto count = [&] {
    return Ctl(etcd, {"get", "large", "--prefix", "--count-only", "--write-out", "fields"});
  };
  EXPECT_NE(count().find("\"Count\" : 6000"), std::string::npos) << count();
  Ctl(etcd, {"del", "large12000", "large14000"});
  Ctl(etcd, {"put", "large99999", "new"});
  Ctl(etcd, {"compaction", "--physical", "7001"});
  EXPECT_NE(count().find("\"Count\" : 4001"), std::string::npos) << count();
  EXPECT_NE(Ctl(etcd, {"snapshot", "save", scratch_.path() + "/again.db"}).find("saved"),
            std::string::npos);
  EXPECT_NE(StatusOf(scratch_.path() + "/again.db").find("\"revision\":7002"), std::string::npos);
}

TEST_F(SnapshotEtcdTest, ARestoredDirectoryIsTakenOver) {
  const std::string directory = Restore(saved_, {"--bump-revision", "1000000", "--mark-compacted"});
  auto opened = storage::OpenRocksBackend(directory + "/member/store", storage::Options{});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const std::unique_ptr<storage::Backend> store = std::move(*opened);
  const auto imported = TakeOverEtcd(disk_, directory + "/member", {}, *store);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  ASSERT_TRUE(imported->has_value());
  EXPECT_EQ((*imported)->position, (storage::LogPosition{LogIndex{1}, Term{1}}));
  EXPECT_EQ((*imported)->conf_state.voters,
            std::vector{membership::MakeMemberId({peer_url_}, "etcd-cluster")});

  NoLeases leases;
  storage::Batch batch;
  auto history = mvcc::Store::Open({store.get(), &batch, &leases});
  ASSERT_TRUE(history.ok()) << history.error().message;
  EXPECT_GT((*history)->revision(), Revision{1000000});
  int keys = 0;
  (*history)->ForEachKey("key", "kez", [&](std::string_view /*key*/) { return ++keys > 0; });
  EXPECT_EQ(keys, 19);
}

}  // namespace
}  // namespace quorate::snapshot
