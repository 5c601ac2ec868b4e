// Core: one member's raft, as a machine without a clock, a disk or a network.
//
// Inputs are calls (Step a message, Tick, Propose, ReadIndex, ...); they change state and collect
// what follows. After a turn of inputs the driver takes one Effects and acts on it:
//   1. Hand snapshot, then entries, then hard_state to the write-ahead log, in this order. When
//      write_number is not 0, sync and call Persisted(write_number) once all of it is durable;
//      several writes may be in flight, they complete in order.
//   2. Send messages at once: the Core itself keeps back what may leave only after a write, and
//      gives it out in a later Effects. (A leader's entries therefore travel while it still writes
//      them, and it counts itself only when Persisted.)
//   3. Install the snapshot, or apply committed, then call Applied. For each configuration change
//      call ApplyConfChange first.
// Any message may be lost, doubled or late; a message that is impossible is dropped with a note.
//
// Invariants: the role is leader exactly when leading_ holds a value; term and commit never
// decrease; nothing is given out to apply before it is durable here.
// Thread: one at a time (the raft+apply loop); owns what it holds.
// Source: Raft thesis (chapters 3, 4, 6, 9.6); etcd's raft for the wire behaviour peers observe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "raft/config.h"
#include "raft/log.h"
#include "raft/progress.h"
#include "raft/read_index.h"
#include "raft/types.h"
#include "raft/waiting_changes.h"

namespace quorate::raft {

// Context of a vote that a leader asked for: it overrides the lease.
inline constexpr std::string_view kTransferContext = "CampaignTransfer";

struct Options {
  MemberId id;                        // not 0
  std::uint32_t heartbeat_ticks = 1;  // leader's heartbeat interval; at least 1
  std::uint32_t election_ticks = 10;  // above heartbeat_ticks
  bool pre_vote = true;               // ask before raising the term
  bool check_quorum = true;  // step down without a live majority; enables the lease against votes
  std::uint64_t message_bytes_max =
      1048576;              // entries of one message; a larger single entry travels alone
  ProgressLimits inflight;  // unacknowledged messages per member
  std::uint64_t uncommitted_bytes_max = 1ULL << 30;  // proposals beyond are refused
  std::uint64_t apply_bytes_max = 1048576;  // committed entries of one Effects; at least one entry
  std::size_t reads_max = 65536;            // ReadIndex requests waiting at the leader
  std::function<std::uint64_t()>
      random;  // required: uniform 64 bits, differently seeded on each member
  // What an entry of kConfChange says; nothing when it cannot be read, and then no member proposes
  // it. Not set: every one is taken.
  std::function<std::optional<ConfChange>(std::string_view)> read_change;
};

// Where a member starts: everything its disk knows.
struct Start {
  HardState hard_state;
  ConfState conf_state;        // as of applied
  LogIndex applied;            // what the state machine already holds
  Position compacted;          // the position before the first of entries; 0 for a whole log
  std::vector<Entry> entries;  // durable
};

struct ReadState {
  LogIndex index;  // serve once this is applied
  std::string context;
};

struct Effects {
  std::optional<Snapshot> snapshot;  // replaces the state machine and the log up to its index
  std::vector<Entry> entries;  // to append; they replace what the log has from their first index on
  std::optional<HardState> hard_state;  // when it changed
  std::uint64_t write_number = 0;       // not 0: sync all the above, then Persisted(write_number)
  std::vector<Message> messages;        // send now
  std::vector<Entry> committed;         // to apply, in order
  std::vector<ReadState> reads;
  std::vector<MemberId> snapshot_requests;  // MakeSnapshotMessage for each, then ReportSnapshot
  bool role_changed = false;  // role(), leader() or term() differ from the last Effects
  // Not 0: the leader counts on our having entries up to here, which only our own acknowledgement
  // can have told it, and our log ends before: the disk below went back in time.
  LogIndex lost_index;
  std::vector<Note> notes;
};

enum class Proposed : std::uint8_t {
  kAppended,        // in our log; the outcome is known when it is applied, or never
  kForwarded,       // sent to the leader, once; the outcome is known when it is applied, or never
  kNoLeader,        // not proposed
  kTransferring,    // not proposed: leadership is being handed over
  kTooMuchPending,  // not proposed: uncommitted_bytes_max
  kNotMember,       // not proposed: we lead no longer a cluster that contains us
};

struct MemberProgress {
  MemberId id;
  LogIndex match;
  LogIndex next;
  Progress::State state;
  bool recent_active;
  bool learner;
};

class Core {
 public:
  // Whether a Core can be made of this. kDataLoss when the log lacks entries that were committed or
  // applied.
  static Status Validate(const Options& options, const Start& start);
  // REQUIRES: Validate is ok.
  Core(Options options, Start start);
  // A copy is the same member at the same moment: models go on from one state in several ways.
  Core(const Core&) = default;
  Core& operator=(const Core&) = delete;

