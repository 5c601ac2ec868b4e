#include "mvcc/record.h"

#include <random>

#include "mvcc/revision_id.h"
#include "proto/mvcc.pb.h"

namespace quorate::mvcc {
namespace {

mvccpb::KeyValue Proto(const Record& record) {
  mvccpb::KeyValue kv;
  kv.set_key(std::string(record.key));
  kv.set_create_revision(record.create_revision.value);
  kv.set_mod_revision(record.mod_revision.value);
  kv.set_version(record.version);
  kv.set_value(std::string(record.value));
  kv.set_lease(record.lease.value);
  return kv;
}

TEST(RecordTest, WritesTheBytesThatProtobufWrites) {
  std::mt19937_64 random(7);  // NOLINT: a fixed seed replays
  const auto number = [&] { return static_cast<std::int64_t>(random() >> (random() % 64)); };
  for (int i = 0; i < 2000; ++i) {
    const std::string key(random() % 200, 'k');
    const std::string value(random() % 300, '\0');
    const Record record{key,   Revision{number()}, Revision{number()}, number(),
                        value, LeaseId{number()}};
    const std::string bytes = Encode(record);
    ASSERT_EQ(bytes, Proto(record).SerializeAsString());
    Record back;
    ASSERT_TRUE(Decode(bytes, &back));
    EXPECT_EQ(back.key, key);
    EXPECT_EQ(back.value, value);
    EXPECT_EQ(back.create_revision, record.create_revision);
    EXPECT_EQ(back.mod_revision, record.mod_revision);
    EXPECT_EQ(back.version, record.version);
    EXPECT_EQ(back.lease, record.lease);
  }
}

TEST(RecordTest, SkipsFieldsOfALaterVersion) {
  std::string bytes = Encode({"k", Revision{2}, Revision{3}, 1, "v", LeaseId{}});
  bytes += std::string(
      "\x38\x05\x42\x02xy\x4d"
      "abcd"
      "\x51"
      "abcdefgh",
      20);
  Record record;
  ASSERT_TRUE(Decode(bytes, &record));
  EXPECT_EQ(record.value, "v");
}

TEST(RecordTest, RefusesEveryTruncation) {
  const std::string bytes = Encode({"key", Revision{300}, Revision{301}, 2, "value", LeaseId{9}});
  int whole = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Record record;
    if (Decode(bytes.substr(0, size), &record)) ++whole;  // cuts between fields
  }
  EXPECT_EQ(whole, 6);
}

TEST(RowNameTest, IsEtcdsAndReadsBack) {
  EXPECT_EQ(RowName({Revision{258}, 3}, false).text(),
            std::string_view("\0\0\0\0\0\0\x01\x02_\0\0\0\0\0\0\0\x03", 17));
  EXPECT_EQ(RowName({Revision{258}, 3}, true).text().substr(17), "t");
  const auto row = DecodeRowName(RowName({Revision{258}, 3}, true).text());
  ASSERT_TRUE(row);
  EXPECT_EQ(row->id, (RevisionId{Revision{258}, 3}));
  EXPECT_TRUE(row->tombstone);
  EXPECT_FALSE(DecodeRowName("short"));
  EXPECT_FALSE(DecodeRowName(std::string(17, 'x')));
}

// Such a row was taken, and the next one of its key, behind it by its name and below it by its
// number, ended the start with a CHECK.
TEST(RowNameTest, NumbersThatNoRevisionHasAreNone) {
  EXPECT_FALSE(DecodeRowName(RowName({Revision{-1}, 0}, false).text()));
  EXPECT_FALSE(DecodeRowName(RowName({Revision{1}, -1}, false).text()));
  EXPECT_FALSE(DecodeRowName(RowName({Revision{1}, std::int64_t{1} << 62}, false).text()));
}

}  // namespace
}  // namespace quorate::mvcc
