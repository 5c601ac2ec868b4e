// Real etcd's database comes in; what goes out is the same to etcdutl, and etcd starts from it.
#include "peers/etcd.h"

#include <gtest/gtest.h>

#include "io/real_disk.h"
#include "membership/ids.h"
#include "mvcc/store.h"
#include "peers/process.h"
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
