// The writing half of raftpb.h.
#include <cstdint>

#include "wire/fields.h"
#include "wire/raftpb.h"

namespace quorate::wire {
namespace {

std::size_t ConfStateSize(const raft::ConfState& state) {
  std::size_t size = NumberSize(state.auto_leave ? 1 : 0);
  for (const auto* ids :
       {&state.voters, &state.learners, &state.voters_outgoing, &state.learners_next}) {
    for (MemberId id : *ids) size += NumberSize(id.value);
  }
  return size;
}

void AppendConfState(std::string& out, const raft::ConfState& state) {
  std::uint32_t field = 1;
  for (const auto* ids :
       {&state.voters, &state.learners, &state.voters_outgoing, &state.learners_next}) {
    for (MemberId id : *ids) AppendNumber(out, field, id.value);
    ++field;
  }
  AppendNumber(out, 5, state.auto_leave ? 1 : 0);
}

std::size_t MetadataSize(const raft::SnapshotMetadata& metadata) {
  return TextSize(ConfStateSize(metadata.conf_state)) + NumberSize(metadata.index.value) +
         NumberSize(metadata.term.value);
}

std::size_t SnapshotSize(const raft::Snapshot& snapshot) {
  const std::size_t data = snapshot.data.empty() ? 0 : TextSize(snapshot.data.size());
  return data + TextSize(MetadataSize(snapshot.metadata));
}

void AppendSnapshot(std::string& out, const raft::Snapshot& snapshot) {
  if (!snapshot.data.empty()) AppendText(out, 1, snapshot.data.view());
  const raft::SnapshotMetadata& metadata = snapshot.metadata;
  AppendLength(out, 2, MetadataSize(metadata));
  AppendLength(out, 1, ConfStateSize(metadata.conf_state));
  AppendConfState(out, metadata.conf_state);
  AppendNumber(out, 2, metadata.index.value);
  AppendNumber(out, 3, metadata.term.value);
}

}  // namespace

std::size_t EntrySize(const raft::Entry& entry) {
  return NumberSize(static_cast<std::uint64_t>(entry.type)) + NumberSize(entry.term.value) +
         NumberSize(entry.index.value) + (entry.data.empty() ? 0 : TextSize(entry.data.size()));
}

void AppendEntry(std::string& out, const raft::Entry& entry) {
  AppendNumber(out, 1, static_cast<std::uint64_t>(entry.type));
  AppendNumber(out, 2, entry.term.value);
  AppendNumber(out, 3, entry.index.value);
  if (!entry.data.empty()) AppendText(out, 4, entry.data.view());
}

std::size_t MessageSize(const raft::Message& message) {
  std::size_t size = NumberSize(static_cast<std::uint64_t>(message.type)) +
                     NumberSize(message.to.value) + NumberSize(message.from.value) +
                     NumberSize(message.term.value) + NumberSize(message.log_term.value) +
                     NumberSize(message.index.value) + NumberSize(message.commit.value) +
                     NumberSize(message.reject ? 1 : 0) + NumberSize(message.reject_hint.value) +
                     NumberSize(0);
  for (const raft::Entry& entry : message.entries) size += TextSize(EntrySize(entry));
  if (message.snapshot) size += TextSize(SnapshotSize(*message.snapshot));
  if (!message.context.empty()) size += TextSize(message.context.size());
  return size;
}

void AppendMessage(std::string& out, const raft::Message& message) {
  AppendNumber(out, 1, static_cast<std::uint64_t>(message.type));
  AppendNumber(out, 2, message.to.value);
  AppendNumber(out, 3, message.from.value);
  AppendNumber(out, 4, message.term.value);
  AppendNumber(out, 5, message.log_term.value);
  AppendNumber(out, 6, message.index.value);
  for (const raft::Entry& entry : message.entries) {
    AppendLength(out, 7, EntrySize(entry));
    AppendEntry(out, entry);
  }
  AppendNumber(out, 8, message.commit.value);
  if (message.snapshot) {
    AppendLength(out, 9, SnapshotSize(*message.snapshot));
    AppendSnapshot(out, *message.snapshot);
  }
  AppendNumber(out, 10, message.reject ? 1 : 0);
  AppendNumber(out, 11, message.reject_hint.value);
  if (!message.context.empty()) AppendText(out, 12, message.context);
  AppendNumber(out, 13, 0);  // vote: only between etcd's own threads
}

std::string EncodeMessage(const raft::Message& message) {
  std::string out;
  out.reserve(MessageSize(message));
  AppendMessage(out, message);
  return out;
}

std::string EncodeHardState(const raft::HardState& state) {
  std::string out;
  AppendNumber(out, 1, state.term.value);
  AppendNumber(out, 2, state.vote.value);
  AppendNumber(out, 3, state.commit.value);
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
  AppendNumber(out, 1, change.id);
  AppendNumber(out, 2, static_cast<std::uint64_t>(change.type));
  AppendNumber(out, 3, change.member.value);
  if (!change.context.empty()) AppendText(out, 4, change.context);
  return out;
}

std::string EncodeSnapshot(const raft::Snapshot& snapshot) {
  std::string out;
  out.reserve(SnapshotSize(snapshot));
  AppendSnapshot(out, snapshot);
  return out;
}

}  // namespace quorate::wire
