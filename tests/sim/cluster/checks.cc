#include "sim/cluster/checks.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "mvcc/record.h"
#include "raft/quorum.h"

namespace quorate::sim::cluster {
namespace {

std::string Name(MemberId member) {
  return "member " + ToHex(member.value);
}
std::string Text(LogIndex index) {
  return std::to_string(index.value);
}
std::string Text(Term term) {
  return std::to_string(term.value);
}

bool Voter(const raft::ConfState& state, MemberId member) {
  return std::ranges::find(state.voters, member) != state.voters.end();
}

}  // namespace

std::uint64_t HashOf(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t hash = seed ^ (bytes.size() * 0x9E3779B97F4A7C15ULL);
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = (hash ^ word) * 0xFF51AFD7ED558CCDULL;
    hash ^= hash >> 32U;
    bytes.remove_prefix(8);
  }
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  return hash ^ (hash >> 29U);
}

const Checks::Known* Checks::Find(LogIndex index, Term term) const {
  const auto found = entries_.find({index, term});
  return found == entries_.end() ? nullptr : &found->second;
}

// Log matching: one index and term name one entry, and one entry before it.
void Checks::SawEntries(MemberId member, Term previous, const std::vector<raft::Entry>& entries) {
  for (const raft::Entry& entry : entries) {
    const auto kind = static_cast<std::uint64_t>(entry.type) + 1;
    const Known known{HashOf(entry.data.view(), kind), previous,
                      entry.type != raft::EntryType::kNormal};
    const auto [at, fresh] = entries_.try_emplace({entry.index, entry.term}, known);
    if (!fresh && at->second.hash != known.hash) {
      world_.Fail("log matching: " + Name(member) + " has other bytes at index " +
                  Text(entry.index) + " of term " + Text(entry.term));
    }
    // A log that begins here does not know what was before.
    if (!fresh && previous.value != 0 && at->second.previous.value != 0 &&
        at->second.previous != previous) {
      world_.Fail("log matching: " + Name(member) + " has another term before index " +
                  Text(entry.index));
    }
    if (!fresh && at->second.previous.value == 0) at->second.previous = previous;
    previous = entry.term;
  }
}

// Point 40: a configuration change is proposed only when all earlier ones are committed and
// applied.
void Checks::SawProposed(const raft::Core& core, const std::vector<raft::Entry>& entries) {
  if (core.role() != raft::Role::kLeader) return;
  for (const raft::Entry& entry : entries) {
    if (entry.type == raft::EntryType::kNormal || entry.term != core.term()) continue;
    for (LogIndex i = core.applied() + 1; i < entry.index; ++i) {
      const auto term = core.TermAt(i);
      const Known* known = term ? Find(i, *term) : nullptr;
      if (known == nullptr || !known->change) continue;
      // It may have been applied when the entry was appended, but not the other way round.
      world_.Fail("membership: the change at index " + Text(entry.index) +
                  " was proposed while the one at " + Text(i) + " is not applied");
    }
  }
}

void Checks::Applied(MemberId member, const raft::Entry& entry) {
  std::uint64_t hash = HashOf(entry.data.view(), static_cast<std::uint64_t>(entry.type) + 1);
  hash ^= entry.term.value * 0x9E3779B97F4A7C15ULL;
  const auto [at, fresh] = applied_.try_emplace(entry.index, hash);
  if (!fresh && at->second != hash) {
    world_.Fail("state machine safety: " + Name(member) + " applies another entry at index " +
                Text(entry.index));
  }
}

void Checks::Turned(const raft::Core& core) {
  Seen& seen = seen_[core.id()];
  if (core.term() < seen.term) {
    world_.Fail("term went back on " + Name(core.id()));
  }
  if (core.role() == raft::Role::kLeader &&
      (seen.role != raft::Role::kLeader || seen.term != core.term())) {
    BecameLeader(core);
  }
  const bool campaigns =
      core.role() == raft::Role::kCandidate || core.role() == raft::Role::kPreCandidate;
  if (campaigns && (seen.role != core.role() || seen.term != core.term())) Campaigns(core);
  if (core.committed() < seen.committed) {
    world_.Fail("commit went back on " + Name(core.id()));
  }
  if (core.committed() > seen.committed) Advanced(core, seen.committed);
  if (core.applied() > core.committed()) {
    world_.Fail("applied beyond commit on " + Name(core.id()));
  }
  seen = {core.term(), core.role(), core.committed(), core.config().voters()};
}

