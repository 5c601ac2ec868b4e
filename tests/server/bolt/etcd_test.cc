// Real etcdutl reads what we write; we read what real etcd wrote.
#include "peers/etcd.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "bolt/reader.h"
#include "bolt/writer.h"
#include "io/real_disk.h"
#include "peers/process.h"

namespace quorate::bolt {
namespace {

// A real etcd's database with some keys in it, after the server has ended.
class EtcdDatabase {
 public:
  EtcdDatabase() {
    etcd_ = std::make_unique<test::EtcdServer>(test::Part("etcd"));
    if (!etcd_->AwaitHealthy()) return;
    for (int i = 0; i < 40; ++i) {
      const auto put = test::RunCommand({test::Part("etcdctl"), "--endpoints", etcd_->endpoint(),
                                         "put", "key" + std::to_string(i % 30)},
                                        std::string(static_cast<std::size_t>(i * 100 + 1), 'v'));
      if (put.exit != 0) return;
    }
    etcd_->Kill();
    ready = true;
  }
  std::string path() const { return etcd_->data_directory() + "/member/snap/db"; }

  bool ready = false;

 private:
  std::unique_ptr<test::EtcdServer> etcd_;
};

std::string StatusOf(const std::string& path) {
  const auto run =
      test::RunCommand({test::Part("etcdutl"), "snapshot", "status", path, "-w", "json"});
  return run.exit == 0 ? run.out : "exit " + std::to_string(run.exit) + ": " + run.err;
}

TEST(BoltEtcdTest, ACopyOfARealDatabaseHasTheSameHashRevisionAndKeys) {
  if (test::Part("etcd").empty()) FAIL() << test::kNoEtcd;
  const EtcdDatabase database;
  ASSERT_TRUE(database.ready);
  io::RealDisk disk;
  auto reader = Reader::Open(disk, database.path());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  ASSERT_NE((*reader)->Find("key"), nullptr);
  ASSERT_NE((*reader)->Find("members"), nullptr);

  const test::ScratchDirectory scratch;
  const std::string copy = scratch.path() + "/copy.db";
  std::size_t revisions = 0;
  const auto layout = WriteFile(disk, copy, [&](Writer& writer) -> Status {
    for (const Bucket& bucket : (*reader)->buckets()) {
      TRY(writer.BeginBucket(bucket.name));
      Cursor cursor(**reader, bucket);
      while (TRY(cursor.Next())) {
        TRY(writer.Put(cursor.key(), cursor.value()));
        if (bucket.name == "key") ++revisions;
      }
    }
    return {};
  });
  ASSERT_TRUE(layout.ok()) << layout.error().message;
  EXPECT_GT(revisions, 20U);  // a killed etcd may lack its last 100 ms; its log has them

  std::string ours = StatusOf(copy);
  std::string theirs = StatusOf(database.path());
  // The files differ in size, and in nothing else.
  const auto strip = [](std::string& text) {
    const std::size_t at = text.find("\"totalSize\":");
    if (at != std::string::npos) text.erase(at, text.find_first_of(",}", at) - at);
  };
  EXPECT_NE(ours.find("\"revision\":" + std::to_string(revisions + 1)), std::string::npos) << ours;
  strip(ours);
  strip(theirs);
  EXPECT_EQ(ours, theirs);
}

}  // namespace
}  // namespace quorate::bolt
