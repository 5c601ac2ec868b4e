// A sound log that is then cut, holed or changed. What is read is a prefix of what was written;
// what a crash explains is repaired, and nothing is ever dropped in front of two intact records.
#include <algorithm>
#include <bit>
#include <optional>

#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "sim/disk.h"
#include "wal/reader.h"
#include "wal/record.h"
#include "wal/repair.h"
#include "wal/writer.h"

namespace quorate::wal {
namespace {

constexpr const char* kDirectory = "wal";
constexpr std::uint64_t kSector = 512;

// Where each record of a sound segment begins, and the end of the last.
std::vector<std::uint64_t> Frames(std::string_view segment) {
  std::vector<std::uint64_t> frames = {0};
  FrameCursor cursor(segment, 0, false);
  while (cursor.Next() == FrameCursor::Outcome::kRecord) frames.push_back(cursor.offset());
  return frames;
}

struct Log {
  std::vector<raft::Entry> entries;
  std::string path;
  std::string bytes;
  std::uint64_t synced = 0;  // bytes
  std::size_t synced_entries = 0;
};

// Entries without zeros in them: a sector of zeros then means a sector that was lost.
Log Build(io::Disk& disk, fuzz::Feed& feed) {
  Log log;
  auto writer = Writer::Create(disk, kDirectory, {MemberId{1}, ClusterId{2}}, {1 << 20, 4096});
  CHECK(writer.ok());
  log.path = io::JoinPath(kDirectory, ToFileName({0, LogIndex{0}}));
  log.synced = Frames(*io::ReadFile(disk, log.path)).back();
  const std::uint64_t batches = 1 + feed.Below(4);
  for (std::uint64_t batch = 0; batch < batches; ++batch) {
    std::vector<raft::Entry> entries;
    for (std::uint64_t i = 1 + feed.Below(3); i > 0; --i) {
      raft::Entry entry;
      entry.term = Term{1 + batch};
      entry.index = LogIndex{log.entries.size() + 1};
      entry.data = raft::Payload(std::string(feed.Below(256) * 8, 'x'));
      log.entries.push_back(entry);
      entries.push_back(entry);
    }
    const raft::HardState state{Term{1 + batch}, MemberId{1}, entries.back().index};
    (*writer)->Append(entries, &state);
    const bool last = batch + 1 == batches;
    CHECK((last && feed.Flag() ? (*writer)->Write() : (*writer)->Sync()).ok());
    if (last) break;
    log.synced = Frames(*io::ReadFile(disk, log.path)).back();
    log.synced_entries = log.entries.size();
  }
  writer->reset();
  log.bytes = *io::ReadFile(disk, log.path);
  return log;
}

void Put(io::Disk& disk, const Log& log, std::string_view bytes) {
  const auto file = disk.Open(log.path, io::OpenMode::kTruncate);
  CHECK(file.ok() && (*file)->WriteAt(0, AsBytes(bytes)).ok());
}

// How many of the log's records behind `at` are the same in `bytes`.
std::size_t IntactBehind(const Log& log, std::string_view bytes, std::uint64_t at) {
  const auto frames = Frames(log.bytes);
  std::size_t intact = 0;
  for (std::size_t i = 0; i + 1 < frames.size(); ++i) {
    if (frames[i] <= at || frames[i + 1] > bytes.size()) continue;
    const std::uint64_t size = frames[i + 1] - frames[i];
    if (bytes.substr(frames[i], size) == std::string_view(log.bytes).substr(frames[i], size)) {
      ++intact;
    }
  }
  return intact;
}

// What was read is a beginning of what was written. Returns how many entries there are.
std::optional<std::size_t> ReadPrefix(io::Disk& disk, const Log& log) {
  const auto contents = Replay(disk, kDirectory, {});
  if (!contents.ok()) {
    CHECK(contents.error().code == Code::kDataLoss);
    return std::nullopt;
  }
  CHECK(contents->entries.size() <= log.entries.size());
  CHECK(std::equal(contents->entries.begin(), contents->entries.end(), log.entries.begin()));
  if (contents->torn) {
    CHECK(RepairTail(disk, *contents->torn).ok());
    const auto repaired = Replay(disk, kDirectory, {});
    CHECK(repaired.ok() && !repaired->torn && repaired->entries == contents->entries);
  }
  return contents->entries.size();
}

// In how many bits the first record that changed differs from what was written.
std::size_t BitsChanged(const Log& log, std::string_view bytes) {
  const auto frames = Frames(log.bytes);
  std::size_t bits = 0;
  for (std::size_t i = 0; i + 1 < frames.size() && bits == 0; ++i) {
    for (std::uint64_t at = frames[i]; at < frames[i + 1]; ++at) {
      const char now = at < bytes.size() ? bytes[at] : '\0';
      bits +=
          static_cast<std::size_t>(std::popcount(static_cast<unsigned char>(now ^ log.bytes[at])));
    }
  }
  return bits;
}

// A power cut within the last write: sectors of it are lost, or the file had not grown yet.
void Tear(io::Disk& disk, const Log& log, fuzz::Feed& feed) {
  std::string bytes = log.bytes;
  const std::uint64_t end = Frames(bytes).back();
  for (std::uint64_t i = feed.Below(6); i > 0; --i) {
    const std::uint64_t sector = (log.synced / kSector + feed.Below(16)) * kSector;
    const std::uint64_t begin = std::max(sector, log.synced);
    if (begin >= end) continue;
    const std::uint64_t size = std::min(sector + kSector, end) - begin;
    if (sector + kSector > begin) bytes.replace(begin, size, std::string(size, '\0'));
  }
  if (feed.Flag()) {
    const std::uint64_t kept = log.synced + feed.Number() % (end - log.synced + 1);
    bytes.resize(std::min<std::size_t>(bytes.size(), kept));
  }
  Put(disk, log, bytes);
  const auto entries = ReadPrefix(disk, log);
  // A sector in which one bit was set looks, when it is lost, as if that bit had decayed: refused.
  if (!entries) return CHECK(BitsChanged(log, bytes) == 1);
  CHECK(*entries >= log.synced_entries);
}

// One byte changes: damage, unless it looks like a torn write and nothing was behind it.
void Flip(io::Disk& disk, const Log& log, fuzz::Feed& feed) {
  std::string bytes = log.bytes;
  const std::uint64_t end = Frames(bytes).back();
  const std::uint64_t at = feed.Number() % end;
  bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << feed.Below(8)));
  Put(disk, log, bytes);
  const auto entries = ReadPrefix(disk, log);
  if (entries && *entries < log.entries.size()) CHECK(IntactBehind(log, bytes, at) < 2);
}

FUZZ_TARGET(wal_repair) {
  fuzz::Feed feed(input);
  sim::Disk disk(1);
  const Log log = Build(disk, feed);
  CHECK(ReadPrefix(disk, log) == log.entries.size());
  if (feed.Flag()) {
    Tear(disk, log, feed);
  } else {
    Flip(disk, log, feed);
  }
}

}  // namespace
}  // namespace quorate::wal
