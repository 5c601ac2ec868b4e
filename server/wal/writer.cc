#include "wal/writer.h"

#include <algorithm>

#include "base/check.h"
#include "base/site.h"
#include "wal/payloads.h"
#include "wal/record.h"
#include "wire/raftpb.h"

namespace quorate::wal {

Result<std::unique_ptr<Writer>> Writer::Create(io::Disk& disk, std::string directory,
                                               const Metadata& metadata, WriterOptions options) {
  if (TRY(io::Exists(disk, directory))) {
    return Error{Code::kAlreadyExists, "create wal: " + directory + " exists"};
  }
  const std::string building = directory + ".tmp";
  TRY(io::RemoveTree(disk, building));
  TRY(disk.MakeDirectories(building));

  std::unique_ptr<Writer> writer(new Writer(disk, directory, metadata, options));
  const SegmentName name{0, LogIndex{}};
  auto file = TRY(disk.Open(io::JoinPath(building, ToFileName(name)), io::OpenMode::kCreateNew));
  TRY(writer->Begin(std::move(file), name));
  writer->Mark(SnapshotMark{});
  TRY(writer->Sync());
  TRY(disk.SyncDirectory(building));
  QUORATE_CRASH_SITE("wal.create.before_rename");
  TRY(disk.Rename(building, directory));
  QUORATE_CRASH_SITE("wal.create.after_rename");
  TRY(disk.SyncDirectory(io::ParentOf(directory)));
  return writer;
}

Result<std::unique_ptr<Writer>> Writer::Open(io::Disk& disk, std::string directory,
                                             const Contents& contents, WriterOptions options) {
  const Tail& tail = contents.tail;
  std::unique_ptr<Writer> writer(
      new Writer(disk, std::move(directory), contents.metadata, options));
  for (const SegmentName& name : TRY(ListSegments(disk, writer->directory_))) {
    const std::string path = io::JoinPath(writer->directory_, ToFileName(name));
    auto file = TRY(disk.Open(path, io::OpenMode::kReadWrite));
    if (!QUORATE_PLANTED("wal.second_writer")) {
      if (!TRY(file->TryLock())) {
        return Error{Code::kFailedPrecondition, "open wal: another process holds " + path};
      }
    }
    writer->segments_.push_back(Segment{name, std::move(file)});
  }
  CHECK(writer->segment_sequence() == tail.sequence);
  writer->ReleaseTo(tail.lock_from);
  writer->offset_ = tail.offset;
  writer->crc_ = tail.crc;
  writer->hard_state_ = contents.hard_state;
  writer->last_index_ = tail.last_index;

  // Nothing of an unfinished write may stay where records will come to lie.
  io::File& file = *writer->segments_.back().file;
  const std::uint64_t size = TRY(file.Size());
  TRY(file.Truncate(tail.offset));
  QUORATE_CRASH_SITE("wal.open.after_truncate");
  writer->filled_ = tail.offset;
  TRY(writer->Fill(std::min(size, options.segment_bytes)));
  TRY(file.Sync());
  QUORATE_CRASH_SITE("wal.open.after_sync");
  // Names that an earlier life of this process made may not be durable yet.
  TRY(disk.SyncDirectory(writer->directory_));
  TRY(disk.SyncDirectory(io::ParentOf(writer->directory_)));
  return writer;
}

Writer::Writer(io::Disk& disk, std::string directory, const Metadata& metadata,
               WriterOptions options)
    : disk_(disk), directory_(std::move(directory)), metadata_(metadata), options_(options) {}

Writer::~Writer() = default;

void Writer::Append(std::span<const raft::Entry> entries, const raft::HardState* hard_state) {
  for (const raft::Entry& entry : entries) {
    CHECK(entry.index <= last_index_ + 1);
    scratch_.clear();
    wire::AppendEntry(scratch_, entry);
    AppendRecord(buffer_, RecordType::kEntry, scratch_, crc_);
    last_index_ = entry.index;
  }
  if (hard_state == nullptr || *hard_state == raft::HardState{}) return;
  hard_state_ = *hard_state;
  AppendRecord(buffer_, RecordType::kState, wire::EncodeHardState(hard_state_), crc_);
}

void Writer::Mark(const SnapshotMark& mark) {
  AppendRecord(buffer_, RecordType::kSnapshot, EncodeSnapshotMark(mark), crc_);
  last_index_ = std::max(last_index_, mark.index);
}

Status Writer::Write() {
  if (!poison_.ok()) return poison_;
  if (buffer_.empty()) return {};
  QUORATE_CRASH_SITE("wal.before_write");
  const std::uint64_t end = offset_ + buffer_.size();
  if (end > filled_) {
    const std::uint64_t step = std::max<std::uint64_t>(options_.fill_step_bytes, 1);
    TRY(Poison(Fill(std::min((end / step + 1) * step, std::max(options_.segment_bytes, end)))));
  }
  TRY(Poison(segments_.back().file->WriteAt(offset_, AsBytes(buffer_))));
  offset_ = end;
  unsynced_bytes_ += buffer_.size();
  buffer_.clear();
  QUORATE_CRASH_SITE("wal.after_write");
  return {};
}

Status Writer::Sync() {
  TRY(Write());
  if (QUORATE_PLANTED("wal.sync_without_fsync")) return {};
  TRY(Poison(segments_.back().file->Sync()));
  unsynced_bytes_ = 0;
  QUORATE_CRASH_SITE("wal.after_sync");
  if (offset_ < options_.segment_bytes && !QUORATE_SITE("wal.cut_early")) return {};
  return Poison(Cut());
}

void Writer::ReleaseTo(LogIndex index) {
  std::size_t needed = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].name.first_index <= index) needed = i;
  }
  if (QUORATE_PLANTED("wal.release_too_much")) needed = segments_.size() - 1;
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(needed));
}

