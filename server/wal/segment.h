// Segment: the names and the set of files that make up a log.
//
// A segment is called SEQUENCE-INDEX.wal, two numbers of 16 hex digits: its place in the log and
// the index of the first entry that may be in it.
//
// Errors: kNotFound "wal: file not found" when the sequence has a hole or nothing is there.
// Thread: functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "io/disk.h"

namespace quorate::wal {

// Size at which a segment is closed and the next one begun: etcd's, decimal.
inline constexpr std::uint64_t kSegmentBytes = 64'000'000;

struct SegmentName {
  std::uint64_t sequence = 0;
  LogIndex first_index;

  bool operator==(const SegmentName&) const = default;
};

std::string ToFileName(SegmentName name);
std::optional<SegmentName> ParseFileName(std::string_view file_name);

// The segments in directory, oldest first; other files are not looked at.
Result<std::vector<SegmentName>> ListSegments(io::Disk& disk, std::string_view directory);

// True when directory exists and holds a segment: there is a log to replay.
Result<bool> HasLog(io::Disk& disk, std::string_view directory);

// Removes the oldest segments until `keep` are left, stopping at the first that a Writer still
// holds. keep 0: removes nothing. Returns how many went. May run beside the Writer.
Result<std::size_t> PurgeSegments(io::Disk& disk, std::string_view directory, std::size_t keep);

}  // namespace quorate::wal
