#include "server/raft/cluster.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace quorate::test {
namespace {

std::string Name(MemberId id) {
  return std::to_string(id.value);
}

std::string Join(const std::vector<std::string>& values) {
  std::string joined;
  for (const std::string& value : values) joined += value + "\n";
  return joined;
}

std::vector<std::string> Split(std::string_view joined) {
  std::vector<std::string> values;
  std::istringstream lines{std::string(joined)};
  for (std::string line; std::getline(lines, line);) values.push_back(line);
  return values;
}

void Overwrite(std::vector<raft::Entry>& log, const std::vector<raft::Entry>& entries) {
  if (entries.empty()) return;
  std::erase_if(log, [&](const raft::Entry& e) { return e.index >= entries.front().index; });
  log.insert(log.end(), entries.begin(), entries.end());
}

}  // namespace

std::string EncodeChange(raft::ConfChangeType type, MemberId member) {
  return std::to_string(static_cast<int>(type)) + " " + Name(member);
}

raft::ConfChange DecodeChange(std::string_view text) {
  std::istringstream in{std::string(text)};
  int type = 0;
  raft::ConfChange change;
  in >> type >> change.member.value;
  change.type = static_cast<raft::ConfChangeType>(type);
  return change;
}

Disk BootstrapDisk(std::uint64_t size) {
  Disk disk;
  disk.hard_state = {Term{1}, MemberId{}, LogIndex{size}};
  for (std::uint64_t id = 1; id <= size; ++id) {
    const std::string change = EncodeChange(raft::ConfChangeType::kAddNode, MemberId{id});
    disk.entries.push_back(
        {raft::EntryType::kConfChange, Term{1}, LogIndex{id}, raft::Payload(change)});
  }
  return disk;
}

Member& Cluster::Add(MemberId id, Disk disk) {
  auto& member = members_[id] = std::make_unique<Member>();
  member->id = id;
  member->disk = std::move(disk);
  Restart(*member);
  return *member;
}

void Cluster::Restart(Member& member) {
  raft::Options options;
  options.id = member.id;
  options.pre_vote = settings_.pre_vote;
  options.check_quorum = settings_.check_quorum;
  options.inflight = settings_.inflight;
  options.message_bytes_max = settings_.message_bytes_max;
  options.random = [this] { return random_(); };
  member.machine = member.disk.machine;
  raft::Start start;
  start.hard_state = member.disk.hard_state;
  start.conf_state = member.machine.conf_state;
  start.applied = member.machine.applied;
  start.compacted = member.disk.compacted;
  start.entries = member.disk.entries;
  if (Status valid = raft::Core::Validate(options, start); !valid.ok()) {
    Violated("restart of " + Name(member.id) + ": " + valid.error().message);
    return;
  }
  member.core = std::make_unique<raft::Core>(options, std::move(start));
}

void Cluster::Crash(Member& member) {
  member.core.reset();
  member.writes.clear();
  member.reads.clear();
}

bool Cluster::Pump(Member& member) {
  if (!member.core || !member.core->HasEffects()) return false;
  raft::Effects effects = member.core->TakeEffects();
  for (const raft::Note& note : effects.notes) Trace(member, note.text);
  if (effects.role_changed && member.core->role() == raft::Role::kLeader) CheckLeader(member);
  for (raft::Message& message : effects.messages) network_.push_back(std::move(message));
  for (const raft::ReadState& read : effects.reads) {
    Trace(member, "read " + ToHex(read.context) + " at " + std::to_string(read.index.value));
    if (const auto asked = reads_.find(read.context);
        asked != reads_.end() && read.index < asked->second) {
      Violated("stale read at " + Name(member.id));
    }
    member.reads.push_back(read);
  }
  for (MemberId to : effects.snapshot_requests) SendSnapshot(member, to);
  const std::vector<raft::Entry> committed = std::move(effects.committed);
  if (effects.write_number != 0 || effects.hard_state) member.writes.push_back(std::move(effects));
  for (const raft::Entry& entry : committed) Apply(member, entry);
  if (!committed.empty()) member.core->Applied(committed.back().index);
  return true;
}

bool Cluster::CompleteWrite(Member& member) {
  if (member.writes.empty()) return false;
  raft::Effects write = std::move(member.writes.front());
  member.writes.pop_front();
  if (write.snapshot) {
    const raft::SnapshotMetadata& metadata = write.snapshot->metadata;
    member.disk.entries.clear();
    member.disk.compacted = {metadata.index, metadata.term};
    Install(member, *write.snapshot);
    member.disk.machine = member.machine;
  }
  Overwrite(member.disk.entries, write.entries);
  if (write.hard_state) member.disk.hard_state = *write.hard_state;
  if (write.write_number != 0) member.core->Persisted(write.write_number);
  if (write.snapshot) member.core->Applied(write.snapshot->metadata.index);
  return true;
}

