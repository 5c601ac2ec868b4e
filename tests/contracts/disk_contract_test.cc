// What every io::Disk does, real or simulated. What a crash keeps is sim/disk_test.cc's matter: a
// kernel cannot be asked.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "io/real_disk.h"
#include "sim/disk.h"

namespace quorate {
namespace {

using io::OpenMode;

// One disk and an empty directory of it to work in.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual io::Disk& disk() = 0;
  virtual std::string root() = 0;
};

class RealBench final : public Bench {
 public:
  RealBench() {
    std::string name = testing::TempDir() + "disk_contract_XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~RealBench() override { EXPECT_TRUE(io::RemoveTree(disk_, root_).ok()); }
  io::Disk& disk() override { return disk_; }
  std::string root() override { return root_; }

 private:
  io::RealDisk disk_;
  std::string root_;
};

class SimBench final : public Bench {
 public:
  SimBench() { EXPECT_TRUE(disk_.MakeDirectories("/work").ok()); }
  io::Disk& disk() override { return disk_; }
  std::string root() override { return "/work"; }

 private:
  sim::Disk disk_{7};
};

class DiskContract : public testing::TestWithParam<std::string> {
 protected:
  DiskContract() {
    if (GetParam() == "Real") {
      bench_ = std::make_unique<RealBench>();
    } else {
      bench_ = std::make_unique<SimBench>();
    }
  }
  io::Disk& disk() { return bench_->disk(); }
  std::string Path(std::string_view name) { return io::JoinPath(bench_->root(), name); }
  std::string Read(std::string_view name) {
    auto bytes = io::ReadFile(disk(), Path(name));
    return bytes.ok() ? *bytes : "error: " + bytes.error().message;
  }
  Status Write(std::string_view name, std::string_view text) {
    return io::WriteFile(disk(), Path(name), AsBytes(text));
  }

