// Every way in which a stored backup can differ from its manifest is refused, and leaves no file.
#include "backup/fetch.h"

#include "backup/zstd_stream.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "io/real_disk.h"
#include "objectstore/directory_store.h"
#include "peers/process.h"

namespace quorate::backup {
namespace {

std::string Compress(const std::string& bytes) {
  std::string out;
  Compressor compressor([&](std::string_view piece) -> Status {
    out += piece;
    return {};
  });
  EXPECT_TRUE(compressor.Write(bytes).ok() && compressor.Finish().ok());
  return out;
}

class FetchTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = std::string(50'000, 'd');
    snapshot_ = database_ + Sha256::Of(database_);
    stored_ = Compress(snapshot_);
    entry_.location = "a/1";
    entry_.manifest.size_bytes = snapshot_.size();
    entry_.manifest.stored_bytes = stored_.size();
    entry_.manifest.sha256 = ToHex(Sha256::Of(stored_));
    entry_.manifest.database_sha256 = ToHex(Sha256::Of(database_));
    Store(stored_);
  }
  void Store(const std::string& bytes) {
    ASSERT_TRUE(store_.Put("a/1/snapshot.db.zst", bytes).ok());
  }
  Status Run() {
    return Fetch(
        store_, entry_, disk_, path_, [](std::uint64_t, std::uint64_t) {}, stage_);
  }
  void ExpectDamaged(const std::string& why) {
    const Status fetched = Run();
    ASSERT_FALSE(fetched.ok());
    EXPECT_EQ(ReasonOf(stage_, fetched.error().code), "BackupDamaged");
    EXPECT_THAT(fetched.error().message, testing::HasSubstr("store/a/1 is damaged: "));
    EXPECT_THAT(fetched.error().message, testing::HasSubstr(why));
    EXPECT_FALSE(io::Exists(disk_, path_).value());
  }

  test::ScratchDirectory scratch_;
  io::RealDisk disk_;
  objectstore::DirectoryStore store_{disk_, scratch_.path() + "/store"};
  std::string path_ = scratch_.path() + "/fetched";
  Entry entry_;
  Stage stage_ = Stage::kArguments;
  std::string database_;
  std::string snapshot_;
  std::string stored_;
};

TEST_F(FetchTest, AGoodBackupBecomesTheSnapshotFile) {
  ASSERT_TRUE(Run().ok());
  EXPECT_TRUE(io::ReadFile(disk_, path_).value() == snapshot_);
}

TEST_F(FetchTest, AFlippedBitIsFound) {
  stored_[stored_.size() / 2] = static_cast<char>(stored_[stored_.size() / 2] ^ 4);
  Store(stored_);
  ExpectDamaged("");
}

TEST_F(FetchTest, ATruncatedObjectIsFound) {
  Store(stored_.substr(0, stored_.size() - 3));
  ExpectDamaged("its stored size is");
}

TEST_F(FetchTest, AMissingObjectIsFound) {
  ASSERT_TRUE(store_.Delete("a/1/snapshot.db.zst").ok());
  ExpectDamaged("snapshot.db.zst is missing");
}

TEST_F(FetchTest, AnotherBackupsObjectIsFoundThoughItIsSound) {
  const std::string other(50'000, 'e');
  Store(Compress(other + Sha256::Of(other)));
  ExpectDamaged("its manifest says");
}

TEST_F(FetchTest, ADatabaseThatDoesNotMatchItsOwnDigestIsFound) {
  std::string wrong = snapshot_;
  wrong[7] = 'x';
  stored_ = Compress(wrong);
  entry_.manifest.stored_bytes = stored_.size();
  entry_.manifest.sha256 = ToHex(Sha256::Of(stored_));
  Store(stored_);
  ExpectDamaged("the SHA-256 of its database is");
}

}  // namespace
}  // namespace quorate::backup
