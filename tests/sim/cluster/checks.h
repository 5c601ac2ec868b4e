// Checks: what must be true of the whole cluster, looked at after every step.
//
// The simulator sees all members at once, so safety is checked directly: one leader a term, logs
// that agree wherever they meet, entries that are committed stay, a commit is durable on a quorum,
// every member applies the same bytes at the same index and holds the same rows at the same
// revision, promises outlive a crash. What is found ends the run.
//
// Ownership: borrows the World.
// Source: knowledge/reliability.md 2 (points 1-44, 51, 78), 3.5.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mvcc/revision_id.h"
#include "raft/core.h"
#include "sim/cluster/world.h"
#include "storage/backend.h"
#include "storage/batch.h"

namespace quorate::sim::cluster {

// What a member's words and deeds oblige it to after a crash.
struct Promises {
  LogIndex durable;  // it said, or counted for itself, that it has the log up to here
  Term term;         // it voted or acknowledged in this term
  std::map<Term, MemberId> votes;
  LogIndex flushed;  // the store said that this survives
};

// One change of the key space, as every member must have it.
struct HistoryRow {
  bool tombstone = false;
  std::string key;
  std::string record;  // mvccpb.KeyValue
};
using History = std::map<mvcc::RevisionId, HistoryRow>;

class Checks {
 public:
  // Whether a member, up or down, durably has this entry.
  using Has = std::function<bool(MemberId, LogIndex, Term)>;
  Checks(World& world, Has has) : world_(world), has_(std::move(has)) {}

  // A member sends, or finds in its log, these entries behind `previous`.
  void SawEntries(MemberId member, Term previous, const std::vector<raft::Entry>& entries);
  // A leader proposes these to others: rules for changes of the configuration.
  void SawProposed(const raft::Core& core, const std::vector<raft::Entry>& entries);
  void Applied(MemberId member, const raft::Entry& entry);
  // After each turn.
  void Turned(const raft::Core& core);
  // After a start. `position`: the store's.
  void Recovered(MemberId member, const Promises& promises, const raft::Start& start,
                 LogIndex mark);
  void StoreMoved(MemberId member, const storage::Batch& batch);
  void StoreReplaced(MemberId member, const storage::Reader& store);
  // All of a member's state right after the entry at `index`.
  void StateAt(MemberId member, LogIndex index, std::uint64_t hash);
  void Configured(MemberId member, LogIndex index, const raft::ConfState& state);
  // A member that left for good owes nothing.
  void Forget(MemberId member) {
    seen_.erase(member);
    changed_.erase(member);
  }

  // The newest that any member has applied; none at first.
  const raft::ConfState* configuration() const {
    return configurations_.empty() ? nullptr : &std::prev(configurations_.end())->second;
  }
  // What a key was right after a revision; null: it did not exist.
  const HistoryRow* Lookup(const std::string& key, Revision at) const;
  // The change of a key that has this revision; null: none.
  const HistoryRow* ChangeAt(const std::string& key, Revision at) const;

  const History& history() const { return history_; }
  Revision revision() const {
    return history_.empty() ? Revision{1} : std::prev(history_.end())->first.main;
  }
  LogIndex committed() const { return LogIndex{committed_.size()}; }
  std::uint64_t leaders() const { return leaders_.size(); }
  std::uint64_t compared() const { return compared_; }

 private:
  struct Known {
    std::uint64_t hash;
    Term previous;
    bool change;  // of the configuration
  };
  struct Committed {
    Term term;
    Term in_term;  // of who found it committed first
  };
  struct Seen {
    Term term;
    raft::Role role = raft::Role::kFollower;
    LogIndex committed;
    std::vector<MemberId> voters;
  };

  bool OnQuorum(const std::vector<MemberId>& voters, LogIndex index, Term term) const;
  void BecameLeader(const raft::Core& core);
  void Advanced(const raft::Core& core, LogIndex from);
  void Campaigns(const raft::Core& core);
  void Row(MemberId member, std::string_view name, std::string_view value);
  const Known* Find(LogIndex index, Term term) const;

  World& world_;
  Has has_;
  std::map<std::pair<LogIndex, Term>, Known> entries_;
  std::vector<Committed> committed_;  // [i]: index i + 1
  std::map<LogIndex, std::uint64_t> applied_;
  std::map<Term, MemberId> leaders_;
  std::map<MemberId, Seen> seen_;
  std::map<LogIndex, std::uint64_t> states_;
  std::map<LogIndex, raft::ConfState> configurations_;
  std::map<MemberId, LogIndex> changed_;  // the last change of the configuration it has applied
  History history_;
  std::map<std::string, std::map<mvcc::RevisionId, const HistoryRow*>> by_key_;
  std::uint64_t compared_ = 0;
};

std::uint64_t HashOf(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace quorate::sim::cluster
