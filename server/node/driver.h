// Driver: the Node, as an object that does one bounded turn at a time.
//
//   Turn: take what arrived -> Core -> entries to the log writer, messages to the network (at once:
//   the Core keeps back what must wait) -> apply committed entries for at most apply_time_max, one
//   Commit -> answers, reads, snapshots -> background work
//
// The app gives it threads; a simulator calls Turn itself. Both see the same object.
//
// Ownership: owns the Core and the LogWriter; borrows the state machine, the network and the doors,
// which must outlive it. Thread: the Node interface, Deliver and the Report functions from any;
// Turn, and what it calls back, on one (the loop). Source: DESIGN 4.1-4.3;
// knowledge/etcd.md 1.3, 1.14, 6.4, 6.5, 7.9.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "io/clock.h"
#include "io/random.h"
#include "node/inbox.h"
#include "node/log_writer.h"
#include "node/network.h"
#include "node/node.h"
#include "node/observer.h"
#include "node/proposer.h"
#include "node/read_gate.h"
#include "node/request_ids.h"
#include "node/state_machine.h"
#include "raft/core.h"

namespace quorate::node {

struct Options {
  std::chrono::milliseconds heartbeat_interval{100};  // --heartbeat-interval; one tick
  std::chrono::milliseconds election_timeout{
      1000};                                // --election-timeout; at least 5 heartbeat intervals
  bool pre_vote = true;                     // --pre-vote
  bool first_election_early = true;         // --initial-election-tick-advance
  std::size_t request_bytes_max = 1572864;  // --max-request-bytes
  std::uint64_t snapshot_count = 10000;     // --snapshot-count: entries between marks in the wal
  std::uint64_t catch_up_entries =
      5000;  // --snapshot-catchup-entries: kept in memory for slow followers
  // Entries in memory beyond these bytes are marked and forgotten early, whatever their number.
  std::uint64_t log_bytes_max = 256ULL << 20U;
  std::uint64_t apply_gap_max = 5000;  // committed but not applied; beyond, proposals are refused
  std::chrono::microseconds apply_time_max{2000};  // of one turn
  std::chrono::milliseconds request_time{
      5000};  // a request times out after this plus two election timeouts
  std::uint64_t uncommitted_bytes_max = 256ULL << 20U;  // of a leader; more is refused
  std::size_t snapshots_max = 16;                       // sent at the same time
  ProposerLimits proposer;
  InboxLimits inbox;

  std::chrono::nanoseconds request_timeout() const { return request_time + 2 * election_timeout; }
};
quorate::Status Validate(const Options& options);

class Driver final : public Node {
 public:
  struct Parts {
    MemberId self;
    raft::Start start;
    wal::SnapshotMark mark;  // the last one in the wal
    LogWriter::Parts log;
    StateMachine* state_machine = nullptr;
    Network* network = nullptr;
    const io::Clock* clock = nullptr;
    io::Random* random = nullptr;
    Observer* observer = nullptr;  // or nobody looks
    // The process must end, and why. Called once, on the loop; from then on Turn does nothing.
    std::function<void(Exit, std::string)> on_exit;
  };

  // kDataLoss when what the disk holds does not fit together.
  static Result<std::unique_ptr<Driver>> Open(Parts parts, const Options& options);
  ~Driver() override;

  // Node.
  void Propose(std::uint64_t id, std::string request, Answer done) override;
  void ProposeLeading(std::uint64_t id, std::string request, Answer done) override;
  void ProposeConfChange(raft::ConfChange change, Done done) override;
  void Read(Consistency consistency, Done read) override;
  void TransferLeadership(MemberId target, Done done) override;
  void Post(std::function<void()> function) override;
  std::uint64_t NextRequestId() override { return ids_.Next(); }
  node::Status status() const override;
  MemberId leader() const override { return MemberId{leader_.load(std::memory_order_relaxed)}; }
  Term term() const override { return Term{term_.load(std::memory_order_relaxed)}; }
  bool is_learner() const override { return learner_.load(std::memory_order_relaxed); }

  // From the network. The messages are taken; returns how many had to be dropped.
  std::size_t Deliver(std::vector<raft::Message>& messages) { return inbox_.Add(messages); }
  void ReportUnreachable(MemberId member);
  // Its process has ended, as far as the network can tell.
  void ReportGone(MemberId member);

  // The loop. Does one turn, waiting for something to do at most for `patience` and never past the
  // next tick. False: stopped, or the process must end.
  bool Turn(std::chrono::nanoseconds patience);
  // Whether a turn would do something now.
  bool Busy() const;
  // When a turn is due although nothing arrives: the next tick, or news that have waited enough.
  io::Clock::Instant next_due() const;
  std::chrono::nanoseconds time_to_due() const { return next_due() - clock_.Now(); }
  Inbox& inbox() { return inbox_; }
  LogWriter& log_writer() { return *log_writer_; }

  // Of the entries kept in memory. Loop only.
  std::uint64_t log_bytes() const { return core_.log_bytes(); }

  // For whoever checks it. Loop only.
  const raft::Core& core() const { return core_; }

  // Whether somebody here waits for the answer to this request. Loop only.
  bool Waits(std::uint64_t request_id) const { return proposer_.Waits(request_id); }

  // Campaigns without waiting for the election timeout. Any thread; for a cluster of one, and
  // tests.
  void Campaign();
  // Hands leadership over if this member leads others, answers everybody who still waits, and
  // stops. `done` on the loop.
  void Stop(std::function<void()> done);

