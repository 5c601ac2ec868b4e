#include "raft/log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/site.h"

namespace quorate::raft {
namespace {

constexpr std::uint64_t kEntryOverheadBytes = 16;

}  // namespace

std::uint64_t SizeOf(const Entry& entry) {
  return entry.data.size() + kEntryOverheadBytes;
}

Log::Log(Position compacted, std::vector<Entry> entries, LogIndex committed, LogIndex applied)
    : compacted_(compacted),
      entries_(std::move(entries)),
      committed_(committed),
      applying_(applied),
      applied_(applied) {
  LogIndex expected = first_index();
  for (const Entry& entry : entries_) {
    CHECK(entry.index == expected);
    ++expected;
  }
  bytes_ = BytesOf(0, entries_.size());
  durable_ = last_index();
  handed_ = last_index();
  CHECK(compacted_.index <= applied_ && applied_ <= committed_ && committed_ <= last_index());
}

Position Log::last() const {
  if (entries_.empty()) return compacted_;
  return {entries_.back().index, entries_.back().term};
}

std::optional<Term> Log::TermAt(LogIndex index) const {
  if (index == compacted_.index) return compacted_.term;
  if (index < compacted_.index || index > last_index()) return std::nullopt;
  return entries_[Offset(index)].term;
}

bool Log::IsUpToDate(Position candidate) const {
  const Position ours = last();
  return candidate.term > ours.term ||
         (candidate.term == ours.term && candidate.index >= ours.index);
}

void Log::Append(Entry entry) {
  CHECK(entry.index == last_index() + 1);
  bytes_ += SizeOf(entry);
  entries_.push_back(std::move(entry));
}

Log::Splice Log::TrySplice(Position previous, std::span<Entry> entries) {
  if (!Matches(previous)) return Splice::kNoMatch;
  std::size_t known = 0;
  while (known < entries.size() && Matches({entries[known].index, entries[known].term})) ++known;
  if (QUORATE_PLANTED("raft.shorter_append_truncates") && known == entries.size() &&
      previous.index + entries.size() >= committed_ &&
      previous.index + entries.size() < last_index()) {
    CutFrom(previous.index + entries.size() + 1);
  }
  if (known == entries.size()) return Splice::kDone;
  const LogIndex from = entries[known].index;
  if (from <= committed_) return Splice::kConflictsWithCommitted;
  if (from <= last_index()) CutFrom(from);
  for (const Entry& entry : entries.subspan(known)) bytes_ += SizeOf(entry);
  entries_.insert(entries_.end(),
                  std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(known)),
                  std::make_move_iterator(entries.end()));
  return Splice::kDone;
}

void Log::CutFrom(LogIndex index) {
  CHECK(index > committed_);
  bytes_ -= BytesOf(Offset(index), entries_.size());
  entries_.resize(Offset(index));
  durable_ = std::min(durable_, index - 1);
  handed_ = std::min(handed_, index - 1);
  if (QUORATE_PLANTED("raft.old_write_vouches_for_new_entries")) return;
  for (Write& write : writes_) write.last = std::min(write.last, index - 1);
}

Position Log::LastNotAbove(LogIndex index, Term term) const {
  LogIndex at = std::min(index, last_index());
  while (at > compacted_.index) {
    const Term here = entries_[Offset(at)].term;
    if (here <= term) return {at, here};
    --at;
  }
  if (at == compacted_.index && compacted_.term <= term) return {at, compacted_.term};
  return {at, Term{0}};
}

void Log::CommitTo(LogIndex index) {
  CHECK(index <= last_index());
  committed_ = std::max(committed_, index);
}

void Log::AppliedTo(LogIndex index) {
  CHECK(index <= applying_);
  applied_ = std::max(applied_, index);
}

std::vector<Entry> Log::Slice(LogIndex begin, LogIndex end, std::uint64_t bytes_max) const {
  std::vector<Entry> slice;
  if (begin >= end) return slice;
  CHECK(begin >= first_index() && end <= last_index() + 1);
  const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(Offset(begin));
  const auto limit = entries_.begin() + static_cast<std::ptrdiff_t>(Offset(end));
  std::uint64_t bytes = 0;
  auto stop = first;
  while (stop != limit) {
    bytes += SizeOf(*stop);
    if (stop != first && bytes > bytes_max) break;
    ++stop;
  }
  slice.assign(first, stop);
  return slice;
}

const Entry& Log::At(LogIndex index) const {
  CHECK(index >= first_index() && index <= last_index());
  return entries_[Offset(index)];
}

std::vector<Entry> Log::HandOut(std::uint64_t write_number) {
  std::vector<Entry> out;
  if (HasUnhanded()) {
    out.assign(entries_.begin() + static_cast<std::ptrdiff_t>(Offset(handed_ + 1)), entries_.end());
    handed_ = last_index();
  }
  writes_.push_back({write_number, handed_});
  return out;
}

void Log::Written(std::uint64_t write_number) {
  while (!writes_.empty() && writes_.front().number <= write_number) {
    durable_ = std::max(durable_, writes_.front().last);
    writes_.pop_front();
  }
}

void Log::Compact(LogIndex index) {
  if (index <= compacted_.index) return;
  CHECK(index <= applied_);
  const Term term = entries_[Offset(index)].term;
  bytes_ -= BytesOf(0, Offset(index) + 1);
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<std::ptrdiff_t>(Offset(index) + 1));
  compacted_ = {index, term};
}

void Log::Restore(Position position) {
  CHECK(position.index > committed_);
  compacted_ = position;
  entries_.clear();
  bytes_ = 0;
  committed_ = applying_ = durable_ = handed_ = position.index;
  for (Write& write : writes_) write.last = LogIndex{0};
}

LogIndex Log::IndexBefore(std::uint64_t bytes) const {
  std::size_t begin = entries_.size();
  for (; begin > 0; --begin) {
    const std::uint64_t size = SizeOf(entries_[begin - 1]);
    if (size > bytes) break;
    bytes -= size;
  }
  return compacted_.index + begin;
}

std::uint64_t Log::BytesOf(std::size_t begin, std::size_t end) const {
  std::uint64_t bytes = 0;
  for (std::size_t i = begin; i < end; ++i) bytes += SizeOf(entries_[i]);
  return bytes;
}

LogIndex Log::LastConfChange(LogIndex from, LogIndex to, std::size_t nth) const {
  for (LogIndex at = std::min(to, last_index()); at > from && at >= first_index(); --at) {
    if (entries_[Offset(at)].type != EntryType::kNormal && --nth == 0) return at;
  }
  return LogIndex{0};
}

}  // namespace quorate::raft
