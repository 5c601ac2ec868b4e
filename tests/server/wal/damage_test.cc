// What a log that was cut short, overwritten or flipped says: never something else than before.
#include "server/wal/log_fixture.h"
#include "wal/payloads.h"
#include "wal/record.h"

namespace quorate::wal {
namespace {

constexpr std::uint64_t kCreateBytes = 80;  // checksum, metadata and the first mark

// True when `got` is a beginning of `whole`: nothing invented, nothing changed, nothing skipped.
bool IsPrefix(const std::vector<raft::Entry>& got, const std::vector<raft::Entry>& whole) {
  return got.size() <= whole.size() && std::equal(got.begin(), got.end(), whole.begin());
}

class WalDamageTest : public LogFixture {
 protected:
  // Two synced batches in one segment.
  void Build() {
    Create();
    Append(1, 4, 1);
    writer_->Mark(MakeMark(2, 1));
    ASSERT_TRUE(writer_->Sync().ok());
    Append(5, 9, 2, 130);
    ASSERT_TRUE(writer_->Sync().ok());
    writer_.reset();
    whole_ = *Read();
    path_ = Path(0, 0);
    bytes_ = Bytes(path_);
  }
  void Put(std::string_view bytes) {
    auto file = *disk_.Open(path_, io::OpenMode::kTruncate);
    ASSERT_TRUE(file->WriteAt(0, AsBytes(bytes)).ok());
    ASSERT_TRUE(file->Sync().ok());
  }