  // Inputs.
  void Step(Message message);  // from the network
  void Tick();
  void Campaign();  // now, instead of waiting for the timeout; does nothing when not allowed
  // Takes the payloads of normal entries. All or none of the batch is accepted.
  Proposed Propose(std::span<Payload> batch);
  // An encoded raftpb.ConfChange. While another change is unapplied it waits with the leader, for
  // two election timeouts at most (waiting_changes.h).
  Proposed ProposeConfChange(Payload change);
  bool ReadIndex(std::string context);  // false: no leader is known, nothing will come of it
  void TransferLeader(MemberId target);
  void ReportUnreachable(MemberId member);
  // Nobody is there any more: its connections ended, and where it listened nothing answers. If we
  // follow it, an election comes within a few ticks instead of after the election timeout;
  // pre-votes keep a mistake harmless.
  void ReportGone(MemberId member);
  void ReportSnapshot(MemberId member, bool delivered);

  void HoldNews(bool held);  // tell of commits only along with entries and heartbeats

  // Outputs. HasEffects: false when TakeEffects would surely return nothing.
  bool HasEffects() const { return touched_; }
  Effects TakeEffects();
  void Persisted(std::uint64_t write_number);
  bool AwaitsWrites() const;  // false: nothing goes on at the next Persisted, so it may come late
  // Everything up to index, given out before, is in the state machine (and a snapshot at index is
  // installed).
  void Applied(LogIndex index);
  // A committed change; a refused one is applied with member 0. The configuration after it, or why
  // it cannot be.
  Result<ConfState> ApplyConfChange(const ConfChange& change);
  void CompactLog(LogIndex index);  // forgets entries up to it. REQUIRES: index <= applied()
  // A kSnap message in our term. REQUIRES: this member leads.
  Message MakeSnapshotMessage(MemberId to, Snapshot snapshot) const;

  // State.
  MemberId id() const { return options_.id; }
  Role role() const { return role_; }
  MemberId leader() const { return leader_; }  // 0: none known
  Term term() const { return term_; }
  LogIndex committed() const { return log_.committed(); }
  LogIndex applied() const { return log_.applied(); }
  LogIndex durable() const { return log_.durable(); }
  LogIndex last_index() const { return log_.last_index(); }
  LogIndex first_index() const { return log_.first_index(); }
  std::optional<Term> TermAt(LogIndex index) const { return log_.TermAt(index); }
  std::uint64_t log_bytes() const { return log_.bytes(); }  // of the entries in memory
  // The index behind which the newest entries, as many as fit in `bytes`, begin.
  LogIndex IndexBefore(std::uint64_t bytes) const { return log_.IndexBefore(bytes); }
  const Log& log() const { return log_; }
  const Config& config() const { return config_; }
  MemberId transferee() const { return leading_ ? leading_->transferee : MemberId{}; }
  const LeaderWord& heard() const { return heard_; }
  bool CommittedInTerm() const;                 // the leader may answer reads
  std::vector<MemberProgress> Members() const;  // empty unless leading
  std::uint64_t uncommitted_bytes() const { return leading_ ? leading_->uncommitted_bytes : 0; }
  // Everything that later behaviour depends on: two Cores with equal options and equal state bytes
  // answer every input alike. REQUIRES: !HasEffects().
  void AppendState(std::string& out) const;

