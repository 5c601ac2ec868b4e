// What is particular to RocksBackend: its directory, and flushes it starts by itself.
#include "storage/rocks_backend.h"

#include <sys/inotify.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "support/wait.h"

namespace quorate::storage {
namespace {

namespace fs = std::filesystem;

class RocksBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "quorate-rocks-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(root_); }
  Result<std::unique_ptr<Backend>> Open(Options options = {}) {
    return OpenRocksBackend(root_ + "/store", options);
  }
  static void Put(Backend& store, std::uint64_t index, std::string_view value) {
    Batch batch;
    batch.Put(Family::kRev, "key" + std::to_string(index), value);
    ASSERT_TRUE(store.Commit(batch, {LogIndex{index}, Term{1}}).ok());
  }

  std::string root_;
};

TEST_F(RocksBackendTest, RefusesADirectoryThatIsInUse) {
  auto first = Open();
  ASSERT_TRUE(first.ok());
  const auto second = Open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kUnavailable) << second.error().message;
}

TEST_F(RocksBackendTest, KeepsItsDirectoryPrivate) {
  const auto store = Open();
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(fs::status(root_ + "/store").permissions(), fs::perms::owner_all);
}

TEST_F(RocksBackendTest, FullBuffersAdvanceTheFlushedIndexWithoutBeingAsked) {
  Options options;
  options.write_buffer_bytes = std::size_t{1} << 20;
  std::uint64_t flushed = 0;
  {
    auto store = Open(options);
    ASSERT_TRUE(store.ok());
    const std::string value(512, 'v');
    for (std::uint64_t i = 1; i <= 20000; ++i) Put(**store, i, value);
    ASSERT_TRUE(test::WaitFor([&] { return (*store)->FlushedIndex().value > 10000; }));
    flushed = (*store)->FlushedIndex().value;
  }
  auto again = Open(options);
  ASSERT_TRUE(again.ok());
  const std::uint64_t found = (*again)->position().index.value;
  EXPECT_GE(found, flushed);
  EXPECT_LE(found, 20000U);
  // Whole commits only: every row up to the position is there, none above.
  std::string value;
  EXPECT_TRUE(*(*again)->Get(Family::kRev, "key" + std::to_string(found), &value));
  EXPECT_FALSE(*(*again)->Get(Family::kRev, "key" + std::to_string(found + 1), &value));
}

// Between any two of these renames the process may end, and Open goes on from each.
TEST_F(RocksBackendTest, AnAdoptionGoesOverNamesFromWhichARestartGoesOn) {
  auto store = Open();
  ASSERT_TRUE(store.ok());
  Put(**store, 1, "old");
  auto incoming = (*store)->NewIncoming();
  ASSERT_TRUE(incoming.ok());
  Put(**incoming, 7, "new");
  const int watch = inotify_init1(IN_NONBLOCK);
  ASSERT_GE(inotify_add_watch(watch, root_.c_str(), IN_MOVED_FROM | IN_MOVED_TO), 0);
  ASSERT_TRUE((*store)->Adopt(std::move(*incoming)).ok());
  alignas(inotify_event) char buffer[4096];
  const ssize_t size = read(watch, buffer, sizeof buffer);
  close(watch);
  std::string renames;
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    renames += std::string(event->name) + ((event->mask & IN_MOVED_FROM) != 0 ? " > " : ", ");
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  EXPECT_EQ(renames, "store.incoming > store.next, store > store.old, store.next > store, ");
}

TEST_F(RocksBackendTest, FinishesAnAdoptionThatACrashInterrupted) {
  {
    auto store = Open();
    ASSERT_TRUE(store.ok());
    Put(**store, 1, "old");
    ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
    auto incoming = (*store)->NewIncoming();
    ASSERT_TRUE(incoming.ok());
    Put(**incoming, 7, "new");
    ASSERT_TRUE((*incoming)->Flush(Backend::Wait::kYes).ok());
  }
  fs::rename(root_ + "/store.incoming", root_ + "/store.next");
  auto store = Open();
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->position().index, LogIndex{7});
  EXPECT_FALSE(fs::exists(root_ + "/store.next"));
}

