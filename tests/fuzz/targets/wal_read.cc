// A log of one or two segments, as bytes or as records whose checksums are right.
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "sim/disk.h"
#include "wal/payloads.h"
#include "wal/reader.h"
#include "wal/record.h"
#include "wal/repair.h"
#include "wal/segment.h"

namespace quorate::wal {
namespace {

constexpr const char* kDirectory = "wal";

void Write(io::Disk& disk, SegmentName name, std::string_view bytes) {
  const auto file = disk.Open(io::JoinPath(kDirectory, ToFileName(name)), io::OpenMode::kTruncate);
  CHECK(file.ok());
  CHECK((*file)->WriteAt(0, AsBytes(bytes)).ok());
}

// Records of any type and data behind a header that fits; type 7 begins the next segment.
void WriteForged(io::Disk& disk, fuzz::Feed feed) {
  std::uint32_t crc = 0;
  for (std::uint64_t sequence = 0; sequence < 3; ++sequence) {
    const std::uint64_t first_index = sequence == 0 ? 0 : feed.Number();
    std::string segment;
    AppendRecord(segment, RecordType::kCrc, {}, crc);
    AppendRecord(segment, RecordType::kMetadata, EncodeMetadata({MemberId{1}, ClusterId{2}}), crc);
    bool more = false;
    while (!feed.empty() && !more) {
      const std::uint64_t type = feed.Below(8);
      more = type == 7;
      if (!more) AppendRecord(segment, static_cast<RecordType>(type), feed.Text(), crc);
    }
    Write(disk, {sequence, LogIndex{first_index}}, segment);
    if (!more) return;
  }
}

void CheckContents(const Contents& contents, const SnapshotMark& start) {
  LogIndex expected = start.index;
  for (const raft::Entry& entry : contents.entries) CHECK(entry.index == ++expected);
}

void ReadFrom(io::Disk& disk, const SnapshotMark& start) {
  const auto contents = Replay(disk, kDirectory, start);
  if (!contents.ok()) return;
  CheckContents(*contents, start);
  if (!contents->torn) return;
  // A repair takes the tail and nothing else.
  const std::string before = *io::ReadFile(disk, contents->torn->path);
  CHECK(RepairTail(disk, *contents->torn).ok());
  const std::string after = *io::ReadFile(disk, contents->torn->path);
  CHECK(after == before.substr(0, contents->torn->offset));
  const auto repaired = Replay(disk, kDirectory, start);
  CHECK(repaired.ok() && !repaired->torn);
  CHECK(repaired->entries == contents->entries && repaired->hard_state == contents->hard_state);
}

FUZZ_TARGET(wal_read) {
  fuzz::Feed feed(input);
  sim::Disk disk(1);
  CHECK(disk.MakeDirectories(kDirectory).ok());
  if (feed.Flag()) {
    WriteForged(disk, feed);
  } else {
    Write(disk, {0, LogIndex{0}}, feed.Rest());
  }
  const auto marks = ValidSnapshots(disk, kDirectory);
  if (marks.ok()) {
    for (std::size_t i = 0; i < marks->size() && i < 4; ++i) ReadFrom(disk, (*marks)[i]);
  }
  ReadFrom(disk, {});
}

}  // namespace
}  // namespace quorate::wal
