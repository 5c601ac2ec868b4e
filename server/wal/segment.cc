#include "wal/segment.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/site.h"

namespace quorate::wal {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kSuffix = ".wal";

std::string Padded(std::uint64_t number) {
  const std::string digits = ToHex(number);
  return std::string(kDigits - digits.size(), '0') + digits;
}

}  // namespace

std::string ToFileName(SegmentName name) {
  return Padded(name.sequence) + "-" + Padded(name.first_index.value) + std::string(kSuffix);
}

std::optional<SegmentName> ParseFileName(std::string_view file_name) {
  if (file_name.size() != 2 * kDigits + 1 + kSuffix.size()) return std::nullopt;
  if (file_name[kDigits] != '-' || !file_name.ends_with(kSuffix)) return std::nullopt;
  const auto sequence = ParseHex(file_name.substr(0, kDigits));
  const auto index = ParseHex(file_name.substr(kDigits + 1, kDigits));
  if (!sequence || !index) return std::nullopt;
  return SegmentName{*sequence, LogIndex{*index}};
}

Result<std::vector<SegmentName>> ListSegments(io::Disk& disk, std::string_view directory) {
  std::vector<SegmentName> segments;
  for (const std::string& name : TRY(disk.List(directory))) {
    if (const auto segment = ParseFileName(name)) segments.push_back(*segment);
  }
  const auto gap = std::adjacent_find(segments.begin(), segments.end(),
                                      [](auto a, auto b) { return a.sequence + 1 != b.sequence; });
  if (segments.empty()) {
    return Error{Code::kNotFound, "wal: file not found: no segment in " + std::string(directory)};
  }
  if (gap != segments.end()) {
    return Error{Code::kDataLoss, "wal: file not found: no segment follows " +
                                      io::JoinPath(directory, ToFileName(*gap))};
  }
  return segments;
}

Result<bool> HasLog(io::Disk& disk, std::string_view directory) {
  auto names = disk.List(directory);
  if (!names.ok()) {
    if (names.error().code == Code::kNotFound) return false;
    return names.error();
  }
  return std::any_of(names->begin(), names->end(),
                     [](const std::string& name) { return ParseFileName(name).has_value(); });
}

Result<std::size_t> PurgeSegments(io::Disk& disk, std::string_view directory, std::size_t keep) {
  if (keep == 0) return std::size_t{0};
  const std::vector<SegmentName> segments = TRY(ListSegments(disk, directory));
  std::size_t removed = 0;
  while (segments.size() - removed > keep) {
    const std::string path = io::JoinPath(directory, ToFileName(segments[removed]));
    const auto file = TRY(disk.Open(path, io::OpenMode::kReadWrite));
    if (!TRY(file->TryLock())) break;
    TRY(disk.Remove(path));
    QUORATE_CRASH_SITE("wal.purge.after_remove");
    // Each name on its own, so that a crash never leaves a hole in the sequence.
    TRY(disk.SyncDirectory(directory));
    ++removed;
  }
  return removed;
}

}  // namespace quorate::wal
