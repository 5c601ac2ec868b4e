#include "sim/disk.h"

#include <gtest/gtest.h>

#include <set>

namespace quorate::sim {
namespace {

using io::OpenMode;

std::string Read(Disk& disk, std::string_view path) {
  auto bytes = io::ReadFile(disk, path);
  return bytes.ok() ? *bytes : "error: " + bytes.error().message;
}

class DiskCrashTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  Disk disk_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Seeds, DiskCrashTest, testing::Range<std::uint64_t>(0, 32));

TEST_P(DiskCrashTest, KeepsEverySyncedByte) {
  auto file = *disk_.Open("wal", OpenMode::kCreate);
  ASSERT_TRUE(disk_.SyncDirectory(".").ok());
  const std::string synced(3000, 'a');
  ASSERT_TRUE(file->Append(AsBytes(synced)).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Append(AsBytes(std::string(2000, 'b'))).ok());
  ASSERT_TRUE(file->WriteAt(100, AsBytes("")).ok());

  disk_.Crash();

  const std::string left = Read(disk_, "wal");
  ASSERT_GE(left.size(), 3000U);
  EXPECT_EQ(left.substr(0, 3000), synced);
  for (const char c : left.substr(3000)) EXPECT_TRUE(c == 'b' || c == '\0');
}

TEST_P(DiskCrashTest, ARenameIsThereOrNotButNeverHalf) {
  ASSERT_TRUE(io::WriteFile(disk_, "old", AsBytes("content")).ok());
  ASSERT_TRUE(disk_.Rename("old", "new").ok());
  disk_.Crash();
  const bool old_there = *io::Exists(disk_, "old");
  const bool new_there = *io::Exists(disk_, "new");
  EXPECT_NE(old_there, new_there);
  EXPECT_EQ(Read(disk_, new_there ? "new" : "old"), "content");
}

TEST(SimDiskTest, AFailedSyncLosesBytesThatALaterSyncDoesNotSave) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    Disk disk(seed);
    auto file = *disk.Open("wal", OpenMode::kCreate);
    ASSERT_TRUE(disk.SyncDirectory(".").ok());
    ASSERT_TRUE(file->Append(AsBytes(std::string(5000, 'x'))).ok());
    disk.Inject({Operation::kSync, "wal"});
    EXPECT_EQ(file->Sync().error().code, Code::kDataLoss);
    EXPECT_EQ(Read(disk, "wal"), std::string(5000, 'x'));
    ASSERT_TRUE(file->Sync().ok());
    disk.Crash();
    outcomes.insert(Read(disk, "wal"));
  }
  EXPECT_TRUE(outcomes.contains(""));
  EXPECT_GT(outcomes.size(), 2U);
}

TEST(SimDiskTest, ANameThatWasNotSyncedMayBeLost) {
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    Disk disk(seed);
    auto file = *disk.Open("wal", OpenMode::kCreate);
    ASSERT_TRUE(file->Append(AsBytes("x")).ok());
    ASSERT_TRUE(file->Sync().ok());
    disk.Crash();
    if (!*io::Exists(disk, "wal")) ++lost;
  }
  EXPECT_GT(lost, 0);
  EXPECT_LT(lost, 32);
}

TEST(SimDiskTest, UnsyncedSectorsAreLostOutOfOrder) {
  bool hole = false;
  for (std::uint64_t seed = 0; seed < 64 && !hole; ++seed) {
    Disk disk(seed);
    auto file = *disk.Open("wal", OpenMode::kCreate);
    ASSERT_TRUE(disk.SyncDirectory(".").ok());
    ASSERT_TRUE(file->Append(AsBytes(std::string(4096, 'x'))).ok());
    disk.Crash();
    const std::string left = Read(disk, "wal");
    const std::size_t zero = left.find('\0');
    hole = zero != std::string::npos && left.find('x', zero) != std::string::npos;
  }
  EXPECT_TRUE(hole);
}