void Checks::BecameLeader(const raft::Core& core) {
  const auto [at, fresh] = leaders_.try_emplace(core.term(), core.id());
  if (!fresh && at->second != core.id()) {
    world_.Fail("election safety: " + Name(at->second) + " and " + Name(core.id()) +
                " both lead in term " + Text(core.term()));
  }
  for (std::size_t i = committed_.size(); i > 0; --i) {
    const Committed& entry = committed_[i - 1];
    if (entry.in_term >= core.term()) continue;
    const LogIndex index{i};
    const auto term = core.TermAt(index);
    const bool compacted = index < core.first_index();
    if (core.last_index() < index || (!compacted && (!term || *term != entry.term))) {
      world_.Fail("leader completeness: " + Name(core.id()) + " leads in term " +
                  Text(core.term()) + " without the committed entry " + Text(index));
    }
    return;  // the log before it agrees by log matching
  }
}

void Checks::Campaigns(const raft::Core& core) {
  for (LogIndex i = core.applied() + 1; i <= core.committed(); ++i) {
    const auto term = core.TermAt(i);
    const Known* known = term ? Find(i, *term) : nullptr;
    if (known != nullptr && known->change) {
      world_.Fail("membership: " + Name(core.id()) +
                  " campaigns with a committed change at index " + Text(i) + " not applied");
    }
  }
}

void Checks::Advanced(const raft::Core& core, LogIndex from) {
  for (LogIndex index = std::max(from + 1, core.first_index()); index <= core.committed();
       ++index) {
    const std::optional<Term> term = core.TermAt(index);
    if (!term) continue;
    if (index <= committed()) {
      if (committed_[index.value - 1].term != *term) {
        world_.Fail("commit: " + Name(core.id()) + " commits index " + Text(index) + " with term " +
                    Text(*term) + ", others with " + Text(committed_[index.value - 1].term));
      }
      continue;
    }
    if (index > committed() + 1) {
      committed_.resize(index.value - 1, {*term, core.term()});  // begun from a snapshot
    }
    committed_.push_back({*term, core.term()});
    if (core.role() != raft::Role::kLeader) continue;
    // The configuration may have changed within the turn, after this was committed.
    if (!OnQuorum(core.config().voters(), index, *term) &&
        !OnQuorum(seen_[core.id()].voters, index, *term)) {
      world_.Fail("commit <= durable: " + Name(core.id()) + " commits index " + Text(index) +
                  ", which no majority of its voters has on disk");
    }
  }
}

bool Checks::OnQuorum(const std::vector<MemberId>& voters, LogIndex index, Term term) const {
  const auto have = static_cast<std::size_t>(
      std::ranges::count_if(voters, [&](MemberId voter) { return has_(voter, index, term); }));
  return have >= raft::Majority(voters.size());
}

void Checks::Recovered(MemberId member, const Promises& promises, const raft::Start& start,
                       LogIndex mark) {
  seen_.erase(member);
  const raft::HardState& hard = start.hard_state;
  if (hard.term < promises.term) {
    world_.Fail("promise: " + Name(member) + " forgot term " + Text(promises.term));
  }
  const auto vote = promises.votes.find(hard.term);
  if (vote != promises.votes.end() && hard.vote != vote->second) {
    world_.Fail("promise: " + Name(member) + " forgot its vote in term " + Text(hard.term));
  }
  const auto changed = changed_.find(member);
  if (changed != changed_.end() && std::max(hard.commit, start.applied) < changed->second) {
    world_.Fail("membership: " + Name(member) + " had applied the change at index " +
                Text(changed->second) + " and came back without knowing that it is committed");
  }
  const LogIndex first = start.compacted.index + 1;
  const LogIndex last = start.compacted.index + start.entries.size();
  const LogIndex must = std::min(promises.durable, committed());
  for (LogIndex i = first; i <= must; ++i) {
    // What it had may never have been committed, and something else instead while it was away.
    const Term term = committed_[i.value - 1].term;
    if (!has_(member, i, term)) continue;
    if (i <= last && start.entries[i - first].term == term) continue;
    world_.Fail("durability: " + Name(member) + " has lost the committed entry " + Text(i) +
                " that it had on disk");
    break;
  }
  if (start.applied < promises.flushed) {
    world_.Fail("store: " + Name(member) + " was flushed up to " + Text(promises.flushed) +
                " and came back at " + Text(start.applied));
  }
  if (mark > start.applied) {
    world_.Fail("consistent index: " + Name(member) + " is marked at " + Text(mark) +
                " but its store is at " + Text(start.applied));
  }
  if (start.applied > last) {
    world_.Fail("consistent index: the store of " + Name(member) + " is at " + Text(start.applied) +
                ", beyond the end of its log");
  }
  SawEntries(member, start.compacted.term, start.entries);
}

