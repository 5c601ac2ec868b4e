// The writing half of raftpb.h.
#include <cstdint>

#include "base/fields.h"
#include "wire/raftpb.h"

namespace quorate::wire {
namespace {

std::size_t ConfStateSize(const raft::ConfState& state) {
  std::size_t size = fields::NumberSize(state.auto_leave ? 1 : 0);
  for (const auto* ids :
       {&state.voters, &state.learners, &state.voters_outgoing, &state.learners_next}) {
    for (MemberId id : *ids) size += fields::NumberSize(id.value);
  }
  return size;
}

void AppendConfState(std::string& out, const raft::ConfState& state) {
  std::uint32_t field = 1;
  for (const auto* ids :
       {&state.voters, &state.learners, &state.voters_outgoing, &state.learners_next}) {
    for (MemberId id : *ids) fields::AppendNumber(out, field, id.value);
    ++field;
  }
  fields::AppendNumber(out, 5, state.auto_leave ? 1 : 0);
}

std::size_t MetadataSize(const raft::SnapshotMetadata& metadata) {
  return fields::TextSize(ConfStateSize(metadata.conf_state)) +
         fields::NumberSize(metadata.index.value) + fields::NumberSize(metadata.term.value);
}

std::size_t SnapshotSize(const raft::Snapshot& snapshot) {
  const std::size_t data = snapshot.data.empty() ? 0 : fields::TextSize(snapshot.data.size());
  return data + fields::TextSize(MetadataSize(snapshot.metadata));
}

void AppendSnapshot(std::string& out, const raft::Snapshot& snapshot) {
  if (!snapshot.data.empty()) fields::AppendText(out, 1, snapshot.data.view());
  const raft::SnapshotMetadata& metadata = snapshot.metadata;
  fields::AppendLength(out, 2, MetadataSize(metadata));
  fields::AppendLength(out, 1, ConfStateSize(metadata.conf_state));
  AppendConfState(out, metadata.conf_state);
  fields::AppendNumber(out, 2, metadata.index.value);
  fields::AppendNumber(out, 3, metadata.term.value);
}

}  // namespace

std::size_t EntrySize(const raft::Entry& entry) {
  return fields::NumberSize(static_cast<std::uint64_t>(entry.type)) +
         fields::NumberSize(entry.term.value) + fields::NumberSize(entry.index.value) +
         (entry.data.empty() ? 0 : fields::TextSize(entry.data.size()));
}

void AppendEntry(std::string& out, const raft::Entry& entry) {
  fields::AppendNumber(out, 1, static_cast<std::uint64_t>(entry.type));
  fields::AppendNumber(out, 2, entry.term.value);
  fields::AppendNumber(out, 3, entry.index.value);
  if (!entry.data.empty()) fields::AppendText(out, 4, entry.data.view());
}

std::size_t MessageSize(const raft::Message& message) {
  std::size_t size =
      fields::NumberSize(static_cast<std::uint64_t>(message.type)) +
      fields::NumberSize(message.to.value) + fields::NumberSize(message.from.value) +
      fields::NumberSize(message.term.value) + fields::NumberSize(message.log_term.value) +
      fields::NumberSize(message.index.value) + fields::NumberSize(message.commit.value) +
      fields::NumberSize(message.reject ? 1 : 0) + fields::NumberSize(message.reject_hint.value) +
      fields::NumberSize(0);
  for (const raft::Entry& entry : message.entries) size += fields::TextSize(EntrySize(entry));
  if (message.snapshot) size += fields::TextSize(SnapshotSize(*message.snapshot));
  if (!message.context.empty()) size += fields::TextSize(message.context.size());
  return size;
}

void AppendMessage(std::string& out, const raft::Message& message) {
  fields::AppendNumber(out, 1, static_cast<std::uint64_t>(message.type));
  fields::AppendNumber(out, 2, message.to.value);
  fields::AppendNumber(out, 3, message.from.value);
  fields::AppendNumber(out, 4, message.term.value);
  fields::AppendNumber(out, 5, message.log_term.value);
  fields::AppendNumber(out, 6, message.index.value);
  for (const raft::Entry& entry : message.entries) {
    fields::AppendLength(out, 7, EntrySize(entry));
    AppendEntry(out, entry);
  }
  fields::AppendNumber(out, 8, message.commit.value);
  if (message.snapshot) {
    fields::AppendLength(out, 9, SnapshotSize(*message.snapshot));
    AppendSnapshot(out, *message.snapshot);
  }
  fields::AppendNumber(out, 10, message.reject ? 1 : 0);
  fields::AppendNumber(out, 11, message.reject_hint.value);
  if (!message.context.empty()) fields::AppendText(out, 12, message.context);
  fields::AppendNumber(out, 13, 0);  // vote: only between etcd's own threads
}

std::string EncodeMessage(const raft::Message& message) {
  std::string out;
  out.reserve(MessageSize(message));
  AppendMessage(out, message);
  return out;
}

std::string EncodeHardState(const raft::HardState& state) {
  std::string out;
  fields::AppendNumber(out, 1, state.term.value);
  fields::AppendNumber(out, 2, state.vote.value);
  fields::AppendNumber(out, 3, state.commit.value);
  return out;
}

std::string EncodeConfState(const raft::ConfState& state) {
  std::string out;
  out.reserve(ConfStateSize(state));
  AppendConfState(out, state);
  return out;
}

std::string EncodeConfChange(const raft::ConfChange& change) {
  std::string out;
  fields::AppendNumber(out, 1, change.id);
  fields::AppendNumber(out, 2, static_cast<std::uint64_t>(change.type));
  fields::AppendNumber(out, 3, change.member.value);
  if (!change.context.empty()) fields::AppendText(out, 4, change.context);
  return out;
}

std::string EncodeSnapshot(const raft::Snapshot& snapshot) {
  std::string out;
  out.reserve(SnapshotSize(snapshot));
  AppendSnapshot(out, snapshot);
  return out;
}

}  // namespace quorate::wire
