// The reading half of raftpb.h.
#include <cstdint>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "wire/raftpb.h"

namespace quorate::wire {
namespace {

Error Malformed(std::string_view what) {
  return Error{Code::kDataLoss, "malformed raftpb." + std::string(what)};
}

// A view into the buffer, or a copy when there is none.
raft::Payload MakePayload(const Buffer& buffer, std::string_view bytes) {
  if (bytes.empty()) return {};
  if (buffer) return {buffer, bytes};
  return raft::Payload(std::string(bytes));
}

// Repeated numbers come one by one, or packed.
bool TakeIds(const fields::Reader& reader, std::vector<MemberId>& ids) {
  if (reader.is_number()) {
    ids.push_back(MemberId{reader.number()});
    return true;
  }
  if (!reader.is_text()) return false;
  std::string_view packed = reader.text();
  while (!packed.empty()) {
    const std::optional<std::uint64_t> id = fields::TakeVarint(packed);
    if (!id) return false;
    ids.push_back(MemberId{*id});
  }
  return true;
}

Result<raft::SnapshotMetadata> DecodeMetadata(std::string_view bytes) {
  raft::SnapshotMetadata metadata;
  fields::Reader reader(bytes);
  while (reader.Next()) {
    const std::uint32_t field = reader.field();
    if (field < 1 || field > 3) continue;
    if (field == 1 ? !reader.is_text() : !reader.is_number()) return Malformed("SnapshotMetadata");
    if (field == 1) metadata.conf_state = TRY(DecodeConfState(reader.text()));
    if (field == 2) metadata.index = LogIndex{reader.number()};
    if (field == 3) metadata.term = Term{reader.number()};
  }
  if (reader.malformed()) return Malformed("SnapshotMetadata");
  return metadata;
}

Result<raft::Snapshot> DecodeSnapshot(const Buffer& buffer, std::string_view bytes) {
  raft::Snapshot snapshot;
  fields::Reader reader(bytes);
  while (reader.Next()) {
    if (reader.field() != 1 && reader.field() != 2) continue;
    if (!reader.is_text()) return Malformed("Snapshot");
    if (reader.field() == 1) snapshot.data = MakePayload(buffer, reader.text());
    if (reader.field() == 2) snapshot.metadata = TRY(DecodeMetadata(reader.text()));
  }
  if (reader.malformed()) return Malformed("Snapshot");
  return snapshot;
}

// The scalar fields of a Message; false: not one of them.
bool TakeScalar(raft::Message& message, std::uint32_t field, std::uint64_t number) {
  switch (field) {
    case 1:
      message.type = static_cast<raft::MessageType>(number);
      return number <= raft::kMessageTypeLast;
    case 2:
      message.to = MemberId{number};
      return true;
    case 3:
      message.from = MemberId{number};
      return true;
    case 4:
      message.term = Term{number};
      return true;
    case 5:
      message.log_term = Term{number};
      return true;
    case 6:
      message.index = LogIndex{number};
      return true;
    case 8:
      message.commit = LogIndex{number};
      return true;
    case 10:
      message.reject = number != 0;
      return true;
    case 11:
      message.reject_hint = LogIndex{number};
      return true;
    case 13:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<raft::Entry> DecodeEntry(const Buffer& buffer, std::string_view bytes) {
  raft::Entry entry;
  fields::Reader reader(bytes);
  while (reader.Next()) {
    const std::uint32_t field = reader.field();
    if (field < 1 || field > 4) continue;
    if (field == 4 ? !reader.is_text() : !reader.is_number()) return Malformed("Entry");
    if (field == 1) {
      if (reader.number() > 2) return Malformed("Entry");
      entry.type = static_cast<raft::EntryType>(reader.number());
    }
    if (field == 2) entry.term = Term{reader.number()};
    if (field == 3) entry.index = LogIndex{reader.number()};
    if (field == 4) entry.data = MakePayload(buffer, reader.text());
  }
  if (reader.malformed()) return Malformed("Entry");
  return entry;
}

Result<raft::Entry> DecodeEntry(std::string_view bytes) {
  return DecodeEntry(nullptr, bytes);
}

Result<raft::Message> DecodeMessage(const Buffer& buffer, std::string_view bytes) {
  raft::Message message;
  fields::Reader reader(bytes);
  while (reader.Next()) {
    const std::uint32_t field = reader.field();
    if (field < 1 || field > 13) continue;
    if (field != 7 && field != 9 && field != 12) {
      if (!reader.is_number() || !TakeScalar(message, field, reader.number())) {
        return Malformed("Message");
      }
      continue;
    }
    if (!reader.is_text()) return Malformed("Message");
    if (field == 7) message.entries.push_back(TRY(DecodeEntry(buffer, reader.text())));
    if (field == 9) {
      message.snapshot =
          std::make_shared<const raft::Snapshot>(TRY(DecodeSnapshot(buffer, reader.text())));
    }
    if (field == 12) message.context = reader.text();
  }
  if (reader.malformed()) return Malformed("Message");
  // etcd 3.5 writes an empty snapshot into every message.
  if (message.snapshot && message.snapshot->metadata.index.value == 0) message.snapshot.reset();
  return message;
}

Result<raft::Message> DecodeMessage(std::string_view bytes) {
  return DecodeMessage(nullptr, bytes);
}

Result<raft::HardState> DecodeHardState(std::string_view bytes) {
  raft::HardState state;
  fields::Reader reader(bytes);
  while (reader.Next()) {
    if (reader.field() < 1 || reader.field() > 3) continue;
    if (!reader.is_number()) return Malformed("HardState");
    if (reader.field() == 1) state.term = Term{reader.number()};
    if (reader.field() == 2) state.vote = MemberId{reader.number()};
    if (reader.field() == 3) state.commit = LogIndex{reader.number()};
  }
  if (reader.malformed()) return Malformed("HardState");
  return state;
}

Result<raft::ConfState> DecodeConfState(std::string_view bytes) {
  raft::ConfState state;
  std::vector<MemberId>* const lists[] = {&state.voters, &state.learners, &state.voters_outgoing,
                                          &state.learners_next};
  fields::Reader reader(bytes);
  while (reader.Next()) {
    const std::uint32_t field = reader.field();
    if (field >= 1 && field <= 4 && !TakeIds(reader, *lists[field - 1])) {
      return Malformed("ConfState");
    }
    if (field != 5) continue;
    if (!reader.is_number()) return Malformed("ConfState");
    state.auto_leave = reader.number() != 0;
  }
  if (reader.malformed()) return Malformed("ConfState");
  return state;
}

Result<raft::ConfChange> DecodeConfChange(std::string_view bytes) {
  raft::ConfChange change;
  fields::Reader reader(bytes);
  while (reader.Next()) {
    const std::uint32_t field = reader.field();
    if (field < 1 || field > 4) continue;
    if (field == 4 ? !reader.is_text() : !reader.is_number()) return Malformed("ConfChange");
    if (field == 1) change.id = reader.number();
    if (field == 2) {
      if (reader.number() > 3) return Malformed("ConfChange");
      change.type = static_cast<raft::ConfChangeType>(reader.number());
    }
    if (field == 3) change.member = MemberId{reader.number()};
    if (field == 4) change.context = reader.text();
  }
  if (reader.malformed()) return Malformed("ConfChange");
  return change;
}

Result<raft::Snapshot> DecodeSnapshot(std::string_view bytes) {
  return DecodeSnapshot(nullptr, bytes);
}

}  // namespace quorate::wire
