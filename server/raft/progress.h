// Progress: what the leader knows of one member's log, and how it may send to it.
//
//             +--------------+  ack            +-----------------+
//    start -> | probe        | --------------> | replicate       |
//             | one message, | <-------------- | many in flight, |
//             | then wait    |  reject, lost   | next is optimistic
//             +--------------+                 +-----------------+
//                ^   | needs entries that are compacted
//   sent, failed |   v
//             +--------------+
//             | snapshot     |   sends nothing until the snapshot is reported or acknowledged
//             +--------------+
//
// Invariants: match < next; match never decreases; in probe, next never passes what was sent by
// more than nothing: it stays until an answer moves it. Thread: belongs to its Core. Source: Raft
// thesis, section 10.2.1 (pipelining); etcd raft's tracker (the three states).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "base/ids.h"

namespace quorate::raft {

struct ProgressLimits {
  std::size_t messages_max = 512;  // unacknowledged messages with entries, per member
  std::uint64_t bytes_max =
      256ULL * 1048576;  // and their bytes; one message may always be in flight
};

class Progress {
 public:
  enum class State : std::uint8_t { kProbe, kReplicate, kSnapshot };

  Progress() = default;
  Progress(LogIndex match, LogIndex next) : match_(match), next_(next) {}

  State state() const { return state_; }
  LogIndex match() const { return match_; }              // known to be durable there
  LogIndex next() const { return next_; }                // the first index to send next
  LogIndex sent_commit() const { return sent_commit_; }  // highest commit index it was told
  LogIndex pending_snapshot() const { return pending_snapshot_; }  // 0 unless in kSnapshot

  bool recent_active = false;  // heard from since the last quorum check
  bool ping = false;           // wants a message even if it carries no entry

  void BecomeProbe();
  void BecomeReplicate();
  void BecomeSnapshot(LogIndex index);

  // The member acknowledged everything up to index. False when that is old news.
  bool Acknowledge(LogIndex index);
  // The member refused a message whose previous entry was `rejected`; `hint` is the next place to
  // try. False when the refusal is stale. Never moves next below match + 1.
  bool Refuse(LogIndex rejected, LogIndex hint);

  // Whether entries may be sent now.
  bool MaySendEntries(const ProgressLimits& limits) const;
  bool MayProbe() const { return state_ == State::kProbe && !probe_sent_; }
  void NoteSent(LogIndex last, std::size_t entries, std::uint64_t bytes);
  void NoteCommitSent(LogIndex commit);
  // An answer arrived, so a lost probe need not block for ever.
  void Resume() { probe_sent_ = false; }
  // No further probe until an answer or Resume.
  void Pause() { probe_sent_ = true; }
  // A heartbeat interval begins; Stalled: nothing was acknowledged since.
  void NoteBeat() { beat_match_ = match_; }
  bool Stalled() const { return match_ == beat_match_; }

  void SnapshotFailed() { pending_snapshot_ = LogIndex{0}; }
  std::size_t inflight_messages() const { return inflight_.size(); }
  std::uint64_t inflight_bytes() const { return inflight_bytes_; }
  void AppendState(std::string& out) const;  // see Core::AppendState

 private:
  struct Inflight {
    LogIndex last;
    std::uint64_t bytes;
  };

  void Reset(State state);
  void Free(LogIndex upto);

  State state_ = State::kProbe;
  LogIndex match_;
  LogIndex next_{1};
  LogIndex sent_commit_;
  LogIndex pending_snapshot_;
  LogIndex beat_match_;
  bool probe_sent_ = false;
  std::deque<Inflight> inflight_;  // only in kReplicate; ascending by last
  std::uint64_t inflight_bytes_ = 0;
};

}  // namespace quorate::raft
