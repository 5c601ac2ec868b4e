#include "sim/cluster/checked_machine.h"

#include "mvcc/range.h"

namespace quorate::sim::cluster {

node::Outcome CheckedMachine::Apply(const raft::Entry& entry) {
  checks_.Applied(member_, entry);
  node::Outcome outcome = inner_.Apply(entry);
  if (on_entry) on_entry(entry);
  if (!dead_ && outcome.fatal.ok() && entry.index.value % hash_every_ == 0)
    CompareState(entry.index);
  return outcome;
}

node::ChangeOutcome CheckedMachine::ApplyConfChange(const raft::Entry& entry,
                                                    raft::ConfChange change) {
  checks_.Applied(member_, entry);
  change_ = entry.index;
  return inner_.ApplyConfChange(entry, std::move(change));
}

void CheckedMachine::SetConfState(const raft::ConfState& state) {
  if (!dead_) checks_.Configured(member_, change_, state);
  inner_.SetConfState(state);
}

void CheckedMachine::Lead(bool leading) {
  inner_.Lead(leading);
  if (leading && on_lead) on_lead();
}

void CheckedMachine::CompareState(LogIndex index) {
  // As if the turn had ended here. An entry that the store already held says nothing.
  if (!inner_.Commit().ok() || inner_.backend().position().index != index) return;
  checks_.StateAt(member_, index, HashState(inner_));
}

std::uint64_t HashState(app::Machine& machine) {
  using storage::Family;
  std::uint64_t hash = static_cast<std::uint64_t>(machine.store().revision().value);
  hash = HashOf(std::to_string(machine.store().compact_revision().value), hash);
  const std::string all(1, '\0');
  const auto range = machine.store().Range({.key = all, .range_end = all});
  hash = HashOf(range.ok() ? std::string_view(range->body) : range.error().message, hash);
  for (const Family family : {Family::kLease, Family::kAuth, Family::kAlarm, Family::kMember}) {
    for (auto row = machine.backend().Scan(family, "", ""); row->Valid(); row->Next()) {
      hash = HashOf(row->value(), HashOf(row->key(), hash));
    }
  }
  std::string state;
  const auto found = machine.backend().Get(Family::kMeta, storage::kConfState, &state);
  return found.ok() ? HashOf(state, hash) : 0;
}

}  // namespace quorate::sim::cluster
