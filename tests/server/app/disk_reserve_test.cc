// A disk that fills up stays curable: writes stop while there is room left, and a file of kept
// space is given back when others took that room.
#include "app/disk_reserve.h"

#include "sim/disk.h"

namespace quorate::app {
namespace {

constexpr std::uint64_t kReserve = 64 * 1024;

class DiskReserveTest : public testing::Test {
 protected:
  DiskReserveTest() {
    EXPECT_TRUE(disk_.MakeDirectories("/m").ok());
    disk_.SetCapacity(16 * kReserve);
  }
  // Others fill the disk until so much is free.
  void LeaveFree(std::uint64_t bytes) {
    const auto other = disk_.Open("/m/other", io::OpenMode::kCreate);
    ASSERT_TRUE(other.ok());
    const std::uint64_t size = *(*other)->Size() + disk_.FreeSpace("/m")->available;
    ASSERT_TRUE((*other)->Truncate(0).ok());
    const Status filled = (*other)->ZeroFill(0, size - bytes);
    ASSERT_TRUE(filled.ok()) << filled.error().message;
    ASSERT_TRUE((*other)->Sync().ok());
    ASSERT_TRUE(disk_.SyncDirectory("/m").ok());
    ASSERT_EQ(disk_.FreeSpace("/m")->available, bytes);
  }
  void Look() {
    const Status looked = reserve_.Look();
    ASSERT_TRUE(looked.ok()) << looked.error().message;
  }
  bool Kept() { return *io::Exists(disk_, reserve_.path()); }

  sim::Disk disk_{1};
  DiskReserve reserve_{disk_, "/m", kReserve};
};

TEST_F(DiskReserveTest, KeepsAFileOfItsSizeWhereThereIsRoom) {
  LeaveFree(3 * kReserve - 1);
  Look();
  EXPECT_FALSE(Kept());
  LeaveFree(3 * kReserve);
  Look();
  EXPECT_TRUE(Kept());
  EXPECT_EQ(disk_.Stat(reserve_.path())->size, kReserve);
  EXPECT_FALSE(reserve_.scarce());
}

TEST_F(DiskReserveTest, RefusesWritesBeforeTheDiskIsFull) {
  Look();
  LeaveFree(kReserve);
  Look();
  EXPECT_FALSE(reserve_.scarce());
  LeaveFree(kReserve - 1);
  Look();
  EXPECT_TRUE(reserve_.scarce());
  EXPECT_TRUE(Kept());
  LeaveFree(2 * kReserve - 1);
  Look();
  EXPECT_TRUE(reserve_.scarce());
  LeaveFree(2 * kReserve);
  Look();
  EXPECT_FALSE(reserve_.scarce());
}

TEST_F(DiskReserveTest, GivesTheFileBackWhenOthersTookTheRoom) {
  Look();
  ASSERT_TRUE(Kept());
  LeaveFree(0);
  Look();
  EXPECT_FALSE(Kept());
  EXPECT_TRUE(reserve_.scarce());
  EXPECT_EQ(disk_.FreeSpace("/m")->available, kReserve);
  Look();  // that much room is not reason enough to take writes again, or to make the file anew
  EXPECT_TRUE(reserve_.scarce());
  EXPECT_FALSE(Kept());
  LeaveFree(3 * kReserve);
  Look();
  EXPECT_TRUE(Kept());
  EXPECT_FALSE(reserve_.scarce());
}

TEST_F(DiskReserveTest, AStartOnAFullDiskHasRoomToWork) {
  Look();
  LeaveFree(100);
  DiskReserve started(disk_, "/m", kReserve);
  ASSERT_TRUE(started.Prepare().ok());
  EXPECT_TRUE(started.scarce());
  EXPECT_FALSE(Kept());
  EXPECT_EQ(disk_.FreeSpace("/m")->available, kReserve + 100);
}

TEST_F(DiskReserveTest, AFileThatACrashLeftShortIsMadeAnew) {
  disk_.StopAfter(2);
  EXPECT_FALSE(reserve_.Look().ok());
  disk_.Crash();
  DiskReserve again(disk_, "/m", kReserve);
  ASSERT_TRUE(again.Prepare().ok());
  ASSERT_TRUE(again.Look().ok());
  EXPECT_EQ(disk_.Stat(again.path())->size, kReserve);
}

TEST_F(DiskReserveTest, WithoutAReserveNothingIsKeptOrRefused) {
  Look();
  ASSERT_TRUE(Kept());
  DiskReserve none(disk_, "/m", 0);
  ASSERT_TRUE(none.Prepare().ok());
  EXPECT_FALSE(Kept());  // of an earlier start with one
  LeaveFree(0);
  ASSERT_TRUE(none.Look().ok());
  EXPECT_FALSE(none.scarce());
}

}  // namespace
}  // namespace quorate::app
