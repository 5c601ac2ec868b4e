// Log: the entries since the last compaction, in memory, and how far each of them has come.
//
//   compacted < ... <= applied <= applying <= committed <= last
//                      applying <= durable <= handed <= last
//
// `handed`: given to the driver to be written. `durable`: the driver reported the write. Writes may
// be several in flight, so a conflict can replace entries whose write is still running; each write
// is therefore known by a number, and what a replaced write promised is forgotten (an
// acknowledgement can never make another entry durable).
//
// Invariants: as drawn; entries are contiguous, their terms never decrease.
// Errors: none; what a remote message may get wrong is answered by a value, what only we can get
// wrong is a CHECK. Thread: belongs to its Core. Source: Raft thesis, section 3.5; the
// term-skipping hint is section 3.5's optimisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "raft/types.h"

namespace quorate::raft {

struct Position {
  LogIndex index;
  Term term;

  bool operator==(const Position&) const = default;
};

class Log {
 public:
  // `entries` follow `compacted` and are durable. REQUIRES: contiguous; compacted <= applied <=
  // committed <= last.
  Log(Position compacted, std::vector<Entry> entries, LogIndex committed, LogIndex applied);

  LogIndex first_index() const { return compacted_.index + 1; }
  std::uint64_t bytes() const { return bytes_; }  // of all entries, as SizeOf counts them
  LogIndex IndexBefore(std::uint64_t bytes) const;
  LogIndex last_index() const { return compacted_.index + entries_.size(); }
  Position last() const;
  LogIndex committed() const { return committed_; }
  LogIndex applied() const { return applied_; }
  LogIndex applying() const { return applying_; }
  LogIndex durable() const { return durable_; }
  // Nothing for an index that is compacted away or not there yet; the compacted index itself has
  // its term.
  std::optional<Term> TermAt(LogIndex index) const;
  bool Matches(Position position) const { return TermAt(position.index) == position.term; }
  bool IsUpToDate(Position candidate) const;

  // Leader: adds at the end. REQUIRES: entry.index == last_index() + 1.
  void Append(Entry entry);

  // Follower: entries that follow `previous`, which must match.
  enum class Splice : std::uint8_t { kDone, kNoMatch, kConflictsWithCommitted };
  // Keeps what is already there, and cuts only where a term differs.
  Splice TrySplice(Position previous, std::span<Entry> entries);

  // The last position at or before `index` whose term is not above `term`: where a leader and a
  // follower that disagree at index may agree at the latest. Positions that are compacted away have
  // term 0.
  Position LastNotAbove(LogIndex index, Term term) const;

  // REQUIRES: index <= last_index(). Never goes back.
  void CommitTo(LogIndex index);
  void AppliedTo(LogIndex index);  // REQUIRES: index <= applying()
  void AcceptApplying(LogIndex index) { applying_ = index; }

  // Copies of [begin, end), at least one, then as many as fit in bytes_max. REQUIRES: in the log.
  std::vector<Entry> Slice(LogIndex begin, LogIndex end, std::uint64_t bytes_max) const;
  const Entry& At(LogIndex index) const;  // REQUIRES: in the log

  // Entries not handed out yet, or nothing. Marks them handed under the write with this number.
  std::vector<Entry> HandOut(std::uint64_t write_number);
  bool HasUnhanded() const { return handed_ < last_index(); }
  // The writes up to this number are durable. They complete in order.
  void Written(std::uint64_t write_number);

  // Forgets entries up to index. REQUIRES: index <= applied().
  void Compact(LogIndex index);
  // Everything is replaced by a snapshot at `position`.
  void Restore(Position position);

  // Index of the n-th last (n = 1: the last) configuration change in (from, last], or 0.
  LogIndex LastConfChange(LogIndex from, LogIndex to, std::size_t nth) const;

  // See Core::AppendState; writes are numbered back from the last one.
  void AppendState(std::string& out, std::uint64_t last_write) const;

 private:
  struct Write {
    std::uint64_t number;
    LogIndex last;  // lowered when a conflict replaces its entries
  };

  std::size_t Offset(LogIndex index) const { return index - first_index(); }
  void CutFrom(LogIndex index);
  std::uint64_t BytesOf(std::size_t begin, std::size_t end) const;

  Position compacted_;
  std::vector<Entry> entries_;
  std::uint64_t bytes_ = 0;
  LogIndex committed_;
  LogIndex applying_;
  LogIndex applied_;
  LogIndex durable_;
  LogIndex handed_;
  std::deque<Write> writes_;
};

// What an entry counts against size limits: its data and a little for the rest.
std::uint64_t SizeOf(const Entry& entry);

}  // namespace quorate::raft
