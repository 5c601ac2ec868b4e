#include "snapshot/snap_file.h"

#include "base/crc32c.h"
#include "base/fields.h"
#include "wire/raftpb.h"

namespace quorate::snapshot {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kSnap = ".snap";
constexpr std::string_view kReceived = ".snap.db";

std::string Padded(std::uint64_t number) {
  const std::string digits = ToHex(number);
  return std::string(kDigits - digits.size(), '0') + digits;
}

}  // namespace

std::string SnapFileName(Term term, LogIndex index) {
  return Padded(term.value) + "-" + Padded(index.value) + std::string(kSnap);
}

std::string ReceivedFileName(LogIndex index) {
  return Padded(index.value) + std::string(kReceived);
}

std::optional<LogIndex> ParseReceivedFileName(std::string_view name) {
  if (name.size() != kDigits + kReceived.size() || !name.ends_with(kReceived)) return std::nullopt;
  const auto index = ParseHex(name.substr(0, kDigits));
  if (!index) return std::nullopt;
  return LogIndex{*index};
}

std::string EncodeSnapFile(const raft::Snapshot& snapshot) {
  const std::string data = wire::EncodeSnapshot(snapshot);
  std::string out;
  fields::AppendNumber(out, 1, Crc32c(0, AsBytes(data)));
  fields::AppendText(out, 2, data);
  return out;
}

Result<raft::Snapshot> DecodeSnapFile(std::string_view bytes) {
  fields::Reader reader(bytes);
  std::uint64_t crc = 0;
  std::string_view data;
  while (reader.Next()) {
    if (reader.field() == 1 && reader.is_number()) crc = reader.number();
    if (reader.field() == 2 && reader.is_text()) data = reader.text();
  }
  if (reader.malformed() || data.empty())
    return Error{Code::kDataLoss, "snap: unexpected empty snapshot"};
  if (Crc32c(0, AsBytes(data)) != crc) return Error{Code::kDataLoss, "snap: crc mismatch"};
  return wire::DecodeSnapshot(data);
}

Result<std::optional<raft::SnapshotMetadata>> FindSnapFile(io::Disk& disk,
                                                           std::string_view directory,
                                                           LogIndex index) {
  const std::string suffix = "-" + Padded(index.value) + std::string(kSnap);
  for (const std::string& name : TRY(disk.List(directory))) {
    if (name.size() != 2 * kDigits + 1 + kSnap.size() || !name.ends_with(suffix)) continue;
    const std::string path = io::JoinPath(directory, name);
    auto snapshot = DecodeSnapFile(TRY(io::ReadFile(disk, path)));
    if (!snapshot.ok()) return Annotate(std::move(snapshot).error(), path);
    return std::optional(snapshot->metadata);
  }
  return std::optional<raft::SnapshotMetadata>();
}

}  // namespace quorate::snapshot