  Contents whole_;
  std::string path_;
  std::string bytes_;
};

TEST_F(WalDamageTest, CutAtAnyByteItKeepsWhatIsWholeAndNothingElse) {
  Build();
  for (std::uint64_t size = 0; size < whole_.tail.offset; ++size) {
    Put(std::string_view(bytes_).substr(0, size));
    auto contents = Read();
    if (!contents.ok()) {
      EXPECT_LT(size,
                kCreateBytes);  // within what Create made durable before anybody knew of the log
      continue;
    }
    EXPECT_TRUE(IsPrefix(contents->entries, whole_.entries));
    EXPECT_NE(contents->torn.has_value(), contents->tail.offset == size) << size;
  }
}

TEST_F(WalDamageTest, ZerosFromAnySectorOnAreATornTailOrTheEnd) {
  Build();
  for (std::uint64_t size = 512; size < whole_.tail.offset; size += 512) {
    Put(bytes_.substr(0, size) + std::string(bytes_.size() - size, '\0'));
    auto contents = Read();
    ASSERT_TRUE(contents.ok()) << contents.error().message;
    EXPECT_TRUE(IsPrefix(contents->entries, whole_.entries));
  }
}

TEST_F(WalDamageTest, ARepairCutsTheTornTailKeepsACopyAndTheLogGoesOn) {
  Build();
  Put(std::string_view(bytes_).substr(0, whole_.tail.offset - 3));
  const Contents torn = Reopen();
  ASSERT_TRUE(torn.torn.has_value());
  EXPECT_EQ(torn.entries.size(), 9U);  // the torn record is the last hard state
  EXPECT_EQ(torn.hard_state, MakeState(1, 4));
  EXPECT_EQ(Bytes(path_ + ".broken").size(), whole_.tail.offset - 3);
  Append(10, 10, 3);
  ASSERT_TRUE(writer_->Sync().ok());
  const Contents after = *Read();
  EXPECT_FALSE(after.torn.has_value());
  EXPECT_EQ(after.entries.size(), 10U);
  EXPECT_EQ(after.hard_state, MakeState(3, 10));
}

TEST_F(WalDamageTest, ARepairAloneLeavesAWholeLog) {
  Build();
  Put(std::string_view(bytes_).substr(0, whole_.tail.offset - 3));
  const auto torn = Read()->torn;
  ASSERT_TRUE(torn.has_value());
  ASSERT_TRUE(RepairTail(disk_, *torn).ok());
  EXPECT_FALSE(Read()->torn.has_value());
}

TEST_F(WalDamageTest, AFlippedBitIsAnErrorOrATornTailButNeverAnotherLog) {
  Build();
  std::size_t damaged = 0;
  std::size_t torn = 0;
  for (std::uint64_t bit = 0; bit < whole_.tail.offset * 8; ++bit) {
    std::string flipped = bytes_;
    flipped[bit / 8] =
        static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ (1U << (bit % 8)));
    Put(flipped);
    const auto contents = Read();
    if (!contents.ok()) {
      EXPECT_EQ(contents.error().code, Code::kDataLoss);
      EXPECT_NE(contents.error().message.find(path_), std::string::npos);
      ++damaged;
    } else {
      EXPECT_TRUE(contents->torn.has_value()) << "bit " << bit % 8 << " of byte " << bit / 8;
      EXPECT_TRUE(IsPrefix(contents->entries, whole_.entries));
      ++torn;
    }
  }
  EXPECT_GT(damaged, 0U);
  EXPECT_EQ(torn, 0U);
}

// A value of zeros fills whole sectors with zeros, as a lost sector does: a bit that decayed in
// such a record was taken for a torn write, and the synced records behind it were cut away.
TEST_F(WalDamageTest, AFlippedBitBesideASectorOfZerosIsNotATornTail) {
  for (const std::size_t head : {5U, 700U}) {
    writer_.reset();
    ASSERT_TRUE(io::RemoveTree(disk_, kDirectory).ok());
    Create();
    const auto entry = MakeEntry(1, 1, std::string(head, 'h') + std::string(1600, '\0') + "tail");
    const raft::HardState state = MakeState(1, 0);
    writer_->Append(std::span(&entry, 1), &state);
    ASSERT_TRUE(writer_->Sync().ok());
    Append(2, 3, 1);
    ASSERT_TRUE(writer_->Sync().ok());
    writer_.reset();
    path_ = Path(0, 0);
    bytes_ = Bytes(path_);
    const std::size_t last = bytes_.find("tail") + 4;
    const auto dense = [&](std::size_t byte) {
      return byte < kCreateBytes + 40 || byte + 5 > last;
    };
    for (std::size_t bit = kCreateBytes * 8; bit < last * 8; bit += dense(bit / 8) ? 1U : 61U) {
      std::string flipped = bytes_;
      flipped[bit / 8] =
          static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ (1U << (bit % 8)));
      Put(flipped);
      const auto contents = Read();
      ASSERT_FALSE(contents.ok()) << "bit " << bit % 8 << " of byte " << bit / 8;
      ASSERT_EQ(contents.error().code, Code::kDataLoss);
    }
  }
}

TEST_F(WalDamageTest, DamageInTheMiddleIsNeverCutAway) {
  Build();
  std::string flipped = bytes_;
  flipped[bytes_.find("t1i2")] = 'T';
  Put(flipped);
  EXPECT_EQ(Read().error().message.substr(0, 18), "wal: crc mismatch:");
  flipped = bytes_;
  flipped.replace(bytes_.find("t2i9"), 4, "T9I0");  // more than one bit, in the last entry
  Put(flipped);
  const auto contents = Read();
  ASSERT_FALSE(contents.ok());
  EXPECT_EQ(contents.error().message.substr(0, 18), "wal: crc mismatch:");
}

// A length that was overwritten takes the records behind it for its own data, and what follows them
// are the zeros of a segment that was filled ahead: as if a write had lost its last sectors.
TEST_F(WalDamageTest, ALengthThatSwallowsIntactRecordsIsDamage) {
  Build();
  const std::uint64_t payload = whole_.tail.offset + 1024 - kCreateBytes - 8;
  for (const std::uint64_t length : {payload / 8 * 8, std::uint64_t{1} << 20U}) {
    std::string damaged = bytes_;
    for (std::size_t i = 0; i < 8; ++i) {
      damaged[kCreateBytes + i] = static_cast<char>(length >> (8 * i));
    }
    damaged.resize(std::max<std::size_t>(damaged.size(), whole_.tail.offset + 4096));
    Put(damaged);
    const auto contents = Read();
    ASSERT_FALSE(contents.ok()) << length;
    EXPECT_EQ(contents.error().code, Code::kDataLoss);
  }
}