void Cluster::Compact(Member& member, LogIndex index) {
  index = std::min(index, member.machine.applied);
  const std::optional<Term> term = member.core->TermAt(index);
  if (!term || index <= member.disk.compacted.index) return;
  // The machine's values are only known as of now, so the snapshot is of now and the log keeps what
  // it needs.
  member.disk.machine = member.machine;
  member.disk.compacted = {index, *term};
  std::erase_if(member.disk.entries, [&](const raft::Entry& e) { return e.index <= index; });
  member.core->CompactLog(index);
}

bool Cluster::Deliver(raft::Message message) {
  const auto found = members_.find(message.to);
  if (found == members_.end() || !found->second->core) return false;
  found->second->core->Step(std::move(message));
  return true;
}

bool Cluster::Read(Member& member) {
  std::string context;
  AppendBigEndian64(context, next_read_++);
  reads_[context] = truth_.empty() ? LogIndex{0} : truth_.rbegin()->first;
  return member.core->ReadIndex(context);
}

void Cluster::Apply(Member& member, const raft::Entry& entry) {
  const std::string value(entry.data.view());
  const auto [known, is_new] = truth_.try_emplace(entry.index, entry.term, value);
  if (!is_new && known->second != std::pair(entry.term, value)) {
    Violated("member " + Name(member.id) + " applied something else at " +
             std::to_string(entry.index.value));
  }
  if (entry.index != member.machine.applied + 1) Violated("applied out of order");
  member.machine.applied = entry.index;
  if (entry.type == raft::EntryType::kNormal) {
    if (!value.empty()) {
      member.machine.values.push_back(value);
      Trace(member, "applied " + std::to_string(entry.index.value) + " " + value);
    }
    return;
  }
  Result<raft::ConfState> state = member.core->ApplyConfChange(DecodeChange(value));
  if (!state.ok()) state = member.core->ApplyConfChange(raft::ConfChange{});
  member.machine.conf_state = *state;
  std::string text = "configuration";
  for (MemberId voter : state->voters) text += " " + Name(voter);
  if (!state->learners.empty()) text += " learners";
  for (MemberId learner : state->learners) text += " " + Name(learner);
  Trace(member, text);
}

void Cluster::Install(Member& member, const raft::Snapshot& snapshot) {
  member.machine.applied = snapshot.metadata.index;
  member.machine.conf_state = snapshot.metadata.conf_state;
  member.machine.values = Split(snapshot.data.view());
  Trace(member, "installed snapshot " + std::to_string(snapshot.metadata.index.value));
}

void Cluster::SendSnapshot(Member& member, MemberId to) {
  raft::Snapshot snapshot;
  snapshot.metadata.index = member.machine.applied;
  snapshot.metadata.term = member.core->TermAt(member.machine.applied).value_or(Term{0});
  snapshot.metadata.conf_state = member.machine.conf_state;
  snapshot.data = raft::Payload(Join(member.machine.values));
  network_.push_back(member.core->MakeSnapshotMessage(to, std::move(snapshot)));
}

void Cluster::CheckLeader(Member& member) {
  const raft::Core& core = *member.core;
  const auto [known, is_new] = leaders_.try_emplace(core.term(), member.id);
  if (!is_new && known->second != member.id) {
    Violated("two leaders in term " + std::to_string(core.term().value));
  }
  for (const auto& [index, entry] : truth_) {
    if (index < core.first_index()) continue;
    if (core.TermAt(index) != entry.first) {
      Violated("leader " + Name(member.id) + " of term " + std::to_string(core.term().value) +
               " lacks committed entry " + std::to_string(index.value));
    }
  }
}

void Cluster::CheckLogsMatch() {
  for (const auto& [a_id, a] : members_) {
    for (const auto& [b_id, b] : members_) {
      if (!(a_id < b_id) || !a->core || !b->core) continue;
      const LogIndex low = std::max(a->core->first_index(), b->core->first_index());
      LogIndex at = std::min(a->core->last_index(), b->core->last_index());
      bool same = false;
      for (; at >= low; --at) {
        const bool here = a->core->TermAt(at) == b->core->TermAt(at);
        if (same && !here) Violated("logs of " + Name(a_id) + " and " + Name(b_id) + " differ");
        same = same || here;
      }
    }
  }
}

void Cluster::Trace(const Member& member, const std::string& text) {
  if (trace) trace(Name(member.id) + " " + text);
}

}  // namespace quorate::test
