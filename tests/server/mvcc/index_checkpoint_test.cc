// The index checkpoint: whatever a crash leaves, the index that a restart loads is the one that the
// whole history would give.
#include "mvcc/index_checkpoint.h"

#include <random>

#include "base/bytes.h"
#include "fixture.h"

namespace quorate::mvcc {
namespace {

using storage::Backend;
using storage::Family;

class IndexCheckpointTest : public StoreTest {
 protected:
  // A whole checkpoint, `keys` a step.
  void Checkpoint(std::size_t keys = 3) {
    bool complete = false;
    while (!complete) {
      complete = store_->CheckpointStep(keys);
      Commit();
    }
  }
  void Flush() { ASSERT_TRUE(backend_->Flush(Backend::Wait::kYes).ok()); }
  Restored Read() {
    auto restored = Restore(*backend_);
    EXPECT_TRUE(restored.ok()) << restored.error().message;
    return std::move(*restored);
  }
  // The same from the history alone.
  Restored ReadHistory() {
    auto copy = std::make_shared<storage::MemoryStorage>();
    copy->flushed = storage_->flushed;
    copy->flushed[storage::Slot(Family::kIndex)] = nullptr;
    copy->position = storage_->position;
    auto restored = Restore(storage::MemoryBackend(copy));
    EXPECT_TRUE(restored.ok()) << restored.error().message;
    return std::move(*restored);
  }
  // What was not flushed is gone.
  void Crash() {
    store_.reset();
    leases_.keys.clear();
    batch_.Clear();
    Open();
  }
  void Rewrite(std::string_view row, std::string_view value) {
    batch_.Put(Family::kIndex, row, value);
    Commit();
  }
  std::string Row(std::string_view row) {
    std::string value;
    EXPECT_TRUE(*backend_->Get(Family::kIndex, row, &value));
    return value;
  }
};

// What can be asked of an index at `at`. While a compaction is under way, what HashKV sees of keys
// that changed twice in its very revision is not settled.
std::string Show(const KeyIndex& index, Revision at, bool settled = true) {
  std::string text;
  index.Scan("", kAll, at, [&](std::string_view key, RevisionId id) {
    text += std::string(key) + "@" + std::to_string(id.main.value) + "." + std::to_string(id.sub);
    text += !settled || index.FindKept(key, at) ? " " : "? ";
    return true;
  });
  const auto counted = index.Count(KeyRange::FromEtcd(std::string_view("\0", 1), kAll), at, 1000);
  return text + std::to_string(counted.count);
}

std::string ShowLatest(const KeyIndex& index, Revision now) {
  std::string text;
  index.Scan("", kAll, now, [&](std::string_view key, RevisionId) {
    const auto latest = index.Latest(key);
    text += std::string(key) + " created " + std::to_string(latest->create_revision.value) +
            " version " + std::to_string(latest->version) + "\n";
    return true;
  });
  return text;
}

void ExpectSame(const Restored& a, const Restored& b) {
  EXPECT_EQ(a.revision, b.revision);
  EXPECT_EQ(a.compact_revision, b.compact_revision);
  for (Revision at = std::max(Revision{1}, a.compact_revision); at <= a.revision; at = at + 1) {
    const bool settled = at != a.compact_revision || a.finished_compact_revision == at;
    EXPECT_EQ(Show(*a.index, at, settled), Show(*b.index, at, settled)) << "at " << at.value;
  }
  EXPECT_EQ(ShowLatest(*a.index, a.revision), ShowLatest(*b.index, b.revision));
}

TEST_F(IndexCheckpointTest, ARestartReadsOnlyTheHistoryBehindIt) {
  for (int i = 0; i < 10; ++i) Put("key" + std::to_string(i), "v");
  Put("key3", "again");
  Checkpoint();
  Put("key4", "later");
  Delete("key5");
  Flush();
  const Restored restored = Read();
  ASSERT_TRUE(restored.checkpoint.has_value());
  EXPECT_EQ(restored.checkpoint->keys, 10U);
  EXPECT_EQ(restored.checkpoint->chunks, 4U);
  EXPECT_EQ(restored.rows, 2U);
  ExpectSame(restored, ReadHistory());
}

TEST_F(IndexCheckpointTest, AWalkThatACrashCutShortIsAsIfItHadNotBeen) {
  for (int i = 0; i < 10; ++i) Put("key" + std::to_string(i), "v");
  Checkpoint();
  Put("key3", "again");
  ASSERT_FALSE(store_->CheckpointStep(4));
  Commit();
  Flush();
  Crash();
  EXPECT_EQ(Read().checkpoint->generation, 1U);
  ExpectSame(Read(), ReadHistory());
  Checkpoint(100);
  Flush();
  EXPECT_EQ(Read().checkpoint, (CheckpointHead{2, Revision{12}, 1, 10}));
  EXPECT_EQ(Read().refused, "");
}

TEST_F(IndexCheckpointTest, ChangesDuringTheWalkAreFoundInTheHistory) {
  for (int i = 0; i < 10; ++i) Put("key" + std::to_string(i), "v");
  ASSERT_FALSE(store_->CheckpointStep(5));
  Commit();
  Put("key1", "behind the walk");
  Put("key8", "before the walk");
  Put("key00", "new, behind");
  Put("key99", "new, before");
  Delete("key2");
  Delete("key7");
  Put("key7", "a second life");
  Checkpoint();
  Flush();
  ASSERT_EQ(Read().checkpoint->begin, Revision{11});
  ExpectSame(Read(), ReadHistory());
}

// The row that says that a key was deleted is gone; only the note tells.
TEST_F(IndexCheckpointTest, AKeyThatCompactionForgotDoesNotComeBack) {
  Put("a", "1");
  Put("b", "1");
  Checkpoint();
  Delete("a");
  Delete("b");
  Put("b", "a second life");  // revision 6
  Put("c", "1");
  Compact(5);
  Flush();
  const Restored restored = Read();
  ASSERT_TRUE(restored.checkpoint.has_value());
  ExpectSame(restored, ReadHistory());
  EXPECT_EQ(Show(*restored.index, Revision{5}), "0");
  EXPECT_EQ(Show(*restored.index, Revision{6}), "b@6.0 1");
}

TEST_F(IndexCheckpointTest, ACompactionThatACrashCutShortIsFinishedOverTheIndex) {
  for (int i = 0; i < 4; ++i) Put("key" + std::to_string(i), "v");
  Checkpoint();
  for (int i = 0; i < 4; ++i) Put("key" + std::to_string(i), "w");
  Delete("key0");
  ASSERT_TRUE(store_->Compact(Revision{10}).ok());
  Commit();
  ASSERT_TRUE(store_->CompactStep(5).ok());
  Commit();
  Flush();
  Crash();
  ASSERT_TRUE(store_->compaction_due());
  while (store_->compaction_due()) {
    ASSERT_TRUE(store_->CompactStep(1).ok());
    Commit();
  }
  Flush();
  EXPECT_EQ(Range("", kAll), "key1=w key2=w key3=w count=3");
  ExpectSame(Read(), ReadHistory());
  std::size_t rows = 0;
  for (auto row = backend_->Scan(Family::kRev, "", ""); row->Valid(); row->Next()) ++rows;
  EXPECT_EQ(rows, 4U);  // one of them key0's tombstone, at the very revision
}

TEST_F(IndexCheckpointTest, LeasesAreBoundAgain) {
  leases_.known = {LeaseId{5}, LeaseId{6}};
  Put("a", "1", 5);
  Put("b", "1", 6);
  Put("c", "1", 5);
  Checkpoint();
  Put("c", "2", 6);
  leases_.known = {LeaseId{6}};  // revoked since; a crash came before its keys were deleted
  Reopen();
  EXPECT_EQ(leases_.keys.size(), 1U);
  EXPECT_EQ(leases_.keys[LeaseId{6}], (std::set<std::string>{"b", "c"}));
}

TEST_F(IndexCheckpointTest, DamageIsNoticedAndTheHistoryReadInstead) {
  for (int i = 0; i < 10; ++i) Put("key" + std::to_string(i), "v");
  Checkpoint();
  std::vector<std::pair<std::string, std::string>> rows;
  for (auto row = backend_->Scan(Family::kIndex, "", ""); row->Valid(); row->Next()) {
    rows.emplace_back(row->key(), row->value());
  }
  ASSERT_EQ(rows.size(), 5U);
  for (const auto& [name, value] : rows) {
    for (std::size_t at = 0; at < value.size(); ++at) {
      std::string damaged = value;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      Rewrite(name, damaged);
      const Restored restored = Read();
      EXPECT_FALSE(restored.checkpoint.has_value()) << ToHex(name) << " byte " << at;
      EXPECT_NE(restored.refused, "");
      EXPECT_EQ(restored.index->key_count(), 10U);
    }
    Rewrite(name, value);
    EXPECT_TRUE(Read().checkpoint.has_value());
  }
  batch_.Delete(Family::kIndex, rows[1].first);
  Commit();
  EXPECT_EQ(Read().refused, "index checkpoint: a chunk is missing");
  Reopen();
  Checkpoint();  // takes the place of the damaged one
  EXPECT_TRUE(Read().checkpoint.has_value());
}

TEST_F(IndexCheckpointTest, TheWorkedExampleOfTheFormat) {
  leases_.known = {LeaseId{9}};
  Put("a", "1");
  Put("ab", "1");
  for (int i = 0; i < 3; ++i) Put("x", "1");
  Put("ab", "2", 9);
  Checkpoint();
  const std::string chunk = Row(std::string("c\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 17));
  EXPECT_EQ(ToHex(chunk.substr(4, 5)), "0400016102");
  EXPECT_EQ(ToHex(chunk.substr(9, 11)), "1801016207030209010300");
}

TEST_F(IndexCheckpointTest, IsDueByChangesAndNotByAge) {
  EXPECT_FALSE(store_->checkpoint_worthwhile());
  {
    WriteTxn txn(*store_);
    for (int i = 0; i < 2001; ++i) txn.Put("key" + std::to_string(i % 50), "v", LeaseId{});
    txn.End();
  }
  Commit();
  EXPECT_TRUE(store_->checkpoint_worthwhile());
  EXPECT_FALSE(store_->checkpoint_due());
  Checkpoint();
  EXPECT_FALSE(store_->checkpoint_worthwhile());
}

// Puts, deletions, transactions, compactions in steps, walks in steps, flushes and crashes in any
// order.
class IndexCheckpointPropertyTest : public IndexCheckpointTest,
                                    public testing::WithParamInterface<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};  // NOLINT: a fixed seed replays

  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  std::string Key() { return (Draw(2) == 0 ? "k" : "registry/k") + std::to_string(Draw(12)); }

  void Change() {
    WriteTxn txn(*store_);
    for (auto n = 1 + Draw(3); n > 0; --n) {
      if (Draw(5) < 3) {
        txn.Put(Key(), "v", LeaseId{});
      } else {
        txn.DeleteRange(Key(), Draw(4) == 0 ? std::string(kAll) : "");
      }
    }
    txn.End();
    Commit();
  }
  void Act() {
    switch (Draw(12)) {
      case 0: {
        const std::int64_t at =
            store_->compact_revision().value + 1 + static_cast<std::int64_t>(Draw(8));
        if (at > 0 && Revision{at} <= store_->revision()) {
          EXPECT_TRUE(store_->Compact(Revision{at}).ok());
          Commit();
        }
        return;
      }
      case 1:
      case 2:
        EXPECT_TRUE(store_->CompactStep(1 + Draw(4)).ok());
        return Commit();
      case 3:
      case 4:
        store_->CheckpointStep(1 + Draw(6));
        return Commit();
      case 5:
        return Flush();
      case 6:
        return Draw(4) == 0 ? CrashAndCompare() : Change();
      default:
        return Change();
    }
  }
  void CrashAndCompare() {
    Crash();
    const Restored restored = Read();
    EXPECT_EQ(restored.refused, "");
    restored_from_checkpoint_ += restored.checkpoint ? 1 : 0;
    ExpectSame(restored, ReadHistory());
  }
  // No row is left that nobody would ever remove.
  void CompactAllAndCompare() {
    if (store_->compact_revision() < store_->revision()) {
      EXPECT_TRUE(store_->Compact(store_->revision()).ok());
    }
    Commit();
    while (store_->compaction_due()) {
      EXPECT_TRUE(store_->CompactStep(3).ok());
      Commit();
    }
    std::size_t rows = 0;
    std::size_t tombstones = 0;
    for (auto row = backend_->Scan(Family::kRev, "", ""); row->Valid(); row->Next()) {
      ++rows;
      if (DecodeRowName(row->key())->tombstone) ++tombstones;
    }
    const auto all = store_->Range({.key = std::string_view("\0", 1), .range_end = kAll});
    EXPECT_EQ(rows, static_cast<std::size_t>(all->count) + tombstones);
  }

  int restored_from_checkpoint_ = 0;
};

TEST_P(IndexCheckpointPropertyTest, EqualsTheWholeHistoryAfterAnyCrash) {
  for (int i = 0; i < 1500 && !HasFailure(); ++i) Act();
  CompactAllAndCompare();
  EXPECT_GT(restored_from_checkpoint_, 5);
}

INSTANTIATE_TEST_SUITE_P(Seeds, IndexCheckpointPropertyTest, testing::Range(1U, 21U));

}  // namespace
}  // namespace quorate::mvcc