// Checksum, metadata and the hard state: what each segment starts with.
void Writer::AppendHeader() {
  CHECK(buffer_.empty());
  AppendRecord(buffer_, RecordType::kCrc, {}, crc_);
  AppendRecord(buffer_, RecordType::kMetadata, EncodeMetadata(metadata_), crc_);
  if (hard_state_ == raft::HardState{}) return;
  AppendRecord(buffer_, RecordType::kState, wire::EncodeHardState(hard_state_), crc_);
}

// Makes file the segment that is written to, its header durable.
Status Writer::Begin(std::unique_ptr<io::File> file, SegmentName name) {
  if (!TRY(file->TryLock())) {
    return Error{Code::kFailedPrecondition, "wal: another process holds " + ToFileName(name)};
  }
  filled_ = TRY(file->Size());
  offset_ = 0;
  segments_.push_back(Segment{name, std::move(file)});
  AppendHeader();
  TRY(Write());
  return segments_.back().file->Sync();
}

Status Writer::Fill(std::uint64_t end) {
  if (end <= filled_) return {};
  TRY(segments_.back().file->ZeroFill(filled_, end - filled_));
  filled_ = end;
  return {};
}

// Closes the full segment and goes on in the next.
Status Writer::Cut() {
  io::File& full = *segments_.back().file;
  TRY(full.Truncate(offset_));
  TRY(full.Sync());
  QUORATE_CRASH_SITE("wal.cut.after_truncate");
  const SegmentName name{segment_sequence() + 1, last_index_ + 1};
  std::string path;
  auto file = TRY(TakeSpare(path));
  TRY(Begin(std::move(file), name));
  QUORATE_CRASH_SITE("wal.cut.before_rename");
  TRY(disk_.Rename(path, io::JoinPath(directory_, ToFileName(name))));
  QUORATE_CRASH_SITE("wal.cut.after_rename");
  if (QUORATE_PLANTED("wal.segment_name_not_synced")) return {};
  return disk_.SyncDirectory(directory_);
}

bool Writer::WantsSpare() const {
  if (offset_ < options_.segment_bytes / 2 || QUORATE_SITE("wal.no_spare")) return false;
  MutexLock lock(spare_mutex_);
  return spare_ == nullptr && !preparing_;
}

Status Writer::PrepareSpare() {
  std::string path;
  {
    MutexLock lock(spare_mutex_);
    if (spare_ != nullptr || preparing_) return {};
    preparing_ = true;
    path = io::JoinPath(directory_, std::to_string(spare_count_++ % 2) + ".tmp");
  }
  auto prepared = [&]() -> Result<std::unique_ptr<io::File>> {
    auto file = TRY(disk_.Open(path, io::OpenMode::kTruncate));
    if (QUORATE_PLANTED("wal.spare_not_zeroed")) return file;
    TRY(FillSpare(*file));
    return file;
  }();
  MutexLock lock(spare_mutex_);
  preparing_ = false;
  if (!prepared.ok()) return std::move(prepared).error();
  spare_ = std::move(prepared).value();
  spare_path_ = std::move(path);
  return {};
}

Status Writer::FillSpare(io::File& file) const {
  const std::uint64_t step = std::max<std::uint64_t>(options_.spare_step_bytes, 1);
  for (std::uint64_t done = 0; done < options_.segment_bytes; done += step) {
    TRY(file.ZeroFill(done, std::min(step, options_.segment_bytes - done)));
    QUORATE_CRASH_SITE("wal.spare.before_sync");
    TRY(file.Sync());
  }
  return {};
}

// The spare, or a fresh file when there is none: a cut never waits for the background.
Result<std::unique_ptr<io::File>> Writer::TakeSpare(std::string& path) {
  {
    MutexLock lock(spare_mutex_);
    if (spare_ != nullptr) {
      path = std::move(spare_path_);
      return std::move(spare_);
    }
    path = io::JoinPath(directory_, std::to_string(spare_count_++ % 2) + ".tmp");
  }
  return disk_.Open(path, io::OpenMode::kTruncate);
}

Status Writer::Poison(Status status) {
  if (QUORATE_PLANTED("wal.retry_after_error")) return status;
  if (!status.ok() && poison_.ok()) poison_ = status;
  return status;
}

}  // namespace quorate::wal
