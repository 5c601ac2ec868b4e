#include "raft/progress.h"

#include <algorithm>

namespace quorate::raft {

void Progress::BecomeProbe() {
  // A snapshot that arrived tells where to go on; otherwise go back to what is certain.
  const LogIndex after_snapshot = state_ == State::kSnapshot ? pending_snapshot_ + 1 : LogIndex{0};
  Reset(State::kProbe);
  next_ = std::max(match_ + 1, after_snapshot);
  sent_commit_ = std::min(sent_commit_, next_ - 1);
}

void Progress::BecomeReplicate() {
  Reset(State::kReplicate);
  next_ = match_ + 1;
}

void Progress::BecomeSnapshot(LogIndex index) {
  Reset(State::kSnapshot);
  pending_snapshot_ = index;
  next_ = std::max(index + 1, match_ + 1);
  sent_commit_ = index;
}

bool Progress::Acknowledge(LogIndex index) {
  if (index <= match_) return false;
  match_ = index;
  next_ = std::max(next_, index + 1);
  probe_sent_ = false;
  if (state_ == State::kReplicate) Free(index);
  return true;
}

bool Progress::Refuse(LogIndex rejected, LogIndex hint) {
  if (state_ == State::kReplicate) {
    if (rejected <= match_) return false;  // it has since acknowledged more
    next_ = match_ + 1;
    return true;
  }
  if (next_ - 1 != rejected) return false;  // an answer to an older probe
  next_ = std::max({LogIndex{1}, match_ + 1, std::min(rejected, hint + 1)});
  sent_commit_ = std::min(sent_commit_, next_ - 1);
  probe_sent_ = false;
  return true;
}

bool Progress::MaySendEntries(const ProgressLimits& limits) const {
  switch (state_) {
    case State::kProbe:
      return !probe_sent_;
    case State::kReplicate:
      return inflight_.size() < limits.messages_max &&
             (inflight_.empty() || inflight_bytes_ < limits.bytes_max);
    case State::kSnapshot:
      return false;
  }
  return false;
}

void Progress::NoteSent(LogIndex last, std::size_t entries, std::uint64_t bytes) {
  ping = false;
  if (state_ == State::kProbe) {
    probe_sent_ = true;
    return;
  }
  if (entries == 0) return;
  next_ = last + 1;
  inflight_.push_back({last, bytes});
  inflight_bytes_ += bytes;
}

void Progress::NoteCommitSent(LogIndex commit) {
  sent_commit_ = std::max(sent_commit_, commit);
}

void Progress::Reset(State state) {
  state_ = state;
  probe_sent_ = false;
  ping = false;
  pending_snapshot_ = LogIndex{0};
  inflight_.clear();
  inflight_bytes_ = 0;
}

void Progress::Free(LogIndex upto) {
  while (!inflight_.empty() && inflight_.front().last <= upto) {
    inflight_bytes_ -= inflight_.front().bytes;
    inflight_.pop_front();
  }
}

}  // namespace quorate::raft
