#include "wal/reader.h"

#include <algorithm>
#include <functional>

#include "base/bytes.h"
#include "base/site.h"
#include "wal/payloads.h"
#include "wal/record.h"
#include "wal/segment.h"
#include "wire/raftpb.h"

namespace quorate::wal {
namespace {

using Outcome = FrameCursor::Outcome;
using Visit = std::function<Status(const Record&)>;

// What a walk over segments knows at its end.
struct Walk {
  std::optional<Metadata> metadata;
  Tail tail;
  std::optional<TornTail> torn;
};

Error Damage(std::string_view reason, const std::string& path, std::uint64_t offset) {
  return Error{Code::kDataLoss, "wal: " + std::string(reason) + ": " + path + " at offset " +
                                    std::to_string(offset)};
}

// Each segment starts with the running checksum and the metadata, and only there may a checksum
// record stand.
Status CheckPlace(const Record& record, std::size_t number, Walk& walk) {
  const bool is_crc = record.type == RecordType::kCrc;
  const bool is_metadata = record.type == RecordType::kMetadata;
  if ((number == 0) != is_crc || (number == 1 && !is_metadata)) {
    return Error{Code::kDataLoss, "unexpected block type"};
  }
  if (!is_metadata) return {};
  const Metadata metadata = TRY(DecodeMetadata(record.data));
  if (walk.metadata && *walk.metadata != metadata) {
    return Error{Code::kDataLoss, "conflicting metadata found"};
  }
  walk.metadata = metadata;
  return {};
}

Status WalkSegment(std::string_view bytes, const std::string& path, bool first, bool last,
                   const Visit& visit, Walk& walk) {
  FrameCursor cursor(bytes, walk.tail.crc, !first);
  std::uint64_t start = 0;
  Outcome outcome = cursor.Next();
  for (std::size_t number = 0; outcome == Outcome::kRecord; ++number) {
    Status status = CheckPlace(cursor.record(), number, walk);
    if (status.ok()) status = visit(cursor.record());
    if (!status.ok()) return Damage(status.error().message, path, start);
    start = cursor.offset();
    outcome = cursor.Next();
  }
  walk.tail.offset = cursor.offset();
  walk.tail.crc = cursor.crc();
  if (outcome == Outcome::kEnd) return {};
  if (outcome == Outcome::kDamaged || !last) return Damage(cursor.reason(), path, cursor.offset());
  walk.torn = TornTail{path, cursor.offset(), std::string(cursor.reason())};
  return {};
}

// Reads one segment, which goes on where the walk stands.
Status ReadSegment(io::Disk& disk, std::string_view directory, const SegmentName& segment,
                   bool first, bool last, const Visit& visit, Walk& walk) {
  walk.tail.sequence = segment.sequence;
  walk.tail.segment = ToFileName(segment);
  const std::string path = io::JoinPath(directory, walk.tail.segment);
  const std::string bytes = TRY(io::ReadFile(disk, path));
  return WalkSegment(bytes, path, first, last, visit, walk);
}

Status CheckIdentity(std::string_view directory, const Walk& walk) {
  if (walk.metadata) return {};
  return Damage("no metadata found", io::JoinPath(directory, walk.tail.segment), 0);
}

Result<Walk> WalkSegments(io::Disk& disk, std::string_view directory,
                          std::span<const SegmentName> segments, const Visit& visit) {
  Walk walk;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    TRY(ReadSegment(disk, directory, segments[i], i == 0, i + 1 == segments.size(), visit, walk));
  }
  TRY(CheckIdentity(directory, walk));
  return walk;
}

// The checksum does not cover a record's type, so a state must be spelled exactly as states are.
Result<raft::HardState> DecodeState(std::string_view data) {
  const raft::HardState state = TRY(wire::DecodeHardState(data));
  if (state.term == Term{} || wire::EncodeHardState(state) != data) {
    return Error{Code::kDataLoss, "malformed hard state"};
  }
  return state;
}

// The snapshot marks of some segments, and how far the log was known to be committed behind them.
class Marks {
 public:
  Visit Collector() {
    return [this](const Record& record) -> Status {
      if (record.type == RecordType::kSnapshot) {
        marks_.push_back(TRY(DecodeSnapshotMark(record.data)));
      }
      if (record.type == RecordType::kState) state_ = TRY(DecodeState(record.data));
      return {};
    };
  }
  // These stand in front of the others.
  void Precede(Marks before) {
    marks_.insert(marks_.begin(), before.marks_.begin(), before.marks_.end());
    if (!state_) state_ = before.state_;
  }
  // A state machine that has come to `reached` can start at one of them.
  bool Reaches(LogIndex reached) const {
    return state_ && std::any_of(marks_.begin(), marks_.end(), [&](const SnapshotMark& mark) {
             return mark.index <= std::min(state_->commit, reached);
           });
  }
  std::vector<SnapshotMark> Valid() {
    const LogIndex commit = state_ ? state_->commit : LogIndex{};
    std::erase_if(marks_, [commit](const SnapshotMark& mark) { return mark.index > commit; });
    return std::move(marks_);
  }