 private:
  using Instant = io::Clock::Instant;
  struct Transfer {
    MemberId target;
    Done done;
    Instant deadline;
  };

  Driver(Parts parts, const Options& options);

  // driver.cc: into the inbox, or refused; the turn.
  void Enter(Proposal proposal);
  void TakeArrivals();
  void StepMessages();
  bool Gathering() const;
  void NoteBatch();
  void NoteNews();
  void ExpectWritten();
  void RunReads();
  void MaybeCampaign();
  void Drive();
  void Act(raft::Effects effects);
  void NoteRole();
  void Tick();
  void MaybeHastenFirstElection();
  void AskForRound();
  void FinishTurn();
  void Publish();
  Error WhyTimedOut(Instant started) const;
  bool ConnectedToQuorumSince(Instant started) const;
  void EndTransfer(quorate::Status status);
  void ContinueStop();
  void AnswerEverybody();
  void Fail(Exit exit, std::string text);
  void FailWentBack(LogIndex acknowledged);
  void Fail(const Error& error);
  std::chrono::nanoseconds Patience(std::chrono::nanoseconds patience) const;

  // driver_apply.cc: entries, snapshots, marks.
  void ApplySome();
  void ApplyOne(const raft::Entry& entry);
  void ApplyChange(const raft::Entry& entry);
  bool MayApply(const raft::Entry& entry);
  void DeliverOutcomes();
  void AnswerLost(Term applied);
  void Write(raft::Effects& effects);
  bool IsLone(const LogWrite& write) const;
  void SubmitHardState();
  void InstallIfDurable();
  void Installed(quorate::Status status, LogIndex index);
  void SendSnapshot(MemberId to);
  void MaybeMark();

  const Options options_;
  const MemberId self_;
  StateMachine& state_machine_;
  Network& network_;
  const io::Clock& clock_;
  Observer* const observer_;
  std::function<void(Exit, std::string)> on_exit_;
  Inbox inbox_;
  std::unique_ptr<LogWriter> log_writer_;
  RequestIds ids_;
  raft::Core core_;
  Proposer proposer_;
  ReadGate gate_;

  bool first_election_early_;            // still to come
  std::uint32_t ticks_since_start_ = 0;  // counted until then
  Instant now_;
  Instant next_tick_;
  Arrivals arrivals_;
  // Of what this member leads: a batch on its way to commitment, and how long the last one took, as
  // well as the last write by itself.
  LogIndex batch_end_;  // 0: none
  Instant batch_at_;
  Instant write_at_;
  std::chrono::nanoseconds commit_took_{0};
  std::chrono::nanoseconds write_took_{0};
  // Of what this member leads: how many batches in a row followed closely on the one before, and
  // how many it takes to count on the next.
  Instant settled_at_;  // everything was committed
  std::uint32_t close_batches_ = 0;
  std::uint32_t close_batches_needed_;
  bool news_held_ = false;
  bool woken_for_written_ = true;
  std::vector<raft::Message> gathered_;  // proposals of others, for the next write
  std::size_t gathered_bytes_ = 0;
  bool failed_ = false;
  bool stopped_ = false;
  bool work_due_ = true;
  bool campaigned_ = false;         // or there was no reason to
  LogIndex replay_until_;           // committed at start; nothing is read before it is applied
  std::vector<Done> serializable_;  // reads not yet called
  MemberId known_leader_;           // the last one that was known
  Instant leader_since_;
  bool leads_ = false;  // told the state machine so
  Term lost_term_;      // of a leader that is gone; proposals sent to it may wait for nothing
  std::optional<Transfer> transfer_;
  std::function<void()> stop_done_;  // set: stopping
  MemberId heir_;                    // whom a stopping leader hands over to; 0: nobody
  Instant stop_deadline_;            // the end of waiting for it
  std::optional<Instant> removed_at_;

  std::vector<raft::Entry> to_apply_;  // committed, given out by the core
  std::size_t applied_of_them_ = 0;
  std::vector<Outcome> outcomes_;  // of the portion that is not committed yet
  std::vector<std::pair<std::uint64_t, quorate::Status>> change_outcomes_;
  bool peers_changed_ = true;

  std::optional<raft::Snapshot> snapshot_;  // being written or installed
  std::uint64_t snapshot_write_ = 0;        // the write that makes its mark durable
  bool installing_ = false;
  std::uint64_t submitted_ = 0;                // the last write that was handed to the log writer
  std::uint64_t written_ = 0;                  // the last write known to be durable
  std::optional<raft::HardState> hard_state_;  // a commit index that waits for the next write
  LogIndex durable_commit_;                    // the last commit index known to be durable
  LogIndex awaited_commit_;  // a change of the members is applied once this is durable
  std::size_t snapshots_sending_ = 0;
  LogIndex mark_;                                                  // the last mark in the wal
  bool flushing_ = false;                                          // asked for since the last mark
  std::vector<std::pair<LogIndex, raft::ConfState>> conf_states_;  // since the last mark; ascending

  std::atomic<std::uint64_t> leader_{0};
  std::atomic<std::uint64_t> term_{0};
  std::atomic<bool> learner_{false};
  std::atomic<std::uint64_t> committed_{0};
  std::atomic<std::uint64_t> applied_{0};
  mutable Mutex status_mutex_;
  node::Status status_ QUORATE_GUARDED_BY(status_mutex_);
};

}  // namespace quorate::node
