#include "mvcc/key_tree.h"

#include <map>
#include <random>

namespace quorate::mvcc {
namespace {

// A tree beside a plain map; every check compares the two.
class KeyTreeTest : public testing::Test {
 protected:
  void Insert(const std::string& key) {
    KeyEntry* found = tree_.FindForInsert(key);
    ASSERT_EQ(found != nullptr, twin_.contains(key));
    if (found != nullptr) return;
    KeyEntry* entry = arena_.NewEntry(key);
    tree_.Insert(entry);
    twin_[key] = entry;
  }
  void Erase(const std::string& key) {
    tree_.Erase(key);
    arena_.FreeEntry(twin_.at(key));
    twin_.erase(key);
  }
  void ExpectSame(std::string_view from = {}) {
    tree_.Verify();
    ASSERT_EQ(tree_.size(), twin_.size());
    auto cursor = tree_.LowerBound(from);
    for (auto at = twin_.lower_bound(from); at != twin_.end(); ++at, cursor.Next()) {
      ASSERT_TRUE(cursor.Valid());
      ASSERT_EQ(cursor.entry().key(), at->first);
    }
    EXPECT_FALSE(cursor.Valid());
  }

  EntryArena arena_;
  KeyTree tree_;
  std::map<std::string, KeyEntry*, std::less<>> twin_;
};

TEST_F(KeyTreeTest, KeepsAscendingKeys) {
  for (int i = 10000; i < 20000; ++i) Insert("/registry/pods/default/pod-" + std::to_string(i));
  ExpectSame();
  EXPECT_NE(tree_.Find("/registry/pods/default/pod-12345"), nullptr);
  EXPECT_EQ(tree_.Find("/registry/pods/default/pod-1234"), nullptr);
  EXPECT_EQ(tree_.Find("/registry/pods/default/pod-123456"), nullptr);
}

TEST_F(KeyTreeTest, KeepsDescendingKeys) {
  for (int i = 20000; i > 10000; --i) Insert(std::to_string(i));
  ExpectSame();
}

TEST_F(KeyTreeTest, TellsKeysApartThatDifferInZeroBytesAtTheEnd) {
  std::string key = "a";
  for (int i = 0; i < 200; ++i) {
    Insert(key);
    key.push_back('\0');
  }
  Insert("");
  ExpectSame();
  ExpectSame(std::string("a\0\0", 3));
}

TEST_F(KeyTreeTest, EmptiesFromEitherEnd) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 1000; i < 6000; ++i) Insert(std::to_string(i));
    while (!twin_.empty()) {
      Erase(round == 0 ? twin_.begin()->first : twin_.rbegin()->first);
      if (twin_.size() % 500 == 0) ExpectSame();
    }
    ExpectSame();
  }
}

TEST_F(KeyTreeTest, AgreesWithAMapThroughRandomChanges) {
  std::mt19937 random(11);  // NOLINT: a fixed seed replays
  const std::vector<std::string> stems = {"", "/registry/", "/registry/pods/ns-", "z"};
  for (int step = 0; step < 60000; ++step) {
    const bool growing = (step / 10000) % 2 == 0;
    if (!twin_.empty() && random() % 10 < (growing ? 3 : 7)) {
      auto victim = twin_.lower_bound(std::to_string(random() % 100000));
      if (random() % 2 == 0) victim = twin_.lower_bound("/registry/" + std::to_string(random()));
      if (victim == twin_.end()) victim = twin_.begin();
      Erase(victim->first);
    } else {
      std::string key = stems[random() % stems.size()] + std::to_string(random() % 100000);
      key.resize(key.size() + random() % 3, static_cast<char>(random() % 3));
      Insert(key);
    }
    if (step % 1500 == 0) ExpectSame(std::to_string(random() % 100000));
  }
  ExpectSame();
}

}  // namespace
}  // namespace quorate::mvcc
