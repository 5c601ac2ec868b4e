#include "wal/record.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "wal/payloads.h"
#include "wal/segment.h"

namespace quorate::wal {
namespace {

using Outcome = FrameCursor::Outcome;

// etcd's own test vector for a record, and the padding that a real file adds.
TEST(WalRecordTest, EncodesEtcdsVector) {
  std::string out;
  std::uint32_t crc = 0;
  AppendRecord(out, RecordType::kMetadata, std::string_view("\x08\xef\xfd\x02", 4), crc);
  EXPECT_EQ(ToHex(out), "0e0000000000008208011099b5e4d0031a0408effd020000");
}

// The example of server/wal/FORMAT.md.
TEST(WalRecordTest, TheFormatPagesExampleIsWhatIsWritten) {
  std::string out;
  std::uint32_t crc = 0;
  AppendRecord(out, RecordType::kCrc, {}, crc);
  AppendRecord(out, RecordType::kMetadata, EncodeMetadata({MemberId{1}, ClusterId{2}}), crc);
  AppendRecord(out, RecordType::kSnapshot, EncodeSnapshotMark({}), crc);
  EXPECT_EQ(ToHex(out),
            "04000000000000840804100000000000"
            "0e00000000000082080110a9f6f0ac0c1a04080110020000"
            "0e0000000000008208051099cffffd0d1a04080010000000");
}

TEST(WalRecordTest, TheChecksumRunsOverAllDataSoFar) {
  std::string out;
  std::uint32_t crc = 0;
  AppendRecord(out, RecordType::kEntry, "one", crc);
  AppendRecord(out, RecordType::kEntry, "two", crc);
  EXPECT_EQ(crc, Crc32c(0, AsBytes("onetwo")));
  FrameCursor cursor(out, 0, false);
  ASSERT_EQ(cursor.Next(), Outcome::kRecord);
  EXPECT_EQ(cursor.record().data, "one");
  ASSERT_EQ(cursor.Next(), Outcome::kRecord);
  EXPECT_EQ(cursor.record().data, "two");
  EXPECT_EQ(cursor.crc(), crc);
  EXPECT_EQ(cursor.Next(), Outcome::kEnd);
}

TEST(WalRecordTest, ALengthIsBoundedByTheFileBeforeAnythingIsTaken) {
  std::string out;
  std::uint32_t crc = 0;
  AppendRecord(out, RecordType::kEntry, std::string(40, 'x'), crc);
  for (const std::size_t byte : {3U, 4U, 5U, 6U}) {
    std::string damaged = out;
    damaged[byte] = '\x7f';
    FrameCursor cursor(damaged, 0, false);
    const Outcome outcome = cursor.Next();
    EXPECT_TRUE(outcome == Outcome::kTorn || outcome == Outcome::kDamaged);
  }
}

TEST(WalSegmentTest, NamesAreTwoNumbersOfSixteenDigits) {
  EXPECT_EQ(ToFileName({0, LogIndex{0}}), "0000000000000000-0000000000000000.wal");
  EXPECT_EQ(ToFileName({10, LogIndex{0xabc}}), "000000000000000a-0000000000000abc.wal");
  EXPECT_EQ(ParseFileName("000000000000000a-0000000000000abc.wal"),
            (SegmentName{10, LogIndex{0xabc}}));
  for (const char* other :
       {"0.tmp", "a-b.wal", "000000000000000a-0000000000000abc.wal.broken",
        "000000000000000a_0000000000000abc.wal", "000000000000000g-0000000000000abc.wal"}) {
    EXPECT_EQ(ParseFileName(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace quorate::wal
