#include "wal/payloads.h"

#include "wal/fields.h"
#include "wire/raftpb.h"

namespace quorate::wal {

std::string EncodeMetadata(const Metadata& metadata) {
  std::string out;
  fields::AppendNumber(out, 1, metadata.member.value);
  fields::AppendNumber(out, 2, metadata.cluster.value);
  return out;
}

Result<Metadata> DecodeMetadata(std::string_view bytes) {
  const auto member = TakeField(bytes, '\x08');
  const auto cluster = TakeField(bytes, '\x10');
  if (!member || !cluster || !bytes.empty()) {
    return Error{Code::kDataLoss, "malformed metadata"};
  }
  return Metadata{MemberId{*member}, ClusterId{*cluster}};
}

std::string EncodeSnapshotMark(const SnapshotMark& mark) {
  std::string out;
  fields::AppendNumber(out, 1, mark.index.value);
  fields::AppendNumber(out, 2, mark.term.value);
  if (mark.conf_state) fields::AppendText(out, 3, wire::EncodeConfState(*mark.conf_state));
  return out;
}

Result<SnapshotMark> DecodeSnapshotMark(std::string_view bytes) {
  const Error malformed{Code::kDataLoss, "malformed snapshot record"};
  const auto index = TakeField(bytes, '\x08');
  const auto term = TakeField(bytes, '\x10');
  if (!index || !term) return malformed;
  SnapshotMark mark{LogIndex{*index}, Term{*term}, std::nullopt};
  if (bytes.empty()) return mark;
  const auto size = TakeField(bytes, '\x1a');
  if (!size || *size != bytes.size()) return malformed;
  mark.conf_state = TRY(wire::DecodeConfState(bytes));
  return mark;
}

}  // namespace quorate::wal
