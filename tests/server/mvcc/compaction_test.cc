#include "base/crc32c.h"
#include "fixture.h"

namespace quorate::mvcc {
namespace {

std::size_t Rows(const storage::Backend& backend) {
  std::size_t rows = 0;
  const auto cursor = backend.Scan(storage::Family::kRev, "", "");
  for (; cursor->Valid(); cursor->Next()) ++rows;
  return rows;
}

TEST_F(StoreTest, CompactionTakesThePastAtOnceAndTheSpaceStepByStep) {
  for (int i = 0; i < 10; ++i) Put("a", std::to_string(i));  // revisions 2..11
  ASSERT_TRUE(store_->Compact(Revision{8}).ok());
  Commit();
  EXPECT_EQ(Range("a", {}, 7), "etcdserver: mvcc: required revision has been compacted");
  EXPECT_EQ(Range("a", {}, 8), "a=6 count=1");
  EXPECT_EQ(Rows(*backend_), 10U);
  while (store_->compaction_due()) {
    ASSERT_TRUE(store_->CompactStep(1).ok());
    Commit();
  }
  EXPECT_EQ(Rows(*backend_), 4U);
  EXPECT_EQ(store_->finished_compact_revision(), Revision{8});
  EXPECT_EQ(Range("a", {}, 8), "a=6 count=1");
  EXPECT_EQ(Range("a", {}, 11), "a=9 count=1");
}

TEST_F(StoreTest, CompactionRefusesThePastAndTheFuture) {
  Put("a", "1");
  Put("a", "2");
  Compact(2);
  EXPECT_EQ(store_->Compact(Revision{2}).error().message,
            "etcdserver: mvcc: required revision has been compacted");
  EXPECT_EQ(store_->Compact(Revision{4}).error().message,
            "etcdserver: mvcc: required revision is a future revision");
}

TEST_F(StoreTest, ATombstoneAtTheCompactedRevisionStaysUntilTheNext) {
  Put("a", "1");
  Delete("a");  // 3
  Put("b", "1");
  Put("b", "2");
  Compact(3);
  EXPECT_EQ(Rows(*backend_), 3U);
  Compact(4);
  EXPECT_EQ(Rows(*backend_), 2U);
  EXPECT_EQ(store_->key_count(), 1);
}

// A compaction was asked for while the one before it was under way and had just passed a tombstone
// at its very revision, which it had to keep. Nobody looked at that tombstone ever again.
TEST_F(StoreTest, ACompactionInTheMiddleOfAnotherRemovesTheTombstonesThatThatOneKept) {
  Put("a", "1");
  Put("b", "1");
  EXPECT_EQ(Delete("a", "c"), 2);  // 4.0 and 4.1
  Put("c", "1");
  ASSERT_TRUE(store_->Compact(Revision{4}).ok());
  Commit();
  ASSERT_TRUE(store_->CompactStep(3).ok());  // past 4.0
  Commit();
  ASSERT_TRUE(store_->compaction_due());
  Compact(5);
  EXPECT_EQ(Rows(*backend_), 1U);
  EXPECT_EQ(store_->key_count(), 1);
}

TEST_F(StoreTest, AnInterruptedCompactionGoesOnAfterARestart) {
  for (int i = 0; i < 10; ++i) Put("key" + std::to_string(i % 3), std::to_string(i));
  ASSERT_TRUE(store_->Compact(Revision{10}).ok());
  Commit();
  ASSERT_TRUE(store_->CompactStep(4).ok());
  Commit();
  Reopen();
  EXPECT_EQ(store_->compact_revision(), Revision{10});
  EXPECT_TRUE(store_->compaction_due());
  while (store_->compaction_due()) {
    ASSERT_TRUE(store_->CompactStep(4).ok());
    Commit();
  }
  EXPECT_EQ(Rows(*backend_), 4U);
  EXPECT_EQ(Range(kAll, kAll, 10), "key0=6 key1=7 key2=8 count=3");
}

TEST_F(StoreTest, ALongRangeKeepsWhatItReadsFromCompaction) {
  for (const char* key : {"a", "b", "c", "d"}) Put(key, "old");
  auto task = store_->StartRange({.key = "a", .range_end = kAll});
  ASSERT_TRUE(task.ok());
  EXPECT_FALSE(*(*task)->Step(2));
  for (const char* key : {"a", "b", "c", "d"}) Put(key, "new");
  Put("aa", "new");
  ASSERT_TRUE(store_->Compact(Revision{10}).ok());
  Commit();
  EXPECT_FALSE(store_->compaction_due());
  while (!*(*task)->Step(1)) {
  }
  etcdserverpb::RangeResponse response;
  ASSERT_TRUE(response.ParseFromString((*task)->Take().body));
  EXPECT_EQ(Text(response), "a=old b=old c=old d=old count=4");
  task->reset();
  EXPECT_TRUE(store_->compaction_due());
}

// The definition, row by row: reliability.md KV-13, etcd.md 7.5.
TEST_F(StoreTest, TheHashIsOfNameAndRowsUpToTheRevision) {
  Put("a", "1");
  Put("b", "2");
  std::uint32_t expected = Crc32c(0, AsBytes("key"));
  expected = Crc32c(expected, AsBytes(RowName({Revision{2}, 0}, false).text()));
  expected = Crc32c(expected, AsBytes(Encode({"a", Revision{2}, Revision{2}, 1, "1", {}})));
  EXPECT_EQ(Hash(2), expected);
  EXPECT_NE(Hash(0), expected);
  EXPECT_EQ(Hash(0), Hash(3));
}

TEST_F(StoreTest, TheHashIsTheSameBeforeAndAfterTheSpaceIsTaken) {
  for (int i = 0; i < 30; ++i) {
    Put("key" + std::to_string(i % 7), std::to_string(i));
    if (i % 5 == 0) Delete("key" + std::to_string((i + 3) % 7));
  }
  ASSERT_TRUE(store_->Compact(Revision{20}).ok());
  Commit();
  const std::uint32_t before = Hash(0);
  const std::uint32_t before_at = Hash(25);
  while (store_->compaction_due()) {
    ASSERT_TRUE(store_->CompactStep(3).ok());
    Commit();
  }
  EXPECT_EQ(Hash(0), before);
  EXPECT_EQ(Hash(25), before_at);
  Reopen();
  EXPECT_EQ(Hash(0), before);
  EXPECT_FALSE(store_->StartHash(Revision{19}).ok());
  EXPECT_FALSE(store_->StartHash(Revision{100}).ok());
}

}  // namespace
}  // namespace quorate::mvcc