TEST(SimDiskTest, SameSeedSameCrash) {
  std::set<std::string> outcomes;
  for (int run = 0; run < 2; ++run) {
    Disk disk(42);
    auto file = *disk.Open("wal", OpenMode::kCreate);
    ASSERT_TRUE(disk.SyncDirectory(".").ok());
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(file->Append(AsBytes(std::string(700, static_cast<char>('a' + i)))).ok());
    }
    disk.Crash();
    outcomes.insert(Read(disk, "wal"));
  }
  EXPECT_EQ(outcomes.size(), 1U);
}

TEST(SimDiskTest, StopsAtTheChosenChangeAndGoesOnAfterTheCrash) {
  Disk disk(1);
  ASSERT_TRUE(io::WriteFile(disk, "a", AsBytes("1")).ok());
  const std::uint64_t changes = disk.changes();
  disk.StopAfter(1);
  EXPECT_EQ(io::WriteFile(disk, "b", AsBytes("2")).error().code, Code::kUnavailable);
  EXPECT_EQ(disk.changes(), changes + 1);
  disk.Crash();
  EXPECT_EQ(Read(disk, "a"), "1");
  EXPECT_TRUE(io::WriteFile(disk, "b", AsBytes("2")).ok());
}

TEST(SimDiskTest, AStopThatHasNotComeCanBeTakenBack) {
  Disk disk(1);
  disk.StopAfter(1);
  disk.NeverStop();
  EXPECT_TRUE(io::WriteFile(disk, "a", AsBytes("1")).ok());
  disk.StopAfter(1);
  EXPECT_FALSE(io::WriteFile(disk, "b", AsBytes("2")).ok());
  disk.NeverStop();
  EXPECT_FALSE(io::WriteFile(disk, "b", AsBytes("2")).ok()) << "it has stopped";
}

TEST(SimDiskTest, AFileOfAnEarlierLifeIsDeadAndItsLockFree) {
  Disk disk(1);
  auto old = *disk.Open("db", OpenMode::kCreate);
  ASSERT_TRUE(disk.SyncDirectory(".").ok());
  ASSERT_TRUE(*old->TryLock());
  disk.Kill();
  EXPECT_EQ(old->Append(AsBytes("x")).error().code, Code::kUnavailable);
  auto fresh = *disk.Open("db", OpenMode::kReadWrite);
  EXPECT_TRUE(*fresh->TryLock());
  old.reset();
  auto third = *disk.Open("db", OpenMode::kReadWrite);
  EXPECT_FALSE(*third->TryLock());
}

TEST(SimDiskTest, AnImageBringsBackWhatWasDurableThen) {
  Disk disk(1);
  ASSERT_TRUE(disk.MakeDirectories("/d/empty").ok());
  ASSERT_TRUE(io::WriteFile(disk, "/d/a", AsBytes("1")).ok());
  auto file = *disk.Open("/d/a", OpenMode::kReadWrite);
  ASSERT_TRUE(file->Append(AsBytes("not synced")).ok());
  const Disk::Image image = disk.TakeImage();
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(io::WriteFile(disk, "/d/b", AsBytes("2")).ok());
  disk.PutBack(image);
  EXPECT_EQ(Read(disk, "/d/a"), "1");
  EXPECT_EQ(*disk.List("/d"), (std::vector<std::string>{"a", "empty"}));
  EXPECT_FALSE(file->Sync().ok());
  disk.Crash();
  EXPECT_EQ(Read(disk, "/d/a"), "1");
}

TEST(SimDiskTest, AFullDiskRefusesGrowthOnly) {
  Disk disk(1);
  auto file = *disk.Open("db", OpenMode::kCreate);
  ASSERT_TRUE(file->ZeroFill(0, 1000).ok());
  disk.SetCapacity(1000);
  EXPECT_TRUE(file->WriteAt(0, AsBytes("fits")).ok());
  EXPECT_EQ(file->Append(AsBytes("more")).error().code, Code::kResourceExhausted);
  EXPECT_EQ(disk.FreeSpace("db")->available, 0U);
}

}  // namespace
}  // namespace quorate::sim