TEST_F(RocksBackendTest, FinishesAnAdoptionThatHadMovedTheOldStoreAside) {
  {
    auto store = Open();
    ASSERT_TRUE(store.ok());
    Put(**store, 7, "new");
    ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
  }
  fs::rename(root_ + "/store", root_ + "/store.next");
  fs::create_directory(root_ + "/store.old");
  std::ofstream(root_ + "/store.old/000001.sst") << "old";
  auto store = Open();
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->position().index, LogIndex{7});
  EXPECT_TRUE(test::WaitFor([&] { return !fs::exists(root_ + "/store.old"); }));
}

TEST_F(RocksBackendTest, AnAdoptedStoreLeavesNothingOfTheOldOne) {
  auto store = Open();
  ASSERT_TRUE(store.ok());
  for (std::uint64_t round = 1; round <= 3; ++round) {
    auto incoming = (*store)->NewIncoming();
    ASSERT_TRUE(incoming.ok());
    Put(**incoming, round, "v");
    ASSERT_TRUE((*store)->Adopt(std::move(*incoming)).ok());
    EXPECT_EQ((*store)->position().index, LogIndex{round});
  }
  EXPECT_TRUE(test::WaitFor([&] { return !fs::exists(root_ + "/store.old"); }));
  EXPECT_FALSE(fs::exists(root_ + "/store.next"));
  EXPECT_FALSE(fs::exists(root_ + "/store.incoming"));
}

// Deletions all over the old files: their space comes back without anybody asking for it.
TEST_F(RocksBackendTest, DeletedRowsGiveTheirSpaceBack) {
  auto store = Open();
  ASSERT_TRUE(store.ok());
  constexpr std::uint64_t kRows = 40000;
  std::mt19937 random(1);  // NOLINT: the same bytes each time
  for (std::uint64_t i = 1; i <= kRows; ++i) {
    std::string value(200, '\0');  // of which nothing can be compressed away
    for (char& c : value) c = static_cast<char>(random());
    Put(**store, i, value);
  }
  ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
  Batch batch;
  for (std::uint64_t i = 1; i <= kRows; ++i) {
    if (i % 10 != 0) batch.Delete(Family::kRev, "key" + std::to_string(i));
  }
  ASSERT_TRUE((*store)->Commit(batch, {LogIndex{kRows + 1}, Term{1}}).ok());
  ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
  const auto on_disk = [&] {
    std::uint64_t bytes = 0;
    std::error_code gone;  // files come and go
    for (const auto& entry : fs::directory_iterator(root_ + "/store", gone)) {
      if (entry.path().extension() != ".sst") continue;
      const auto size = fs::file_size(entry.path(), gone);
      if (!gone) bytes += size;
    }
    return bytes;
  };
  EXPECT_GT(on_disk(), 7U << 20);
  EXPECT_TRUE(test::WaitFor([&] { return on_disk() < 2 << 20; }, std::chrono::seconds(20)))
      << on_disk();
}

TEST_F(RocksBackendTest, SaysWhichFileIsDamaged) {
  {
    auto store = Open();
    ASSERT_TRUE(store.ok());
    Put(**store, 1, std::string(100000, 'v'));
    ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
  }
  for (const auto& entry : fs::directory_iterator(root_ + "/store")) {
    if (entry.path().extension() != ".sst") continue;
    fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  }
  const auto store = Open();
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kDataLoss);
  EXPECT_NE(store.error().message.find(".sst"), std::string::npos) << store.error().message;
}

TEST_F(RocksBackendTest, AFileOfAnotherSizeIsSeenBeforeItIsRead) {
  {
    auto store = Open();
    ASSERT_TRUE(store.ok());
    Put(**store, 1, std::string(100000, 'v'));
    ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
  }
  for (const auto& entry : fs::directory_iterator(root_ + "/store")) {
    if (entry.path().extension() != ".sst") continue;
    fs::resize_file(entry.path(), fs::file_size(entry.path()) + 1);
  }
  const auto store = Open();
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kDataLoss);
}

