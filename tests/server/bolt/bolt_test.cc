#include <gtest/gtest.h>

#include <map>

#include "bolt/reader.h"
#include "bolt/writer.h"
#include "sim/disk.h"

namespace quorate::bolt {
namespace {

using Buckets = std::map<std::string, std::map<std::string, std::string>>;

Status Fill(const Buckets& buckets, Writer& writer) {
  for (const auto& [name, rows] : buckets) {
    if (Status status = writer.BeginBucket(name); !status.ok()) return status;
    for (const auto& [key, value] : rows) {
      if (Status status = writer.Put(key, value); !status.ok()) return status;
    }
  }
  return {};
}

Result<Buckets> ReadAll(io::Disk& disk, const std::string& path) {
  const auto reader = TRY(Reader::Open(disk, path));
  Buckets buckets;
  for (const Bucket& bucket : reader->buckets()) {
    auto& rows = buckets[bucket.name];
    Cursor cursor(*reader, bucket);
    while (TRY(cursor.Next())) rows.emplace(cursor.key(), cursor.value());
  }
  return buckets;
}

class BoltTest : public testing::Test {
 protected:
  Layout Write(const Buckets& buckets) {
    auto layout = WriteFile(disk_, "db", [&](Writer& writer) { return Fill(buckets, writer); });
    EXPECT_TRUE(layout.ok()) << layout.error().message;
    return *layout;
  }
  void ExpectRoundTrip(const Buckets& buckets) {
    Write(buckets);
    auto read = ReadAll(disk_, "db");
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, buckets);
  }
  std::string Bytes() { return *io::ReadFile(disk_, "db"); }
  // The file with other bytes at offset.
  void Patch(std::uint64_t offset, std::string_view bytes) {
    auto file = *disk_.Open("db", io::OpenMode::kReadWrite);
    ASSERT_TRUE(file->WriteAt(offset, AsBytes(bytes)).ok());
  }

