#include "apply/state_hash.h"

#include <gtest/gtest.h>

namespace quorate::apply {
namespace {

using storage::Family;

// Folds one entry that writes one history row.
void FoldPut(StateHash& hash, std::uint64_t index, std::string_view value) {
  storage::Batch batch;
  batch.Put(Family::kMeta, "of-an-earlier-entry", "x");
  const std::size_t first = batch.ops().size();
  batch.Put(Family::kRev, "row" + std::to_string(index), value);
  hash.Fold(LogIndex{index}, Term{1}, batch, first);
}

void FoldWindow(StateHash& hash, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t index = begin; index <= end; ++index) FoldPut(hash, index, "v");
}

TEST(StateHashTest, EqualEntriesGiveEqualWindowsWhateverCameBefore) {
  StateHash whole;
  FoldWindow(whole, 1, 3000);
  StateHash late;
  FoldWindow(late, 1500, 3000);
  ASSERT_EQ(whole.windows().size(), 3U);
  ASSERT_EQ(late.windows().size(), 1U) << "a window that it did not see whole has no number";
  EXPECT_EQ(late.windows()[0].end, LogIndex{3000});
  EXPECT_EQ(late.windows()[0].hash, whole.windows()[2].hash);
}

TEST(StateHashTest, OneOtherByteInOneEntryShows) {
  StateHash one;
  FoldWindow(one, 1, 1000);
  StateHash other;
  FoldWindow(other, 1, 499);
  FoldPut(other, 500, "w");
  FoldWindow(other, 501, 1000);
  EXPECT_NE(one.windows()[0].hash, other.windows()[0].hash);
}

TEST(StateHashTest, AnEntryWithoutEffectDiffersFromOneWithAnEffect) {
  StateHash one;
  FoldWindow(one, 1, 1000);
  StateHash other;
  FoldWindow(other, 1, 499);
  other.Fold(LogIndex{500}, Term{1}, storage::Batch(), 0);
  FoldWindow(other, 501, 1000);
  EXPECT_NE(one.windows()[0].hash, other.windows()[0].hash);
}

TEST(StateHashTest, RowsOutsideTheHistoryDoNotCount) {
  StateHash one;
  StateHash other;
  for (std::uint64_t index = 1; index <= 1000; ++index) {
    storage::Batch batch;
    one.Fold(LogIndex{index}, Term{1}, batch, 0);
    batch.Put(Family::kLease, "l", std::to_string(index));
    other.Fold(LogIndex{index}, Term{1}, batch, 0);
  }
  EXPECT_EQ(one.windows()[0].hash, other.windows()[0].hash);
}

TEST(StateHashTest, AGapLeavesItsWindowUnknown) {
  StateHash hash;
  FoldWindow(hash, 1, 400);
  FoldWindow(hash, 700, 2000);  // a snapshot was installed in between
  ASSERT_EQ(hash.windows().size(), 1U);
  EXPECT_EQ(hash.windows()[0].end, LogIndex{2000});
}

TEST(StateHashTest, OldWindowsAreForgotten) {
  StateHash hash;
  FoldWindow(hash, 1, 1000 * (StateHash::kKept + 5));
  EXPECT_EQ(hash.windows().size(), StateHash::kKept);
  EXPECT_EQ(hash.windows().front().end, LogIndex{6000});
}

}  // namespace
}  // namespace quorate::apply