void Checks::StoreMoved(MemberId member, const storage::Batch& batch) {
  for (const storage::Batch::Op& op : batch.ops()) {
    if (op.family != storage::Family::kRev || op.kind != storage::Batch::Kind::kPut) continue;
    Row(member, batch.key(op), batch.value(op));
  }
}

void Checks::StoreReplaced(MemberId member, const storage::Reader& store) {
  for (auto row = store.Scan(storage::Family::kRev, "", ""); row->Valid(); row->Next()) {
    Row(member, row->key(), row->value());
  }
}

void Checks::Row(MemberId member, std::string_view name, std::string_view value) {
  const auto decoded = mvcc::DecodeRowName(name);
  mvcc::Record record;
  if (!decoded || !mvcc::Decode(value, &record)) {
    return world_.Fail("a row that is no record on " + Name(member));
  }
  ++compared_;
  const auto found = history_.find(decoded->id);
  if (found == history_.end()) {
    // Rows come in order from whoever is first; a gap below the end was never made by anybody.
    if (decoded->id < (history_.empty() ? mvcc::RevisionId{} : std::prev(history_.end())->first)) {
      world_.Fail("history: " + Name(member) + " has revision " +
                  std::to_string(decoded->id.main.value) + ", which nobody else had");
    }
    HistoryRow row{decoded->tombstone, std::string(record.key), std::string(value)};
    const auto at = history_.emplace(decoded->id, std::move(row)).first;
    by_key_[at->second.key][decoded->id] = &at->second;
  } else if (found->second.record != value || found->second.tombstone != decoded->tombstone) {
    world_.Fail("history: " + Name(member) + " has another change at revision " +
                std::to_string(decoded->id.main.value));
  }
}

const HistoryRow* Checks::Lookup(const std::string& key, Revision at) const {
  const auto rows = by_key_.find(key);
  if (rows == by_key_.end()) return nullptr;
  auto after = rows->second.lower_bound({at + 1, 0});
  if (after == rows->second.begin()) return nullptr;
  const HistoryRow* row = std::prev(after)->second;
  return row->tombstone ? nullptr : row;
}

const HistoryRow* Checks::ChangeAt(const std::string& key, Revision at) const {
  const auto rows = by_key_.find(key);
  if (rows == by_key_.end()) return nullptr;
  const auto row = rows->second.lower_bound({at, 0});
  return row == rows->second.end() || row->first.main != at ? nullptr : row->second;
}

void Checks::StateAt(MemberId member, LogIndex index, std::uint64_t hash) {
  ++compared_;
  const auto [at, fresh] = states_.try_emplace(index, hash);
  if (!fresh && at->second != hash) {
    world_.Fail("equal state: " + Name(member) + " differs from the others after index " +
                Text(index));
  }
}

void Checks::Configured(MemberId member, LogIndex index, const raft::ConfState& state) {
  LogIndex& newest = changed_[member];
  newest = std::max(newest, index);
  const auto [at, fresh] = configurations_.try_emplace(index, state);
  if (!fresh && !(at->second == state)) {
    world_.Fail("membership: " + Name(member) + " has another configuration at index " +
                Text(index));
  }
  if (!fresh || at == configurations_.begin()) return;
  const raft::ConfState& last = std::prev(at)->second;
  std::size_t differ = 0;
  for (const MemberId voter : last.voters) differ += Voter(state, voter) ? 0U : 1U;
  for (const MemberId voter : state.voters) differ += Voter(last, voter) ? 0U : 1U;
  if (differ > 1) {
    world_.Fail("membership: the change at index " + Text(index) + " moves " +
                std::to_string(differ) + " voters at once");
  }
}

}  // namespace quorate::sim::cluster
