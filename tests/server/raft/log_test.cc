// The in-memory log: splicing, hints, hand-outs and the writes that make entries durable.
#include "raft/log.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "raft/core.h"

namespace quorate::raft {
namespace {

std::vector<Entry> Entries(std::uint64_t first, const std::vector<std::uint64_t>& terms) {
  std::vector<Entry> entries;
  for (std::uint64_t term : terms) {
    entries.push_back({EntryType::kNormal, Term{term}, LogIndex{first++}, Payload("data")});
  }
  return entries;
}

Log MakeLog(const std::vector<std::uint64_t>& terms, std::uint64_t committed = 0) {
  return Log({}, Entries(1, terms), LogIndex{committed}, LogIndex{0});
}

Log::Splice Splice(Log& log, std::uint64_t index, std::uint64_t term, std::vector<Entry> entries) {
  return log.TrySplice({LogIndex{index}, Term{term}}, entries);
}

TEST(LogTest, ADelayedShorterAppendTruncatesNothing) {
  Log log = MakeLog({1, 1, 1, 1});
  EXPECT_EQ(Splice(log, 1, 1, Entries(2, {1})), Log::Splice::kDone);
  EXPECT_EQ(log.last_index(), LogIndex{4});
}

TEST(LogTest, AConflictReplacesTheRestOfTheLog) {
  Log log = MakeLog({1, 1, 1, 1}, 1);
  EXPECT_EQ(Splice(log, 2, 1, Entries(3, {2})), Log::Splice::kDone);
  EXPECT_EQ(log.last(), (Position{LogIndex{3}, Term{2}}));
}

TEST(LogTest, AConflictWithCommittedEntriesIsRefused) {
  Log log = MakeLog({1, 1, 1}, 2);
  EXPECT_EQ(Splice(log, 1, 1, Entries(2, {2})), Log::Splice::kConflictsWithCommitted);
  EXPECT_EQ(log.last(), (Position{LogIndex{3}, Term{1}}));
}

TEST(LogTest, TheLogWithTheLaterLastTermIsMoreUpToDateHoweverShort) {
  const Log log = MakeLog({1, 2, 2});
  EXPECT_TRUE(log.IsUpToDate({LogIndex{1}, Term{3}}));
  EXPECT_FALSE(log.IsUpToDate({LogIndex{9}, Term{1}}));
  EXPECT_TRUE(log.IsUpToDate({LogIndex{3}, Term{2}}));
  EXPECT_FALSE(log.IsUpToDate({LogIndex{2}, Term{2}}));
}

TEST(LogTest, AppendingBeyondTheEndDoesNotMatch) {
  Log log = MakeLog({1, 1});
  EXPECT_EQ(Splice(log, 5, 1, Entries(6, {1})), Log::Splice::kNoMatch);
}

TEST(LogTest, AFinishedWriteSaysNothingOfEntriesThatReplacedIts) {
  // Entry 3 of term 1 is being written, is replaced by one of term 2 and again by the same entry of
  // term 1. The first write's end must not pass for the third's.
  Log log = MakeLog({1, 1}, 2);
  Splice(log, 2, 1, Entries(3, {1}));
  log.HandOut(1);
  Splice(log, 2, 1, Entries(3, {2}));
  log.HandOut(2);
  Splice(log, 2, 1, Entries(3, {1}));
  log.HandOut(3);
  log.Written(1);
  EXPECT_EQ(log.durable(), LogIndex{2});
  log.Written(2);
  EXPECT_EQ(log.durable(), LogIndex{2});
  log.Written(3);
  EXPECT_EQ(log.durable(), LogIndex{3});
}

TEST(LogTest, HandsEachEntryOutOnceAndAgainWhenReplaced) {
  Log log = MakeLog({1});
  Splice(log, 1, 1, Entries(2, {1, 1}));
  EXPECT_EQ(log.HandOut(1).size(), 2U);
  EXPECT_TRUE(log.HandOut(2).empty());
  Splice(log, 2, 1, Entries(3, {2}));
  EXPECT_EQ(log.HandOut(3).size(), 1U);
}

TEST(LogTest, ASliceHoldsOneEntryHoweverLargeAndThenWhatFits) {
  Log log = MakeLog({1, 1, 1, 1});
  const std::uint64_t each = SizeOf(log.At(LogIndex{1}));
  EXPECT_EQ(log.Slice(LogIndex{1}, LogIndex{5}, 0).size(), 1U);
  EXPECT_EQ(log.Slice(LogIndex{1}, LogIndex{5}, 2 * each).size(), 2U);
  EXPECT_EQ(log.Slice(LogIndex{2}, LogIndex{4}, 100 * each).size(), 2U);
}

TEST(LogTest, ForgettingKeepsTheTermOfTheLastForgottenEntry) {
  Log log({}, Entries(1, {1, 2, 3}), LogIndex{3}, LogIndex{3});
  log.Compact(LogIndex{2});
  EXPECT_EQ(log.first_index(), LogIndex{3});
  EXPECT_EQ(log.TermAt(LogIndex{2}), Term{2});
  EXPECT_EQ(log.TermAt(LogIndex{1}), std::nullopt);
}

TEST(LogTest, TheHintSkipsAWholeTermThatTheLeaderCannotHave) {
  const Log follower = MakeLog({1, 1, 3, 3, 3, 3});
  EXPECT_EQ(follower.LastNotAbove(LogIndex{6}, Term{2}), (Position{LogIndex{2}, Term{1}}));
}

TEST(LogTest, ConfigurationChangesAreFoundFromTheEnd) {
  std::vector<Entry> entries = Entries(1, {1, 1, 1, 1});
  entries[1].type = EntryType::kConfChange;
  entries[3].type = EntryType::kConfChange;
  const Log log({}, entries, LogIndex{0}, LogIndex{0});
  EXPECT_EQ(log.LastConfChange(LogIndex{0}, LogIndex{4}, 1), LogIndex{4});
  EXPECT_EQ(log.LastConfChange(LogIndex{0}, LogIndex{4}, 2), LogIndex{2});
  EXPECT_EQ(log.LastConfChange(LogIndex{2}, LogIndex{3}, 1), LogIndex{0});
}

// A leader and a follower with random logs: probing with both sides' hints ends at a match, within
// as many rounds as there are terms, and never passes the last entry they share.
TEST(LogTest, HintsConvergeWithinAsManyRoundsAsThereAreTerms) {
  std::mt19937_64 random(7);
  for (int run = 0; run < 20000; ++run) {
    // One history up to `shared`; after it each side has terms of its own (a term has one leader,
    // so one history).
    const auto make = [&](std::uint64_t shared_seed, std::size_t shared, std::uint64_t side) {
      std::mt19937_64 common(shared_seed);
      std::vector<std::uint64_t> terms;
      std::uint64_t term = 2;
      const std::size_t size = shared + random() % 20;
      for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t draw = i < shared ? common() : random();
        if (i < shared) {
          if (draw % 4 == 0) term += 2;
        } else if (i == shared || draw % 4 == 0) {
          term = (term / 2 + 1 + draw / 4 % 2) * 2 + side;
        }
        terms.push_back(term);
      }
      return terms;
    };
    const std::uint64_t seed = random();
    const std::size_t shared = random() % 20;
    const std::vector<std::uint64_t> a = make(seed, shared, 0);
    const std::vector<std::uint64_t> b = make(seed, shared, 1);
    const Log leader = MakeLog(a);
    const Log follower = MakeLog(b);
    LogIndex next = leader.last_index() + 1;
    std::uint64_t rounds = 0;
    while (!follower.Matches({next - 1, *leader.TermAt(next - 1)})) {
      const LogIndex previous = next - 1;
      const Position hint = follower.LastNotAbove(std::min(previous, follower.last_index()),
                                                  *leader.TermAt(previous));
      const LogIndex back = leader.LastNotAbove(hint.index, hint.term).index;
      ASSERT_LT(back, previous);
      next = back + 1;
      ++rounds;
    }
    ASSERT_LE(rounds, 2 + std::min(a.empty() ? 0 : a.back(), b.empty() ? 0 : b.back()));
    ASSERT_GE(next - 1, LogIndex{0});
    std::size_t agree = 0;
    while (agree < a.size() && agree < b.size() && a[agree] == b[agree]) ++agree;
    ASSERT_LE(next.value - 1, agree);
  }
}

}  // namespace
}  // namespace quorate::raft
