// Raftpb: raft's structs as the bytes that etcd's members and logs hold, and back.
//
// Byte for byte what etcd writes: fields ascend, and every scalar is written even when it is 0,
// since its Go fields cannot be absent; bytes, snapshot and entries are absent when empty. Reading
// accepts any order, skips unknown fields, lets the last of a repeated scalar win, and allocates no
// more than the input justifies.
//
// The decoders that take a Buffer do not copy: entries keep views into it, and keep it alive.
//
// Errors: kDataLoss when bytes are not what they should be; the text names the message, not the
// place. Thread: functions of their arguments. Source: knowledge/etcd.md 5.3; raft's
// raftpb/raft.proto.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "raft/types.h"

namespace quorate::wire {

using Buffer = std::shared_ptr<const std::string>;

std::size_t EntrySize(const raft::Entry& entry);
std::size_t MessageSize(const raft::Message& message);
void AppendEntry(std::string& out, const raft::Entry& entry);
void AppendMessage(std::string& out, const raft::Message& message);
std::string EncodeMessage(const raft::Message& message);
std::string EncodeHardState(const raft::HardState& state);
std::string EncodeConfState(const raft::ConfState& state);
std::string EncodeConfChange(const raft::ConfChange& change);
std::string EncodeSnapshot(const raft::Snapshot& snapshot);

Result<raft::Entry> DecodeEntry(std::string_view bytes);
Result<raft::Entry> DecodeEntry(const Buffer& buffer, std::string_view bytes);
Result<raft::Message> DecodeMessage(std::string_view bytes);
Result<raft::Message> DecodeMessage(const Buffer& buffer, std::string_view bytes);
Result<raft::HardState> DecodeHardState(std::string_view bytes);
Result<raft::ConfState> DecodeConfState(std::string_view bytes);
Result<raft::ConfChange> DecodeConfChange(std::string_view bytes);
Result<raft::Snapshot> DecodeSnapshot(std::string_view bytes);

}  // namespace quorate::wire