  std::unique_ptr<Bench> bench_;
};
INSTANTIATE_TEST_SUITE_P(Disks, DiskContract, testing::Values("Real", "Sim"),
                         [](const auto& one) { return one.param; });

TEST_P(DiskContract, ReadsWhatWasWrittenAnywhere) {
  auto file = *disk().Open(Path("f"), OpenMode::kCreateNew);
  ASSERT_TRUE(file->Append(AsBytes("hello ")).ok());
  ASSERT_TRUE(file->Append(AsBytes("world")).ok());
  ASSERT_TRUE(file->WriteAt(0, AsBytes("J")).ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(*file->Size(), 11U);
  EXPECT_EQ(Read("f"), "Jello world");

  std::byte part[5];
  EXPECT_EQ(*file->ReadAt(6, part), 5U);
  EXPECT_EQ(AsText(part), "world");
  EXPECT_EQ(*file->ReadAt(9, part), 2U);
  EXPECT_EQ(*file->ReadAt(11, part), 0U);
  EXPECT_EQ(*file->ReadAt(500, part), 0U);
}

TEST_P(DiskContract, AGapReadsAsZeros) {
  auto file = *disk().Open(Path("f"), OpenMode::kCreate);
  ASSERT_TRUE(file->WriteAt(3, AsBytes("x")).ok());
  EXPECT_EQ(Read("f"), std::string("\0\0\0x", 4));
}

TEST_P(DiskContract, ZeroFillGrowsTheFileAndErasesTheOld) {
  auto file = *disk().Open(Path("f"), OpenMode::kCreate);
  ASSERT_TRUE(file->Append(AsBytes("abcdef")).ok());
  ASSERT_TRUE(file->ZeroFill(2, 2'500'000).ok());
  EXPECT_EQ(*file->Size(), 2'500'002U);
  EXPECT_EQ(Read("f"), "ab" + std::string(2'500'000, '\0'));
}

TEST_P(DiskContract, ReserveTakesRoomForZeros) {
  auto file = *disk().Open(Path("f"), OpenMode::kCreate);
  ASSERT_TRUE(file->Reserve(300'000).ok());
  EXPECT_EQ(*file->Size(), 300'000U);
  EXPECT_EQ(Read("f"), std::string(300'000, '\0'));
  ASSERT_TRUE(file->Append(AsBytes("z")).ok());
  EXPECT_EQ(*file->Size(), 300'001U);
}

TEST_P(DiskContract, TruncateCutsAndLaterGrowthIsZeros) {
  auto file = *disk().Open(Path("f"), OpenMode::kCreate);
  ASSERT_TRUE(file->Append(AsBytes("abcdef")).ok());
  ASSERT_TRUE(file->Truncate(2).ok());
  EXPECT_EQ(Read("f"), "ab");
  ASSERT_TRUE(file->Truncate(4).ok());
  EXPECT_EQ(Read("f"), std::string("ab\0\0", 4));
  ASSERT_TRUE(file->Append(AsBytes("z")).ok());
  EXPECT_EQ(Read("f"), std::string("ab\0\0z", 5));
}

TEST_P(DiskContract, OpenModesDoWhatTheirNamesSay) {
  EXPECT_EQ(disk().Open(Path("f"), OpenMode::kRead).error().code, Code::kNotFound);
  EXPECT_EQ(disk().Open(Path("f"), OpenMode::kReadWrite).error().code, Code::kNotFound);
  ASSERT_TRUE(Write("f", "old").ok());
  EXPECT_EQ(disk().Open(Path("f"), OpenMode::kCreateNew).error().code, Code::kAlreadyExists);
  ASSERT_TRUE(disk().Open(Path("f"), OpenMode::kCreate).ok());
  EXPECT_EQ(Read("f"), "old");
  ASSERT_TRUE(disk().Open(Path("f"), OpenMode::kTruncate).ok());
  EXPECT_EQ(Read("f"), "");
  auto reader = *disk().Open(Path("f"), OpenMode::kRead);
  EXPECT_EQ(reader->WriteAt(0, AsBytes("x")).error().code, Code::kPermissionDenied);
  EXPECT_EQ(reader->Truncate(0).error().code, Code::kPermissionDenied);
}

TEST_P(DiskContract, AFileIsNoDirectoryAndTheReverse) {
  ASSERT_TRUE(Write("f", "x").ok());
  ASSERT_TRUE(disk().MakeDirectories(Path("d")).ok());
  EXPECT_EQ(disk().Open(Path("d"), OpenMode::kRead).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(disk().List(Path("f")).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(disk().MakeDirectories(Path("f")).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(disk().Open(Path("f/g"), OpenMode::kCreate).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(disk().Open(Path("no/g"), OpenMode::kCreate).error().code, Code::kNotFound);
}

TEST_P(DiskContract, ListsNamesInOrder) {
  ASSERT_TRUE(disk().MakeDirectories(Path("d/sub/deep")).ok());
  ASSERT_TRUE(disk().MakeDirectories(Path("d/sub")).ok());
  ASSERT_TRUE(Write("d/b", "").ok());
  ASSERT_TRUE(Write("d/a", "123").ok());
  EXPECT_EQ(*disk().List(Path("d")), (std::vector<std::string>{"a", "b", "sub"}));
  EXPECT_EQ(*disk().Stat(Path("d/a")), (io::FileInfo{3, false}));
  EXPECT_EQ(*disk().Stat(Path("d/sub")), (io::FileInfo{0, true}));
  EXPECT_EQ(disk().Stat(Path("d/no")).error().code, Code::kNotFound);
  EXPECT_EQ(disk().List(Path("no")).error().code, Code::kNotFound);
}

TEST_P(DiskContract, RenameReplacesAFileAndMovesADirectory) {
  ASSERT_TRUE(Write("a", "new").ok());
  ASSERT_TRUE(Write("b", "old").ok());
  ASSERT_TRUE(disk().Rename(Path("a"), Path("b")).ok());
  EXPECT_EQ(Read("b"), "new");
  EXPECT_FALSE(*io::Exists(disk(), Path("a")));

  ASSERT_TRUE(disk().MakeDirectories(Path("wal.tmp")).ok());
  ASSERT_TRUE(Write("wal.tmp/0", "zero").ok());
  auto open = *disk().Open(Path("wal.tmp/0"), OpenMode::kReadWrite);
  ASSERT_TRUE(disk().Rename(Path("wal.tmp"), Path("wal")).ok());
  ASSERT_TRUE(open->Append(AsBytes("!")).ok());
  EXPECT_EQ(Read("wal/0"), "zero!");

  EXPECT_EQ(disk().Rename(Path("no"), Path("c")).error().code, Code::kNotFound);
  ASSERT_TRUE(disk().MakeDirectories(Path("other")).ok());
  EXPECT_EQ(disk().Rename(Path("other"), Path("wal")).error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(disk().SyncDirectory(Path("wal")).ok());
}

TEST_P(DiskContract, RemoveTakesFilesAndEmptyDirectories) {
  ASSERT_TRUE(disk().MakeDirectories(Path("d/e")).ok());
  ASSERT_TRUE(Write("d/e/f", "x").ok());
  EXPECT_EQ(disk().Remove(Path("d")).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(disk().Remove(Path("no")).error().code, Code::kNotFound);
  ASSERT_TRUE(io::RemoveTree(disk(), Path("d")).ok());
  EXPECT_FALSE(*io::Exists(disk(), Path("d")));
  EXPECT_TRUE(io::RemoveTree(disk(), Path("d")).ok());
}

TEST_P(DiskContract, ARemovedFileStaysReadableThroughItsHandle) {
  auto file = *disk().Open(Path("f"), OpenMode::kCreate);
  ASSERT_TRUE(file->Append(AsBytes("still")).ok());
  ASSERT_TRUE(disk().Remove(Path("f")).ok());
  std::byte bytes[5];
  EXPECT_EQ(*file->ReadAt(0, bytes), 5U);
  EXPECT_EQ(AsText(bytes), "still");
}

TEST_P(DiskContract, OneHandleHoldsTheLockUntilItIsClosed) {
  auto first = *disk().Open(Path("db"), OpenMode::kCreate);
  auto second = *disk().Open(Path("db"), OpenMode::kReadWrite);
  EXPECT_TRUE(*first->TryLock());
  EXPECT_TRUE(*first->TryLock());
  EXPECT_FALSE(*second->TryLock());
  ASSERT_TRUE(disk().Rename(Path("db"), Path("moved")).ok());
  EXPECT_FALSE(*second->TryLock());
  first.reset();
  EXPECT_TRUE(*second->TryLock());
}

TEST_P(DiskContract, CopiesLargeFilesAndKnowsFreeSpace) {
  const std::string large(3'000'001, 'L');
  ASSERT_TRUE(Write("large", large).ok());
  ASSERT_TRUE(io::CopyFile(disk(), Path("large"), Path("copy")).ok());
  EXPECT_EQ(Read("copy"), large);
  const auto space = *disk().FreeSpace(Path(""));
  EXPECT_GT(space.available, 0U);
  EXPECT_GE(space.total, space.available);
}

TEST_P(DiskContract, ErrorsNameTheCallAndThePath) {
  EXPECT_EQ(disk().Open(Path("no"), OpenMode::kRead).error().message,
            "open " + Path("no") + ": no such file or directory");
}

TEST(RealDiskTest, WhatItMakesIsForTheOwnerOnly) {
  RealBench bench;
  ASSERT_TRUE(bench.disk().MakeDirectories(bench.root() + "/d").ok());
  ASSERT_TRUE(io::WriteFile(bench.disk(), bench.root() + "/f", AsBytes("x")).ok());
  struct stat info {};
  ASSERT_EQ(stat((bench.root() + "/d").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  ASSERT_EQ(stat((bench.root() + "/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(IoPathTest, ParentsAndJoins) {
  EXPECT_EQ(io::ParentOf("a/b/c"), "a/b");
  EXPECT_EQ(io::ParentOf("a/b/"), "a");
  EXPECT_EQ(io::ParentOf("c"), ".");
  EXPECT_EQ(io::ParentOf("/c"), "/");
  EXPECT_EQ(io::JoinPath("a", "b"), "a/b");
  EXPECT_EQ(io::JoinPath("a/", "b"), "a/b");
}

}  // namespace
}  // namespace quorate
