#include "mvcc/key_index.h"

#include <random>

namespace quorate::mvcc {
namespace {

RevisionId At(std::int64_t main, std::int64_t sub = 0) {
  return {Revision{main}, sub};
}

std::string Dead(KeyIndex& index, std::string_view key, std::int64_t at) {
  std::string text;
  index.Compact(key, Revision{at}, [&](RevisionId id, bool tombstone) {
    text += std::to_string(id.main.value) + "." + std::to_string(id.sub) + (tombstone ? "t " : " ");
  });
  return text;
}

TEST(KeyIndexTest, NumbersTheLivesOfAKey) {
  KeyIndex index;
  EXPECT_EQ(index.Put("a", At(2), {}).version, 1);
  const auto second = index.Put("a", At(3, 1), LeaseId{9});
  EXPECT_EQ(second.version, 2);
  EXPECT_EQ(second.create_revision, Revision{2});
  EXPECT_EQ(second.previous, At(2));
  const auto gone = index.Tombstone("a", At(4));
  EXPECT_EQ(gone.previous, At(3, 1));
  EXPECT_EQ(gone.previous_lease, LeaseId{9});
  EXPECT_FALSE(index.Latest("a"));
  const auto again = index.Put("a", At(7), {});
  EXPECT_EQ(again.version, 1);
  EXPECT_EQ(again.create_revision, Revision{7});
  EXPECT_EQ(again.previous, RevisionId{});
}

TEST(KeyIndexTest, FindsTheRevisionThatWasThere) {
  KeyIndex index;
  index.Put("a", At(2), {});
  index.Put("a", At(4), {});
  index.Tombstone("a", At(6));
  index.Put("a", At(8), {});
  EXPECT_FALSE(index.Find("a", Revision{1}));
  EXPECT_EQ(index.Find("a", Revision{2}), At(2));
  EXPECT_EQ(index.Find("a", Revision{3}), At(2));
  EXPECT_EQ(index.Find("a", Revision{5}), At(4));
  EXPECT_FALSE(index.Find("a", Revision{6}));
  EXPECT_FALSE(index.Find("a", Revision{7}));
  EXPECT_EQ(index.Find("a", Revision{9}), At(8));
  EXPECT_FALSE(index.Find("b", Revision{9}));
}

TEST(KeyIndexTest, TheNewestChangeOfATransactionWins) {
  KeyIndex index;
  index.Put("a", At(2, 0), {});
  index.Put("a", At(2, 5), {});
  EXPECT_EQ(index.Find("a", Revision{2}), At(2, 5));
  EXPECT_EQ(Dead(index, "a", 2), "2.0 ");
}

TEST(KeyIndexTest, CompactionKeepsTheNewestAndATombstoneAtItsOwnRevision) {
  KeyIndex index;
  index.Put("a", At(2), {});
  index.Put("a", At(3), {});
  index.Tombstone("a", At(5));
  index.Put("a", At(7), {});
  EXPECT_EQ(Dead(index, "a", 2), "");
  EXPECT_EQ(Dead(index, "a", 4), "2.0 ");
  EXPECT_EQ(Dead(index, "a", 5), "3.0 ");
  EXPECT_EQ(Dead(index, "a", 6), "5.0t ");
  EXPECT_EQ(Dead(index, "a", 7), "");
  EXPECT_EQ(index.Find("a", Revision{7}), At(7));
}

TEST(KeyIndexTest, AKeyWhoseTombstoneWasPassedIsForgotten) {
  KeyIndex index;
  index.Put("a", At(2), {});
  index.Tombstone("a", At(3));
  EXPECT_EQ(Dead(index, "a", 3), "2.0 ");
  EXPECT_EQ(index.key_count(), 1U);
  EXPECT_EQ(Dead(index, "a", 4), "3.0t ");
  EXPECT_EQ(index.key_count(), 0U);
}

TEST(KeyIndexTest, CountsWhatAScanWouldSee) {
  std::mt19937 random(5);  // NOLINT: a fixed seed replays
  KeyIndex index;
  const auto key = [&] { return "/registry/pods/" + std::to_string(random() % 3000); };
  std::int64_t main = 1;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 200; ++i) {
      const std::string changed = key();
      ++main;
      if (random() % 3 == 0 && index.Latest(changed)) {
        index.Tombstone(changed, At(main));
      } else {
        index.Put(changed, At(main), {});
      }
      if (random() % 4 == 0) Dead(index, key(), main - 50);
    }
    const std::string begin = random() % 4 == 0 ? "" : key();
    const std::string end = random() % 2 == 0 ? std::string(1, '\0') : key();
    const Revision at{main - static_cast<std::int64_t>(random() % 40)};
    std::int64_t expected = 0;
    index.Scan(begin, end, at, [&](std::string_view, RevisionId) {
      ++expected;
      return true;
    });
    std::int64_t counted = 0;
    std::string from = begin;
    for (bool complete = false; !complete;) {
      const auto part = index.Count(KeyRange::FromEtcd(from, end), at, 1 + random() % 100);
      counted += part.count;
      complete = part.complete;
      from = part.next;
    }
    ASSERT_EQ(counted, expected) << "round " << round;
  }
}

TEST(KeyIndexTest, GivesItsMemoryBack) {
  KeyIndex index;
  const std::string large(5000, 'k');
  for (std::int64_t i = 1; i <= 1000; ++i) {
    index.Put("key" + std::to_string(i % 10), At(i), {});
    if (i % 100 == 0) index.Put(large + std::to_string(i), At(i, 1), {});
  }
  const std::size_t full = index.memory_bytes();
  for (std::int64_t i = 0; i < 10; ++i) Dead(index, "key" + std::to_string(i), 2000);
  EXPECT_LT(index.memory_bytes(), full);
  EXPECT_EQ(index.key_count(), 20U);
}

}  // namespace
}  // namespace quorate::mvcc
