// Raft's parts against twins that are too simple to be wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "raft/config.h"
#include "raft/log.h"
#include "raft/quorum.h"

namespace quorate::raft {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::uint64_t Below(std::uint64_t end) { return random_() % end; }

 private:
  std::mt19937_64 random_;
};

TEST(QuorumPropertyTest, TheCommittedIndexIsTheHighestThatMoreThanHalfHave) {
  Dice dice(1);
  for (int round = 0; round < 20000; ++round) {
    std::vector<LogIndex> acked(1 + dice.Below(7));
    for (LogIndex& index : acked) index = LogIndex{dice.Below(6)};
    LogIndex twin;
    for (std::uint64_t at = 0; at < 6; ++at) {
      const auto have = std::count_if(acked.begin(), acked.end(),
                                      [at](LogIndex index) { return index.value >= at; });
      if (static_cast<std::size_t>(have) * 2 > acked.size()) twin = LogIndex{at};
    }
    EXPECT_EQ(CommittedIndex(acked), twin);
  }
}

TEST(QuorumPropertyTest, AnElectionEndsExactlyWhenNoVoteToComeCanChangeIt) {
  for (std::size_t voters = 1; voters <= 9; ++voters) {
    for (std::size_t yes = 0; yes <= voters; ++yes) {
      for (std::size_t no = 0; yes + no <= voters; ++no) {
        const bool wins = yes * 2 > voters;
        const bool may_win = (voters - no) * 2 > voters;
        const Vote twin = wins ? Vote::kWon : may_win ? Vote::kPending : Vote::kLost;
        EXPECT_EQ(CountVotes(voters, yes, no), twin) << voters << " " << yes << " " << no;
      }
    }
  }
}

// The log as a map, with what was handed out remembered entry by entry.
struct TwinLog {
  struct Item {
    Term term;
    std::uint64_t write = 0;  // the write it was last handed out with; 0: none yet
    bool durable = false;
  };
  std::map<LogIndex, Item> items;
  LogIndex committed;

  LogIndex durable() const {
    LogIndex upto;
    for (const auto& [index, item] : items) {
      if (!item.durable) break;
      upto = index;
    }
    return upto;
  }
};

class LogPropertyTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  void Splice() {
    const LogIndex previous{dice_.Below(log_.last_index().value + 2)};
    Term term{1 + dice_.Below(4)};
    const bool fits = previous.value == 0 || (twin_.items.contains(previous) &&
                                              (dice_.Below(4) != 0 || Match(previous, term)));
    if (fits && previous.value != 0) term = twin_.items.at(previous).term;
    const Term previous_term = previous.value == 0 ? Term{0} : term;
    std::vector<Entry> entries;
    for (std::uint64_t i = dice_.Below(4); i > 0; --i) {
      if (dice_.Below(3) == 0) ++term;
      entries.push_back({EntryType::kNormal, std::max(term, Term{1}), previous + entries.size() + 1,
                         Payload("x")});
    }
    bool against_committed = false;
    for (const Entry& entry : entries) {
      if (entry.index > twin_.committed) break;
      against_committed = against_committed || twin_.items.at(entry.index).term != entry.term;
    }
    const bool matches = previous.value == 0 || (twin_.items.contains(previous) &&
                                                 twin_.items.at(previous).term == previous_term);
    std::vector<Term> terms;
    for (const Entry& entry : entries) terms.push_back(entry.term);
    const Log::Splice result = log_.TrySplice({previous, previous_term}, entries);
    if (!matches) {
      EXPECT_EQ(result, Log::Splice::kNoMatch);
    } else if (against_committed) {
      EXPECT_EQ(result, Log::Splice::kConflictsWithCommitted);
    } else {
      EXPECT_EQ(result, Log::Splice::kDone);
      Place(previous + 1, terms);
    }
  }

  bool Match(LogIndex index, Term term) const { return twin_.items.at(index).term == term; }

  void Place(LogIndex at, const std::vector<Term>& terms) {
    for (const Term term : terms) {
      const auto known = twin_.items.find(at);
      if (known == twin_.items.end() || known->second.term != term) {
        twin_.items.erase(twin_.items.lower_bound(at), twin_.items.end());
        twin_.items[at] = {term, 0, false};
      }
      ++at;
    }
  }

  void HandOut() {
    std::set<LogIndex> expected;
    for (auto& [index, item] : twin_.items) {
      if (item.write != 0) continue;
      item.write = writes_ + 1;
      expected.insert(index);
    }
    ++writes_;
    std::set<LogIndex> got;
    for (const Entry& entry : log_.HandOut(writes_)) got.insert(entry.index);
    EXPECT_EQ(got, expected);
  }

  void Written() {
    if (written_ == writes_) return;
    written_ += 1 + dice_.Below(writes_ - written_);
    log_.Written(written_);
    for (auto& [index, item] : twin_.items) {
      if (item.write != 0 && item.write <= written_) item.durable = true;
    }
  }

  void Commit() {
    const LogIndex upto{dice_.Below(log_.last_index().value + 1)};
    if (dice_.Below(4) != 0) return;
    log_.CommitTo(upto);
    twin_.committed = std::max(twin_.committed, upto);
  }

  Dice dice_{GetParam()};
  Log log_{Position{}, {}, LogIndex{0}, LogIndex{0}};
  TwinLog twin_;
  std::uint64_t writes_ = 0;
  std::uint64_t written_ = 0;
};

TEST_P(LogPropertyTest, AgreesWithATwinThatRemembersEveryEntry) {
  for (int step = 0; step < 400; ++step) {
    switch (dice_.Below(5)) {
      case 0:
      case 1:
        Splice();
        break;
      case 2:
        HandOut();
        break;
      case 3:
        Written();
        break;
      default:
        Commit();
    }
    ASSERT_EQ(log_.last_index().value, twin_.items.size());
    ASSERT_EQ(log_.durable(), twin_.durable());
    ASSERT_EQ(log_.committed(), twin_.committed);
    for (const auto& [index, item] : twin_.items) ASSERT_EQ(log_.TermAt(index), item.term);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogPropertyTest, testing::Range<std::uint64_t>(1, 40));

TEST(ConfigTest, AChangeMovesOneVoterAtMostWhateverItIs) {
  Dice dice(7);
  ConfState state;
  state.voters = {MemberId{1}};
  Config config = *Config::From(state);
  for (int step = 0; step < 5000; ++step) {
    ConfChange change;
    change.type = static_cast<ConfChangeType>(dice.Below(4));
    change.member = MemberId{dice.Below(6)};
    const Result<Config> after = config.After(change);
    if (!after.ok()) continue;
    const std::set<MemberId> old(config.voters().begin(), config.voters().end());
    const std::set<MemberId> now(after->voters().begin(), after->voters().end());
    std::vector<MemberId> moved;
    std::set_symmetric_difference(old.begin(), old.end(), now.begin(), now.end(),
                                  std::back_inserter(moved));
    EXPECT_LE(moved.size(), 1U);
    EXPECT_FALSE(now.empty());
    for (MemberId learner : after->learners()) EXPECT_FALSE(now.contains(learner));
    config = *after;
  }
}

}  // namespace
}  // namespace quorate::raft
