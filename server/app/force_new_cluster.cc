#include "app/force_new_cluster.h"

#include <algorithm>
#include <set>

#include "membership/member.h"
#include "wire/raftpb.h"

namespace quorate::app {
namespace {

using raft::ConfChange;
using raft::ConfChangeType;

// Who belongs to the cluster once everything is applied.
Result<std::set<MemberId>> MembersAt(const raft::ConfState& state, LogIndex applied,
                                     const std::vector<raft::Entry>& entries) {
  std::set<MemberId> members(state.voters.begin(), state.voters.end());
  members.insert(state.learners.begin(), state.learners.end());
  for (const raft::Entry& entry : entries) {
    if (entry.index <= applied || entry.type != raft::EntryType::kConfChange) continue;
    const ConfChange change = TRY(wire::DecodeConfChange(entry.data.view()));
    if (change.type == ConfChangeType::kRemoveNode) {
      members.erase(change.member);
    } else if (change.type != ConfChangeType::kUpdateNode) {
      members.insert(change.member);
    }
  }
  return members;
}

raft::Entry MakeEntry(LogIndex index, Term term, const ConfChange& change) {
  raft::Entry entry;
  entry.type = raft::EntryType::kConfChange;
  entry.index = index;
  entry.term = term;
  entry.data = raft::Payload(wire::EncodeConfChange(change));
  return entry;
}

}  // namespace

Result<ForcedLog> ForceNewCluster(MemberId self, const raft::ConfState& conf_state,
                                  LogIndex applied, const raft::HardState& hard_state,
                                  const std::vector<raft::Entry>& entries, Term applied_term) {
  ForcedLog forced;
  LogIndex last = std::max(hard_state.commit, applied);
  if (!entries.empty()) last = std::max(last, entries.back().index);
  forced.hard_state = hard_state;
  forced.hard_state.term = std::max(hard_state.term, applied_term);
  const std::set<MemberId> members = TRY(MembersAt(conf_state, applied, entries));
  LogIndex next = last + 1;
  const auto append = [&](const ConfChange& change) {
    forced.appended.push_back(MakeEntry(next, forced.hard_state.term, change));
    ++next;
  };
  if (!members.contains(self)) {
    membership::Member member;
    member.id = self;
    member.peer_urls = {"http://localhost:2380"};
    append(
        {.type = ConfChangeType::kAddNode, .member = self, .context = membership::ToJson(member)});
  }
  for (const MemberId member : members) {
    if (member != self) append({.type = ConfChangeType::kRemoveNode, .member = member});
  }
  forced.hard_state.commit = next - 1;
  return forced;
}

}  // namespace quorate::app