TEST_F(WalDamageTest, ALostSectorInTheMiddleOfAWriteIsATornTail) {
  Build();
  std::string holed = bytes_;
  holed.replace(whole_.tail.offset / 512 * 512 - 512, 512, std::string(512, '\0'));
  Put(holed);
  const auto contents = Read();
  ASSERT_TRUE(contents.ok()) << contents.error().message;
  EXPECT_TRUE(contents->torn.has_value());
  EXPECT_TRUE(IsPrefix(contents->entries, whole_.entries));
  EXPECT_LT(contents->entries.size(), whole_.entries.size());
}

TEST_F(WalDamageTest, OnlyTheLastSegmentMayBeTorn) {
  Create({4096, 4096});
  for (std::uint64_t index = 1; index <= 20; ++index) {
    Append(index, index, 1, 400);
    ASSERT_TRUE(writer_->Sync().ok());
  }
  writer_.reset();
  path_ = Path(0, 0);
  const std::string first = Bytes(path_);
  // Cut within a record, at a sector, and between two records, which breaks the chain.
  for (const std::size_t size : {first.size() - 8, std::size_t{1024}, std::size_t{64}}) {
    Put(first.substr(0, size));
    EXPECT_EQ(Read().error().code, Code::kDataLoss) << size;
  }
  // Behind its last record, which no later one could tell.
  Put(first + "abc");
  EXPECT_FALSE(Read().ok());
}

TEST_F(WalDamageTest, ASegmentOfAnotherHistoryIsRefused) {
  Create({4096, 4096});
  Append(1, 20, 1, 400);
  ASSERT_TRUE(writer_->Sync().ok());
  sim::Disk other(2);
  ASSERT_TRUE(other.MakeDirectories("member").ok());
  writer_ = *Writer::Create(other, kDirectory, kOwner, {4096, 4096});
  Append(1, 20, 2, 400);
  ASSERT_TRUE(writer_->Sync().ok());
  writer_.reset();
  path_ = Path(1, 21);
  Put(*io::ReadFile(other, path_));
  EXPECT_EQ(Read().error().code, Code::kDataLoss);
}

TEST_F(WalDamageTest, AnotherMembersSegmentIsRefused) {
  Create({4096, 4096});
  Append(1, 20, 1, 400);
  ASSERT_TRUE(writer_->Sync().ok());
  sim::Disk other(2);
  ASSERT_TRUE(other.MakeDirectories("member").ok());
  writer_ = *Writer::Create(other, kDirectory, {MemberId{5}, kOwner.cluster}, {4096, 4096});
  Append(1, 20, 1, 400);
  ASSERT_TRUE(writer_->Sync().ok());
  writer_.reset();
  path_ = Path(1, 21);
  Put(*io::ReadFile(other, path_));
  EXPECT_EQ(Read().error().code, Code::kDataLoss);
}

// The checksum goes on as it should, so only the name of the member tells.
TEST_F(WalDamageTest, ASegmentThatNamesAnotherMemberIsRefused) {
  Build();
  std::string next;
  std::uint32_t crc = whole_.tail.crc;
  AppendRecord(next, RecordType::kCrc, {}, crc);
  AppendRecord(next, RecordType::kMetadata, EncodeMetadata({MemberId{5}, kOwner.cluster}), crc);
  path_ = Path(1, 10);
  auto file = disk_.Open(path_, io::OpenMode::kCreateNew);
  ASSERT_TRUE(file.ok());
  Put(next);
  EXPECT_EQ(Read().error().message.substr(0, 32), "wal: conflicting metadata found:");
}

}  // namespace
}  // namespace quorate::wal
