// Writer: appends to the write-ahead log.
//
// Append and Mark only fill a buffer; Sync writes it in one call and makes it durable with one
// fdatasync, whatever it holds. A segment that has reached its size is closed at the end of a
// Sync. The next one is made ready beforehand, zero-filled, by PrepareSpare in the background, so
// that the syncs in it change no metadata; when the owner never runs it, a cut still works and
// costs more. After any error the writer is poisoned: every later call returns the first error,
// because the file's tail is unknown.
//
// Invariants: what Sync acknowledged is never written again. A needed segment is locked (flock).
// Ownership: borrows the Disk, which must outlive it; owns the open segments.
// Thread: one at a time (the wal thread), but PrepareSpare may run beside it in another.
// Errors: kFailedPrecondition when another process holds the log; else the Disk's.
// Source: etcd server/storage/wal (behaviour); FORMAT.md (bytes); Rebello et al., ATC 2020 (why
// an error is final).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "io/disk.h"
#include "wal/contents.h"
#include "wal/segment.h"

namespace quorate::wal {

struct WriterOptions {
  std::uint64_t segment_bytes = kSegmentBytes;
  // A segment that was not made ready beforehand gets blocks and zeros in steps of this size.
  std::uint64_t fill_step_bytes = 4U << 20U;
  // The spare is written and synced in steps of this size: a Sync of the log beside it waits for no
  // more than one.
  std::uint64_t spare_step_bytes = 1U << 20U;
};

class Writer {
 public:
  // Makes a new log with a mark at index 0. It is built as DIRECTORY.tmp and renamed when whole; a
  // leftover of an interrupted attempt is replaced. REQUIRES: the parent of directory exists.
  // kAlreadyExists when directory does.
  static Result<std::unique_ptr<Writer>> Create(io::Disk& disk, std::string directory,
                                                const Metadata& metadata,
                                                WriterOptions options = {});

  // Goes on where Replay ended. REQUIRES: !contents.torn, or RepairTail has run.
  static Result<std::unique_ptr<Writer>> Open(io::Disk& disk, std::string directory,
                                              const Contents& contents, WriterOptions options = {});

  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Entries, then the hard state unless it is null. Entries replace what the log has from their
  // first index on. REQUIRES: entries are consecutive and leave no gap behind last_index().
  void Append(std::span<const raft::Entry> entries, const raft::HardState* hard_state);

  // The state machine's own files hold everything up to mark.index. Moves last_index() up to it.
  void Mark(const SnapshotMark& mark);

  // Hands what is buffered to the kernel: it outlives the process, not a power cut.
  Status Write();

  // What was appended is durable when this returns ok.
  Status Sync();

  // No replay will begin before index any more: unlocks the segments that hold only entries up to
  // it, for PurgeSegments to take. REQUIRES: a Mark at or above index was synced.
  void ReleaseTo(LogIndex index);

  // True when the background should run PrepareSpare: the segment is half full, and there is none.
  bool WantsSpare() const;
  // Makes the next segment ready; harmless when it is. An error is the disk's and leaves the
  // writer usable: the next cut will meet it.
  Status PrepareSpare();

  LogIndex last_index() const { return last_index_; }  // of the last entry or mark appended
  const Metadata& metadata() const { return metadata_; }
  std::uint64_t segment_sequence() const { return segments_.back().name.sequence; }
  std::size_t unsynced_bytes() const { return unsynced_bytes_; }

 private:
  struct Segment {
    SegmentName name;
    std::unique_ptr<io::File> file;
  };

  Writer(io::Disk& disk, std::string directory, const Metadata& metadata, WriterOptions options);
  void AppendHeader();
  Status Begin(std::unique_ptr<io::File> file, SegmentName name);
  Status Fill(std::uint64_t end);
  Status FillSpare(io::File& file) const;
  Status Cut();
  Result<std::unique_ptr<io::File>> TakeSpare(std::string& path);
  Status Poison(Status status);

  io::Disk& disk_;
  std::string directory_;
  Metadata metadata_;
  WriterOptions options_;
  Status poison_;

  std::vector<Segment> segments_;  // oldest first, the last is written to
  std::string buffer_;             // frames not yet handed to the kernel; they belong at offset_
  std::string scratch_;
  std::uint64_t offset_ = 0;
  std::uint64_t filled_ = 0;  // up to here the segment has blocks
  std::size_t unsynced_bytes_ = 0;
  std::uint32_t crc_ = 0;       // after the last frame in buffer_
  raft::HardState hard_state_;  // as of the end of buffer_
  LogIndex last_index_;

  mutable Mutex spare_mutex_;
  std::unique_ptr<io::File> spare_ QUORATE_GUARDED_BY(spare_mutex_);
  std::string spare_path_ QUORATE_GUARDED_BY(spare_mutex_);
  std::uint64_t spare_count_ QUORATE_GUARDED_BY(spare_mutex_) = 0;
  bool preparing_ QUORATE_GUARDED_BY(spare_mutex_) = false;
};

}  // namespace quorate::wal