  sim::Disk disk_{1};
};

Buckets Many(int keys, std::size_t value_size) {
  Buckets buckets;
  for (int i = 0; i < keys; ++i) {
    std::string key;
    AppendBigEndian64(key, static_cast<std::uint64_t>(i));
    buckets["key"][key] = std::string(value_size, static_cast<char>('a' + i % 26));
  }
  return buckets;
}

TEST_F(BoltTest, ASmallBucketLiesInsideTheRootPage) {
  const Layout layout = Write({{"key", {{"a", "1"}}}});
  EXPECT_EQ(layout, (Layout{2, 3}));
  // The example of server/bolt/FORMAT.md.
  EXPECT_EQ(ToHex(Bytes().substr(2 * kPageBytes, 16 + 16 + 3 + 50)),
            "02000000000000000200010000000000"
            "01000000100000000300000032000000"
            "6b6579"
            "00000000000000000000000000000000"
            "00000000000000000200010000000000"
            "00000000100000000100000001000000"
            "6131");
}

TEST_F(BoltTest, ReadsBackWhatItWrote) {
  ExpectRoundTrip({});
  ExpectRoundTrip({{"alarm", {}}, {"key", {{"a", ""}}}, {"meta", {{"x", "y"}, {"z", ""}}}});
  ExpectRoundTrip(Many(1, 100));
  ExpectRoundTrip(Many(20'000, 30));
  Buckets mixed = Many(300, 700);
  mixed["key"]["large"] = std::string(1'500'000, 'L');
  mixed["key"]["larger"] = std::string(3'000'000, 'M');
  mixed["auth"]["authEnabled"] = std::string(1, '\0');
  mixed["members"]["8e9e05c52164694d"] = std::string(1500, 'j');
  ExpectRoundTrip(mixed);
}

TEST_F(BoltTest, LongKeysStillMakeATree) {
  Buckets buckets;
  for (int i = 0; i < 200; ++i) {
    buckets["key"][std::string(3000, 'k') + std::to_string(1000 + i)] = "v";
  }
  ExpectRoundTrip(buckets);
}

TEST_F(BoltTest, TheFileIsAsLongAsItsLayoutSaysAndTheSameEachTime) {
  const Buckets buckets = Many(5000, 50);
  const Layout layout = Write(buckets);
  const std::string first = Bytes();
  EXPECT_EQ(first.size(), layout.bytes());
  EXPECT_EQ(Write(buckets), layout);
  EXPECT_EQ(Bytes(), first);
}

// What a stream is: the metas first, though the rows have not been seen yet.
std::string Stream(const Buckets& buckets, const Layout& layout) {
  std::string stream = MetaPages(layout);
  Writer writer([&](quorate::Bytes bytes) -> Status {
    stream += AsText(bytes);
    return {};
  });
  EXPECT_TRUE(Fill(buckets, writer).ok());
  const Status finished = writer.FinishAs(layout);
  EXPECT_TRUE(finished.ok()) << finished.error().message;
  return stream;
}

std::vector<BucketExtent> ExtentsOf(const Buckets& buckets) {
  std::vector<BucketExtent> extents;
  for (const auto& [name, rows] : buckets) {
    BucketExtent& extent = extents.emplace_back(BucketExtent{name, rows.size()});
    for (const auto& [key, value] : rows) {
      extent.bytes += key.size() + value.size();
      extent.key_bytes_max = std::max(extent.key_bytes_max, key.size());
    }
  }
  return extents;
}

TEST_F(BoltTest, AStreamOfMetasAndPagesIsTheFile) {
  const Buckets buckets = Many(3000, 200);
  const Layout layout = Write(buckets);
  EXPECT_EQ(Stream(buckets, layout), Bytes());
}

TEST_F(BoltTest, AStreamWithMoreRoomThanItsRowsNeedReadsTheSame) {
  const Buckets buckets = Many(3000, 200);
  Layout layout = Write(buckets);
  layout.root_page += 700;
  layout.pages += 710;
  const std::string stream = Stream(buckets, layout);
  EXPECT_EQ(stream.size(), layout.bytes());
  ASSERT_TRUE(io::WriteFile(disk_, "db", AsBytes(stream)).ok());
  EXPECT_EQ(*ReadAll(disk_, "db"), buckets);
}

TEST_F(BoltTest, RowsThatNeedMoreRoomThanPromisedAreAnErrorAndNoBrokenFile) {
  const Buckets buckets = Many(3000, 200);
  Layout layout = Write(buckets);
  --layout.root_page;
  --layout.pages;
  Writer writer([](quorate::Bytes) { return Status(); });
  ASSERT_TRUE(Fill(buckets, writer).ok());
  EXPECT_EQ(writer.FinishAs(layout).error().code, Code::kInternal);
}

// Rows of about the size of a page would waste the most if each had a page of its own.
TEST_F(BoltTest, RoomForIsEnoughForRowsOfAnySizeAndNotMuchMore) {
  sim::Prng prng(7);
  for (int round = 0; round < 64; ++round) {
    Buckets buckets;
    const bool long_keys = round % 10 == 9;
    const std::uint64_t value_bytes_max = std::uint64_t{2} << prng.Below(16);
    const std::uint64_t value_bytes_min = prng.Below(2) * value_bytes_max * 9 / 10;
    const std::uint64_t rows_max = std::min<std::uint64_t>(10'000, (2U << 20U) / value_bytes_max);
    for (std::uint64_t row = prng.Below(rows_max); row > 0; --row) {
      std::string key;
      AppendBigEndian64(key, row);
      key.append(prng.Below(long_keys ? 3000 : 40), 'k');
      const std::uint64_t value_bytes =
          value_bytes_min + prng.Below(value_bytes_max - value_bytes_min);
      buckets["bucket" + std::to_string(prng.Below(3))][key] = std::string(value_bytes, 'v');
    }
    const Layout room = RoomFor(ExtentsOf(buckets));
    const Layout used = Write(buckets);
    ASSERT_LE(used.pages, room.pages) << "round " << round;
    if (!long_keys) {
      EXPECT_LE(room.pages, used.pages + used.pages / 14 + 10) << "round " << round;
    }
    ASSERT_TRUE(io::WriteFile(disk_, "db", AsBytes(Stream(buckets, room))).ok());
    EXPECT_EQ(*ReadAll(disk_, "db"), buckets) << "round " << round;
  }
}

TEST_F(BoltTest, AFailingSinkEndsTheWrite) {
  disk_.SetCapacity(100'000);
  const auto layout =
      WriteFile(disk_, "db", [&](Writer& writer) { return Fill(Many(5000, 500), writer); });
  EXPECT_EQ(layout.error().code, Code::kResourceExhausted);
}

TEST_F(BoltTest, RefusesAValueThatBoltCannotName) {
  Writer writer([](quorate::Bytes) { return Status(); });
  ASSERT_TRUE(writer.BeginBucket("key").ok());
  EXPECT_EQ(writer.Put(std::string(32769, 'k'), "").error().code, Code::kInvalidArgument);
}

TEST_F(BoltTest, OneBrokenMetaIsNoHarm) {
  const Buckets buckets = Many(100, 10);
  for (const std::uint64_t page : {0U, 1U}) {
    Write(buckets);
    Patch(page * kPageBytes + 40, "garbage!");
    auto read = ReadAll(disk_, "db");
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, buckets);
  }
}

TEST_F(BoltTest, RefusesGarbageWithATypedError) {
  EXPECT_EQ(Reader::Open(disk_, "none").error().code, Code::kNotFound);
  for (const std::string& garbage : {std::string(), std::string(100, 'x'),
                                     std::string(100'000, '\0'), std::string(70'000, 'x')}) {
    ASSERT_TRUE(io::WriteFile(disk_, "db", AsBytes(garbage)).ok());
    EXPECT_EQ(Reader::Open(disk_, "db").error().code, Code::kDataLoss);
  }
}

TEST_F(BoltTest, RefusesAFileThatWasCutShort) {
  Write(Many(5000, 50));
  const std::string whole = Bytes();
  for (std::size_t size = 0; size < whole.size(); size += 5000) {
    ASSERT_TRUE(io::WriteFile(disk_, "db", AsBytes(whole.substr(0, size))).ok());
    EXPECT_EQ(ReadAll(disk_, "db").error().code, Code::kDataLoss);
  }
}

// A branch page that names itself, or an ancestor, must end in an error and not in a walk for ever.
TEST_F(BoltTest, RefusesACycle) {
  const Layout layout = Write(Many(20'000, 30));
  const auto reader = *Reader::Open(disk_, "db");
  const std::uint64_t root = reader->Find("key")->root_page;
  ASSERT_LT(root, layout.pages);
  std::string self;
  AppendLittleEndian(self, root);
  Patch(root * kPageBytes + kPageHeaderBytes + 8, self);
  EXPECT_EQ(ReadAll(disk_, "db").error().code, Code::kDataLoss);
}

TEST_F(BoltTest, RefusesCountsSizesAndPositionsThatReachOutside) {
  const Buckets buckets = Many(200, 100);
  const std::uint64_t leaf = 2 * kPageBytes;
  const std::vector<std::pair<std::uint64_t, std::string>> patches = {
      {leaf, "\x09"},                   // another page's id
      {leaf + 8, "\x10"},               // a freelist page
      {leaf + 10, "\xff\xff"},          // count
      {leaf + 12, "\xff\xff\xff\x7f"},  // overflow
      {leaf + 16, "\x01"},              // a bucket among rows
      {leaf + 20, "\xff\xff\xff\xff"},  // position
      {leaf + 24, "\xff\xff\xff\xff"},  // key size
      {leaf + 28, "\xff\xff\xff\xff"},  // value size
  };
  for (const auto& [offset, bytes] : patches) {
    Write(buckets);
    Patch(offset, bytes);
    EXPECT_EQ(ReadAll(disk_, "db").error().code, Code::kDataLoss) << offset - leaf;
  }
}

TEST_F(BoltTest, SurvivesRandomDamageAnywhere) {
  const Buckets buckets = Many(2000, 60);
  const Layout layout = Write(buckets);
  sim::Prng prng(99);
  for (int round = 0; round < 400; ++round) {
    // Headers and elements are where damage can hurt; aim there.
    const std::uint64_t offset = prng.Below(layout.pages) * kPageBytes + prng.Below(200);
    const auto mask = static_cast<std::uint8_t>(1U << prng.Below(8));
    disk_.Damage("db", offset, mask);
    const auto read = ReadAll(disk_, "db");
    EXPECT_TRUE(read.ok() || read.error().code == Code::kDataLoss);
    disk_.Damage("db", offset, mask);
  }
  EXPECT_EQ(*ReadAll(disk_, "db"), buckets);
}

}  // namespace
}  // namespace quorate::bolt