 private:
  std::vector<SnapshotMark> marks_;
  std::optional<raft::HardState> state_;  // the newest
};

// The log behind a mark, record by record as it was written.
class Behind {
 public:
  explicit Behind(const SnapshotMark& start) : start_(start) {}

  Status Place(raft::Entry entry);
  Status PassMark(const SnapshotMark& mark);
  bool found() const { return found_; }  // the mark itself
  std::vector<raft::Entry>& entries() { return entries_; }

 private:
  const SnapshotMark& start_;
  std::optional<Term> term_at_start_;  // of the entry at the mark's index, as the log stands
  std::vector<raft::Entry> entries_;
  bool found_ = false;
};

// Puts an entry where its index belongs; it replaces what was there and behind, also when it is
// itself part of what the mark covers.
Status Behind::Place(raft::Entry entry) {
  using raft::EntryType;
  if (entry.type == EntryType::kConfChangeV2) {
    return Error{Code::kDataLoss, "entry of type ConfChangeV2, which etcd never writes"};
  }
  if (entry.index == LogIndex{} || entry.term == Term{} ||
      (entry.type == EntryType::kConfChange && entry.data.empty())) {
    return Error{Code::kDataLoss, "malformed entry"};
  }
  if (entry.index <= start_.index) {
    if (!QUORATE_PLANTED("wal.cut_entries_return")) entries_.clear();
    if (entry.index == start_.index) {
      term_at_start_ = entry.term;
    } else {
      term_at_start_.reset();
    }
    return {};
  }
  const std::uint64_t position = entry.index - start_.index - 1;
  if (position > entries_.size()) return Error{Code::kDataLoss, "slice bounds out of range"};
  entries_.resize(position);
  if (!entries_.empty() && entries_.back().term > entry.term) {
    return Error{Code::kDataLoss, "entry of an earlier term than the one before it"};
  }
  entries_.push_back(std::move(entry));
  return {};
}

// A mark of our own state machine leaves the log as it is. One of a received snapshot, whose entry
// the log does not have, begins it anew.
Status Behind::PassMark(const SnapshotMark& mark) {
  if (mark.index != start_.index) return {};
  if (mark.term != start_.term) return Error{Code::kDataLoss, "snapshot mismatch"};
  if (QUORATE_PLANTED("wal.snapshot_keeps_old_entries")) term_at_start_ = mark.term;
  if (term_at_start_ != mark.term) entries_.clear();
  term_at_start_ = mark.term;
  found_ = true;
  return {};
}

}  // namespace

Result<std::vector<SnapshotMark>> ValidSnapshots(io::Disk& disk, std::string_view directory) {
  Marks marks;
  const auto segments = TRY(ListSegments(disk, directory));
  TRY(WalkSegments(disk, directory, segments, marks.Collector()));
  return marks.Valid();
}

Result<std::vector<SnapshotMark>> NewestSnapshots(io::Disk& disk, std::string_view directory,
                                                  LogIndex reached) {
  const auto segments = TRY(ListSegments(disk, directory));
  Marks marks;
  for (std::size_t i = segments.size(); i > 0 && !marks.Reaches(reached); --i) {
    Marks before;
    Walk walk;
    TRY(ReadSegment(disk, directory, segments[i - 1], true, i == segments.size(),
                    before.Collector(), walk));
    TRY(CheckIdentity(directory, walk));
    marks.Precede(std::move(before));
  }
  return marks.Valid();
}

Result<Contents> Replay(io::Disk& disk, std::string_view directory, const SnapshotMark& start) {
  const auto segments = TRY(ListSegments(disk, directory));
  const auto from = std::find_if(segments.rbegin(), segments.rend(), [&](const SegmentName& name) {
    return name.first_index <= start.index;
  });
  if (from == segments.rend()) {
    return Error{Code::kDataLoss, "wal: file not found: no segment of " + std::string(directory) +
                                      " reaches back to index " +
                                      std::to_string(start.index.value)};
  }
  const std::size_t skip = static_cast<std::size_t>(segments.rend() - from) - 1;

  Contents contents;
  Behind behind(start);
  const auto visit = [&](const Record& record) -> Status {
    if (record.type == RecordType::kEntry) {
      return behind.Place(TRY(wire::DecodeEntry(record.data)));
    }
    if (record.type == RecordType::kState) contents.hard_state = TRY(DecodeState(record.data));
    if (record.type == RecordType::kSnapshot) {
      return behind.PassMark(TRY(DecodeSnapshotMark(record.data)));
    }
    return {};
  };
  Walk walk = TRY(WalkSegments(disk, directory, std::span(segments).subspan(skip), visit));
  if (!behind.found()) {
    return Error{Code::kDataLoss, "wal: snapshot not found: index " +
                                      std::to_string(start.index.value) + " in " +
                                      std::string(directory)};
  }
  contents.entries = std::move(behind.entries());
  contents.metadata = *walk.metadata;
  contents.tail = std::move(walk.tail);
  contents.tail.lock_from = start.index;
  contents.tail.last_index = contents.entries.empty() ? start.index : contents.entries.back().index;
  contents.torn = std::move(walk.torn);
  return contents;
}

}  // namespace quorate::wal