// One bit of a value, turned on the disk: nobody is given the wrong value.
TEST_F(RocksBackendTest, AChangedBitIsAnErrorAndNeverAnotherValue) {
  const std::string marker = "the value that a bit is turned in";
  {
    auto store = Open();
    ASSERT_TRUE(store.ok());
    Put(**store, 1, marker);
    ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
  }
  int turned = 0;
  for (const auto& entry : fs::directory_iterator(root_ + "/store")) {
    if (entry.path().extension() != ".sst") continue;
    std::ostringstream bytes;
    bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    std::string content = bytes.str();
    const std::size_t at = content.find(marker);
    if (at == std::string::npos) continue;
    content[at] ^= 1;
    std::ofstream(entry.path(), std::ios::binary) << content;
    ++turned;
  }
  ASSERT_EQ(turned, 1);
  const auto store = Open();
  if (!store.ok()) return;
  std::string value;
  const Result<bool> found = (*store)->Get(Family::kRev, "key1", &value);
  ASSERT_FALSE(found.ok()) << value;
  EXPECT_EQ(found.error().code, Code::kDataLoss);
}

// A small disk of its own.
class FullDiskTest : public RocksBackendTest {
 protected:
  void SetUp() override {
    RocksBackendTest::SetUp();
    ASSERT_EQ(mount("quorate", root_.c_str(), "tmpfs", 0, "size=24m"), 0) << strerror(errno);
  }
  void TearDown() override {
    umount2(root_.c_str(), MNT_DETACH);
    RocksBackendTest::TearDown();
  }
  void Fill(std::uint64_t bytes_left) {
    const std::uint64_t free = fs::space(root_).available;
    std::ofstream filler(root_ + "/filler", std::ios::binary);
    const std::string block(4096, 'x');
    for (std::uint64_t done = 0; done + bytes_left < free; done += block.size()) filler << block;
  }
  // Commits until the store says that it cannot any more; the last index that it took.
  static std::uint64_t PutUntilItFails(Backend& store, std::uint64_t first) {
    const std::string value(8192, 'v');
    for (std::uint64_t index = first;; ++index) {
      Batch batch;
      std::string unlike = value;  // so that compression does not hide it
      for (std::size_t i = 0; i < unlike.size(); ++i)
        unlike[i] = static_cast<char>((index * 2654435761U + i * i * 40503U) >> 7U);
      batch.Put(Family::kRev, "key" + std::to_string(index), unlike);
      if (!store.Commit(batch, {LogIndex{index}, Term{1}}).ok()) return index - 1;
      if (index == first + 20000) return index;
    }
  }
};

// The engine writes in threads of its own, and its own checks end the process when a file is used
// after an error (members on a full disk died by SIGABRT, with no word of the disk). Whatever file
// the disk is full for, and wherever in it, the store says kResourceExhausted and lives.
TEST_F(FullDiskTest, IsSaidAndLosesNothingThatWasFlushed) {
  Options options;
  options.write_buffer_bytes = std::size_t{1} << 20;
  for (const std::uint64_t left : {0U, 200'000U, 1'500'000U}) {
    SCOPED_TRACE(left);
    std::uint64_t flushed = 0;
    {
      auto store = Open(options);
      ASSERT_TRUE(store.ok()) << store.error().message;
      const std::uint64_t first = (*store)->position().index.value + 1;
      for (std::uint64_t index = first; index < first + 10; ++index) Put(**store, index, "before");
      ASSERT_TRUE((*store)->Flush(Backend::Wait::kYes).ok());
      Fill(left);
      PutUntilItFails(**store, first + 10);
      const Status health = (*store)->health();
      ASSERT_FALSE(health.ok());
      EXPECT_EQ(health.error().code, Code::kResourceExhausted) << health.error().message;
      EXPECT_EQ((*store)->Flush(Backend::Wait::kYes).ok(), false);
      flushed = (*store)->FlushedIndex().value;
      EXPECT_GE(flushed, first + 9);
    }
    fs::remove(root_ + "/filler");
    {
      auto again = Open(options);
      ASSERT_TRUE(again.ok()) << again.error().message;
      EXPECT_GE((*again)->position().index.value, flushed);
      std::string value;
      EXPECT_TRUE(*(*again)->Get(Family::kRev, "key" + std::to_string(flushed), &value));
      Put(**again, (*again)->position().index.value + 1, "after");
      ASSERT_TRUE((*again)->Flush(Backend::Wait::kYes).ok());
    }
    fs::remove_all(root_ + "/store");
  }
}

TEST_F(FullDiskTest, AStoreThatCannotBeOpenedForItSaysSo) {
  Fill(0);
  const auto store = Open();
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kResourceExhausted) << store.error().message;
}

}  // namespace
}  // namespace quorate::storage