 private:
  // What exists only while leading.
  struct Leading {
    std::map<MemberId, Progress> progress;  // every member of config_
    ReadIndexQueue reads;
    std::vector<ReadRequest> early_reads;  // came before the first commit of this term
    MemberId transferee;                   // 0: no transfer
    LogIndex pending_conf_index;           // a change may be appended once this is applied
    WaitingChanges waiting;                // until then
    bool leaving = false;  // we are no voter any more; the others must learn that first
    // The removal of one of two voters. Nothing is appended behind it until it is applied: who
    // stays may need the vote of the removed one, which gives it to no shorter log.
    LogIndex last_of_two;
    std::uint64_t uncommitted_bytes = 0;
    std::uint32_t heartbeat_elapsed = 0;
    std::vector<LogIndex> acked;  // scratch of MaybeCommit
  };
  struct Held {                  // a promise that waits for a write
    std::uint64_t write_number;  // 0: the next write
    Message message;
  };
  struct SelfVote {
    std::uint64_t write_number;  // 0: the next write
    Term term;
  };

  // core.cc: dispatch and output.
  std::string_view WhyMalformed(const Message& message) const;
  std::string_view WhyNotProposed(const Message& message) const;
  bool AcceptHigherTerm(const Message& message);
  void AnswerLowerTerm(const Message& message);
  void Send(Message message);
  void Hold(Message message);
  void ReleaseHeld();
  void AddNote(Note::Level level, std::string text);
  void Drop(const Message& message, std::string_view why);
  void TakeWrite();
  void TakeCommitted();

  // election.cc: becoming, voting.
  void BecomeFollower(Term term, MemberId leader);
  void BecomePreCandidate();
  void BecomeCandidate();
  void BecomeLeader();
  void Reset(Term term);
  void DrawElectionTimeout();
  void Hup(bool transfer);
  bool MayCampaign();
  void RunElection(Role candidacy, bool transfer);
  void AnswerVote(const Message& message);
  void CountVote(MemberId from, bool granted);
  bool InLease() const;

  // follower.cc, candidate.cc: what a leader tells us.
  void StepFollower(Message& message);
  void StepCandidate(Message& message);
  void HandleAppend(Message& message);
  void HandleHeartbeat(const Message& message);
  void HandleSnapshot(const Message& message);
  bool RestoreSnapshot(const Snapshot& snapshot);
  void ForwardToLeader(Message& message);
  Proposed ForwardProposals(std::span<Entry> entries);

  // leader.cc: answers to a leader, and its own duties.
  void StepLeader(Message& message);
  void HandleAppendResponse(const Message& message, Progress& progress);
  void HandleHeartbeatResponse(const Message& message, Progress& progress);
  void HandleTransfer(MemberId target);
  void AskToCampaign(MemberId target);
  void HandleReadIndex(ReadRequest request);
  void AnswerRead(LogIndex index, ReadRequest request);
  void ReleaseEarlyReads();
  void TickLeader();
  bool TakeQuorumActive();
  Proposed Append(std::span<Entry> entries);
  Proposed ProposeEntries(std::span<Entry> entries);
  void ConfigChanged();
  void AppendWaitingChange();
  bool LeavesOne(const Entry& entry) const;

  // replication.cc: what a leader sends.
  bool MaybeCommit();
  void FlushReplication();
  void ReplicateTo(MemberId to, Progress& progress);
  bool SendAppend(MemberId to, Progress& progress, bool with_entries);
  void RequestSnapshot(MemberId to, Progress& progress);
  void BroadcastHeartbeat();

  const Options options_;
  Log log_;
  Config config_;
  Term term_;
  MemberId vote_;
  Role role_ = Role::kFollower;
  MemberId leader_;
  LogIndex pending_install_;  // a snapshot that is not installed yet; 0: none
  LeaderWord heard_;          // nothing here depends on it
  LogIndex told_;             // what this term's leader was last told that we have; 0: nothing
  std::uint32_t election_elapsed_ = 0;
  std::uint32_t election_timeout_ = 0;  // randomized, [election_ticks, 2 * election_ticks)
  std::map<MemberId, bool> votes_;      // while a candidate
  std::optional<Leading> leading_;

  HardState given_hard_;                // last given out
  std::uint64_t write_number_ = 0;      // of the last write given out
  std::uint64_t persisted_number_ = 0;  // of the last write that completed
  std::deque<Held> held_;
  std::optional<SelfVote> self_vote_;
  Effects effects_;  // collected since the last TakeEffects
  bool touched_ = true;
  bool news_held_ = false;
  Role given_role_ = Role::kFollower;  // as of the last TakeEffects
  MemberId given_leader_;
  Term given_term_;
};

}  // namespace quorate::raft
