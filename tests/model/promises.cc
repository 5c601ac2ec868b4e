// Raft's promises, checked of every step. Names as in the Raft paper, figure 3.
#include <algorithm>
#include <string>

#include "model/space.h"
#include "raft/quorum.h"

namespace quorate::model {
namespace {

std::string Name(const Member& member) {
  return "member " + std::to_string(member.core().id().value);
}

bool Leads(const Member& member) {
  return member.core().role() == raft::Role::kLeader;
}

}  // namespace

std::string Space::Check(const State& before, const State& after, std::size_t at,
                         const Event& event, const Step& step, Past& past) const {
  if (!step.violation.empty()) return step.violation;
  for (const raft::ReadState& read : step.reads) {
    const std::size_t number = static_cast<std::size_t>(read.context[0] - '0');
    if (read.index.value < past.reads[number]) {
      return "linearizable read: " + Name(MemberOf(after, at)) + " may serve it at index " +
             std::to_string(read.index.value) + ", though " + std::to_string(past.reads[number]) +
             " was committed when it was asked";
    }
  }
  if (before.members[at] == after.members[at]) return {};
  const Member& old = MemberOf(before, at);
  const Member& now = MemberOf(after, at);
  if (std::string why = CheckLeader(old, now, past); !why.empty()) return why;
  if (std::string why = CheckCommit(after, old, now, event, past); !why.empty()) return why;
  if (std::string why = CheckLogs(after, at); !why.empty()) return why;
  if (std::string why = CheckSurvivor(after); !why.empty()) return why;
  return CheckChange(old, now);
}

std::string Space::CheckLeader(const Member& before, const Member& after, Past& past) const {
  const raft::Core& core = after.core();
  if (!Leads(after) || (Leads(before) && before.core().term() == core.term())) return {};
  std::uint8_t& leader = past.leaders[core.term().value];
  if (leader != 0) {
    return "election safety: term " + std::to_string(core.term().value) + " had leader " +
           std::to_string(leader) + " and now has " + std::to_string(core.id().value);
  }
  leader = static_cast<std::uint8_t>(core.id().value);
  for (std::size_t index = 1; index <= past.truth.size(); ++index) {
    if (LogIndex{index} < core.first_index() - 1) continue;
    if (core.TermAt(LogIndex{index}) != Term{past.truth[index - 1]}) {
      return "leader completeness: " + Name(after) + " leads term " +
             std::to_string(core.term().value) + " without committed entry " +
             std::to_string(index);
    }
  }
  return {};
}

std::string Space::CheckCommit(const State& state, const Member& before, const Member& after,
                               const Event& event, Past& past) const {
  const raft::Core& core = after.core();
  const LogIndex committed = core.committed();
  if (event.kind != Event::Kind::kCrash && committed < before.core().committed()) {
    return Name(after) + " takes back its commit index";
  }
  for (LogIndex at = core.first_index() - 1; at <= committed; ++at) {
    if (at.value == 0) continue;
    const auto term = static_cast<std::uint8_t>(core.TermAt(at)->value);
    if (at.value > past.truth.size() + 1) {
      return Name(after) + " committed what nobody committed before it";
    }
    if (at.value == past.truth.size() + 1) past.truth.push_back(term);
    if (past.truth[at.value - 1] != term) {
      return "state machine safety: " + Name(after) + " committed another entry " +
             std::to_string(at.value);
    }
  }
  const bool by_count = Leads(before) && Leads(after) && before.core().term() == core.term() &&
                        committed > before.core().committed();
  if (!by_count) return {};
  if (core.TermAt(committed) != core.term()) {
    return "commit by count: " + Name(after) + " counted an entry of an earlier term";
  }
  const auto& voters = core.config().voters();
  const auto holders = std::count_if(voters.begin(), voters.end(), [&](MemberId voter) {
    return MemberOf(state, voter.value - 1).disk().Has({committed, core.term()});
  });
  if (static_cast<std::size_t>(holders) < raft::Majority(voters.size())) {
    return "durability: " + Name(after) + " committed entry " + std::to_string(committed.value) +
           ", which is on the disks of " + std::to_string(holders) + " voters";
  }
  return {};
}

std::string Space::CheckLogs(const State& state, std::size_t at) const {
  const Member& mine = MemberOf(state, at);
  const raft::Core& core = mine.core();
  for (std::size_t other = 0; other < scenario_.members; ++other) {
    if (other == at) continue;
    const raft::Core& theirs = MemberOf(state, other).core();
    const LogIndex low = std::max(core.first_index(), theirs.first_index()) - 1;
    bool same = false;
    for (LogIndex i = std::min(core.last_index(), theirs.last_index()); i >= low && i.value > 0;
         --i) {
      const bool here = core.TermAt(i) == theirs.TermAt(i);
      if (same && !here) {
        return "log matching: the logs of " + Name(mine) + " and member " +
               std::to_string(other + 1) + " agree behind entry " + std::to_string(i.value) +
               ", where they differ";
      }
      same = same || here;
    }
  }
  return {};
}

// The voter that stays alone is not left without hope: once the removed one counts no more, the
// other's disk says by itself that the removal is committed, or the removed one can still vote for
// what it has.
std::string Space::CheckSurvivor(const State& state) const {
  for (std::size_t at = 0; at < scenario_.members; ++at) {
    const Member& gone = MemberOf(state, at);
    const auto& voters = gone.core().config().voters();
    if (voters.size() != 1 || voters[0] == gone.core().id()) continue;
    const Member& stays = MemberOf(state, voters[0].value - 1);
    if (stays.core().config().voters().size() == 1) continue;  // a crash does not undo it
    const Disk& disk = stays.disk();
    const Term term = disk.entries.empty() ? disk.compacted.term : disk.entries.back().term;
    if (gone.core().log().IsUpToDate({disk.last(), term})) continue;
    if (disk.hard_state.commit < gone.applied()) {
      return Name(stays) + " stays alone, and after a crash it would need the vote of " +
             Name(gone) + ", which has more";
    }
  }
  return {};
}

// Changes are made one at a time, and none before the leader has committed in its term. What came
// early may be appended in the very step in which its turn comes.
std::string Space::CheckChange(const Member& before, const Member& after) {
  const raft::Core& core = after.core();
  const LogIndex last = core.last_index();
  if (!Leads(before) || !Leads(after) || before.core().term() != core.term()) return {};
  if (last == before.core().last_index() || last <= after.disk().compacted.index) return {};
  const auto is_change = [&core](LogIndex index) {
    return core.log().At(index).type != raft::EntryType::kNormal;
  };
  if (!is_change(last)) return {};
  if (!core.CommittedInTerm()) {
    return Name(after) + " appends a change before it has committed in its term";
  }
  for (LogIndex at = core.applied() + 1; at < last; ++at) {
    if (is_change(at)) return Name(after) + " appends a change while another is not applied";
  }
  return {};
}

}  // namespace quorate::model
