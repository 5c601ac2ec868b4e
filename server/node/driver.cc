#include "node/driver.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/site.h"
#include "base/wake_batch.h"
#include "node/errors.h"
#include "raft/quorum.h"
#include "wire/raftpb.h"

namespace quorate::node {
namespace {

// Effects in one turn: enough to see a batch through, few enough to look at the inbox again soon.
constexpr int kPassesMax = 4;

// A leader gathers proposals during a write up to this; larger ones need no company.
constexpr std::size_t kGatheredBytesMax = 256 << 10;

// A batch that is not committed by then is no longer waited for.
constexpr auto kGatherMax = std::chrono::milliseconds(10);

// Where a commit takes so many times a write, the way to the others dominates: batches overlap.
constexpr int kFarAway = 3;

// A batch that begins so soon after the one before was committed follows closely on it.
constexpr auto kClosely = std::chrono::milliseconds(2);

// What is committed is told by itself after so long, if no batch has come that tells it.
constexpr auto kNewsWaitMax = std::chrono::milliseconds(5);

// Batches that must have followed closely before the next one is counted on; and after mistakes.
constexpr std::uint32_t kCloseBatchesMin = 2;
constexpr std::uint32_t kCloseBatchesMax = 4096;

std::uint32_t ElectionTicks(const Options& options) {
  return static_cast<std::uint32_t>(options.election_timeout / options.heartbeat_interval);
}

raft::Options MakeCoreOptions(const Options& options, MemberId self, io::Random* random) {
  raft::Options core;
  core.id = self;
  core.heartbeat_ticks = 1;
  core.election_ticks = ElectionTicks(options);
  core.pre_vote = options.pre_vote;
  core.check_quorum = true;
  core.uncommitted_bytes_max = options.uncommitted_bytes_max;
  core.random = [random] { return random->Next(); };
  core.read_change = [](std::string_view bytes) -> std::optional<raft::ConfChange> {
    Result<raft::ConfChange> change = wire::DecodeConfChange(bytes);
    if (!change.ok()) return std::nullopt;
    return std::move(*change);
  };
  return core;
}

void LogNote(const raft::Note& note, MemberId self) {
  const std::string text = "raft: " + note.text;
  switch (note.level) {
    case raft::Note::Level::kDebug:
      return log::Debug(text, {{"local-member-id", ToHex(self.value)}});
    case raft::Note::Level::kInfo:
      return log::Info(text, {{"local-member-id", ToHex(self.value)}});
    case raft::Note::Level::kWarn:
      return log::Warn(text, {{"local-member-id", ToHex(self.value)}});
  }
}

}  // namespace

quorate::Status Validate(const Options& options) {
  if (options.heartbeat_interval.count() <= 0) {
    return Error{Code::kInvalidArgument, "heartbeat interval must be positive"};
  }
  if (options.election_timeout < 5 * options.heartbeat_interval) {
    return Error{Code::kInvalidArgument,
                 "election timeout must be at least five heartbeat intervals"};
  }
  if (options.snapshot_count == 0) {
    return Error{Code::kInvalidArgument, "snapshot count must be positive"};
  }
  return {};
}

Result<std::unique_ptr<Driver>> Driver::Open(Parts parts, const Options& options) {
  TRY(Validate(options));
  TRY(raft::Core::Validate(MakeCoreOptions(options, parts.self, parts.random), parts.start));
  const LogIndex commit = parts.start.hard_state.commit;
  std::unique_ptr<Driver> driver(new Driver(std::move(parts), options));
  driver->durable_commit_ = commit;
  return driver;
}

Driver::Driver(Parts parts, const Options& options)
    : options_(options),
      self_(parts.self),
      state_machine_(*parts.state_machine),
      network_(*parts.network),
      clock_(*parts.clock),
      observer_(parts.observer),
      on_exit_(std::move(parts.on_exit)),
      inbox_(options.inbox),
      ids_(parts.self, parts.random->Next()),
      core_(MakeCoreOptions(options, parts.self, parts.random), std::move(parts.start)),
      proposer_(options.request_timeout(), options.proposer),
      gate_({.timeout = options.request_timeout()}),
      first_election_early_(options.first_election_early),
      now_(clock_.Now()),
      next_tick_(now_ + options.heartbeat_interval),
      close_batches_needed_(kCloseBatchesMin),
      replay_until_(core_.committed()),
      mark_(parts.mark.index) {
  parts.log.clock = parts.clock;
  parts.log.observer = parts.observer;
  log_writer_ = std::make_unique<LogWriter>(
      std::move(parts.log),
      [this](std::uint64_t number, LogIndex commit) {
        inbox_.AddWritten(number, commit, clock_.Now());
      },
      [this](Error error) { inbox_.AddWalFailure(std::move(error)); });
  conf_states_.emplace_back(core_.applied(), core_.config().ToConfState());
  Publish();
}

Driver::~Driver() = default;

// ---- any thread ----

void Driver::Propose(std::uint64_t id, std::string request, Answer done) {
  if (request.size() > options_.request_bytes_max) return done(errors::RequestTooLarge());
  const std::uint64_t committed = committed_.load(std::memory_order_relaxed);
  const std::uint64_t applied = applied_.load(std::memory_order_relaxed);
  if (committed > applied + options_.apply_gap_max) return done(errors::TooManyRequests());
  Enter({id, raft::EntryType::kNormal, raft::Payload(std::move(request)), std::move(done)});
}

void Driver::ProposeLeading(std::uint64_t id, std::string request, Answer done) {
  Enter({id, raft::EntryType::kNormal, raft::Payload(std::move(request)), std::move(done), true});
}

void Driver::ProposeConfChange(raft::ConfChange change, Done done) {
  if (change.id == 0) change.id = NextRequestId();
  Enter({change.id, raft::EntryType::kConfChange, raft::Payload(wire::EncodeConfChange(change)),
         [done = std::move(done)](const Result<std::string>& answer) {
           done(answer.ok() ? quorate::Status() : quorate::Status(answer.error()));
         }});
}

void Driver::Enter(Proposal proposal) {
  if (inbox_.Add(std::move(proposal))) return;
  proposal.done(inbox_.closed() ? errors::Stopped() : errors::TooManyRequests());
}

void Driver::Read(Consistency consistency, Done read) {
  ReadCall call{consistency, std::move(read)};
  if (inbox_.Add(std::move(call))) return;
  call.run(inbox_.closed() ? errors::Stopped() : errors::TooManyRequests());
}

void Driver::TransferLeadership(MemberId target, Done done) {
  Post([this, target, done = std::move(done)]() mutable {
    if (core_.role() != raft::Role::kLeader) return done(errors::NotLeader());
    if (!core_.config().IsVoter(target)) return done(errors::BadTransferee());
    if (target == self_) return done({});
    EndTransfer(errors::TransferTookTooLong());  // an earlier one gives way
    transfer_ = Transfer{target, std::move(done), now_ + options_.request_timeout()};
    core_.TransferLeader(target);
  });
}

void Driver::Post(std::function<void()> function) {
  inbox_.Add(std::move(function));
}

void Driver::ReportUnreachable(MemberId member) {
  Post([this, member] { core_.ReportUnreachable(member); });
}

void Driver::ReportGone(MemberId member) {
  Post([this, member] {
    if (core_.leader() == member) lost_term_ = core_.term();
    core_.ReportGone(member);
  });
}

void Driver::Campaign() {
  Post([this] { core_.Campaign(); });
}

node::Status Driver::status() const {
  MutexLock lock(status_mutex_);
  node::Status status = status_;
  status.committed = LogIndex{committed_.load(std::memory_order_relaxed)};
  status.applied = LogIndex{applied_.load(std::memory_order_relaxed)};
  return status;
}

// ---- the turn ----

bool Driver::Turn(std::chrono::nanoseconds patience) {
  if (failed_ || stopped_) return false;
  inbox_.Take(arrivals_, Patience(patience));
  const WakeBatch wakes;  // answers of one turn wake each event loop once
  now_ = clock_.Now();
  TakeArrivals();
  if (failed_) return false;
  if (now_ >= next_tick_) Tick();
  MaybeCampaign();
  if (!Gathering()) proposer_.Flush(core_);
  NoteBatch();
  NoteNews();
  AskForRound();
  Drive();
  if (failed_) return false;
  FinishTurn();
  ExpectWritten();
  return !failed_ && !stopped_;
}

bool Driver::Busy() const {
  const bool applies = applied_of_them_ < to_apply_.size() && awaited_commit_ <= durable_commit_;
  return core_.HasEffects() || applies || work_due_ || gate_.HasRunnable(core_.applied()) ||
         gate_.NeedsRound(clock_.Now()) || clock_.Now() >= next_due();
}

Driver::Instant Driver::next_due() const {
  return news_held_ ? std::min(next_tick_, settled_at_ + kNewsWaitMax) : next_tick_;
}

std::chrono::nanoseconds Driver::Patience(std::chrono::nanoseconds patience) const {
  if (Busy()) return std::chrono::nanoseconds(0);
  return std::clamp(time_to_due(), std::chrono::nanoseconds(0), patience);
}

void Driver::TakeArrivals() {
  if (arrivals_.wal_failed) return Fail(Annotate(*arrivals_.wal_failed, "write-ahead log"));
  for (auto& function : arrivals_.functions) function();
  durable_commit_ = std::max(durable_commit_, arrivals_.commit);
  if (arrivals_.written != 0) {
    written_ = arrivals_.written;
    if (written_ == submitted_) write_took_ = arrivals_.written_at.value_or(now_) - write_at_;
    core_.Persisted(written_);
    InstallIfDurable();
  }
  StepMessages();
  for (Proposal& proposal : arrivals_.proposals) proposer_.Take(std::move(proposal), now_);
  for (ReadCall& read : arrivals_.reads) {
    if (read.consistency == Consistency::kLinearizable) {
      gate_.Add(std::move(read.run), now_);
    } else {
      serializable_.push_back(std::move(read.run));
    }
  }
  RunReads();
}

// A leader's write takes about as long with many entries as with one, here and on every follower.
// So while one is under way the next proposals wait and go out together: what they lose by that
// they would have lost in front of the disk. Where the others are close they wait until it is
// committed, which then needs no message of its own to tell.
bool Driver::Gathering() const {
  if (core_.role() != raft::Role::kLeader || QUORATE_SITE("node.no_gathering")) return false;
  if (proposer_.queued_bytes() + gathered_bytes_ >= kGatheredBytesMax) return false;
  if (submitted_ > written_) return true;
  return core_.committed() < batch_end_ && commit_took_ < kFarAway * write_took_ &&
         now_ - batch_at_ < kGatherMax;
}

void Driver::NoteBatch() {
  if (core_.role() != raft::Role::kLeader) {
    batch_end_ = LogIndex{};
    return;
  }
  if (batch_end_.value != 0 && core_.committed() >= batch_end_) {
    commit_took_ = now_ - batch_at_;
    batch_end_ = LogIndex{};
    settled_at_ = now_;
  }
  if (batch_end_.value == 0 && core_.last_index() > core_.committed()) {
    batch_end_ = core_.last_index();
    batch_at_ = now_;
    close_batches_ = now_ - settled_at_ <= kClosely ? close_batches_ + 1 : 0;
    if (news_held_) close_batches_needed_ = std::max(close_batches_needed_ - 1, kCloseBatchesMin);
  }
}

// Where one write follows on the other the next append tells the others what is committed: without
// a message of its own, and without waking them for it. Not while somebody there may wait for
// that, and seldom in vain: who writes only when a watcher of another member has seen the last
// write waits for it, too.
void Driver::NoteNews() {
  const bool somebody_waits = std::any_of(arrivals_.messages.begin(), arrivals_.messages.end(),
                                          [](const raft::Message& message) {
                                            return message.type == raft::MessageType::kProp ||
                                                   message.type == raft::MessageType::kReadIndex;
                                          });
  if (somebody_waits) close_batches_ = 0;
  const bool held = core_.role() == raft::Role::kLeader && batch_end_.value == 0 &&
                    close_batches_ >= close_batches_needed_ && now_ < settled_at_ + kNewsWaitMax;
  if (news_held_ && !held && batch_end_.value == 0) {
    close_batches_ = 0;
    close_batches_needed_ = std::min(2 * close_batches_needed_, kCloseBatchesMax);
  }
  news_held_ = held;
  core_.HoldNews(held);
}

// Whether the end of a write by itself is worth a turn.
void Driver::ExpectWritten() {
  const bool waits_for_commit = awaited_commit_ > durable_commit_;
  if (submitted_ == written_ && !waits_for_commit) return;
  const bool wake = core_.AwaitsWrites() || snapshot_ || waits_for_commit || !gathered_.empty() ||
                    proposer_.queued_bytes() > 0 || stop_done_;
  if (wake == woken_for_written_) return;
  woken_for_written_ = wake;
  inbox_.WakeForWritten(wake);
}

void Driver::StepMessages() {
  for (raft::Message& message : arrivals_.messages) {
    if (message.type != raft::MessageType::kProp || !Gathering()) {
      core_.Step(std::move(message));
      continue;
    }
    for (const raft::Entry& entry : message.entries) gathered_bytes_ += entry.data.size();
    gathered_.push_back(std::move(message));
  }
  if (gathered_.empty() || Gathering()) return;
  for (raft::Message& message : std::exchange(gathered_, {})) core_.Step(std::move(message));
  gathered_bytes_ = 0;
}

// Serializable ones. A restarted member shows nothing older than what it had committed; one that
// installs a snapshot has nothing to show.
void Driver::RunReads() {
  if (QUORATE_PLANTED("node.serves_during_replay")) replay_until_ = LogIndex{};
  if (serializable_.empty() || installing_ || core_.applied() < replay_until_) return;
  for (Done& read : std::exchange(serializable_, {})) read({});
}

void Driver::AskForRound() {
  if (!gate_.NeedsRound(now_) || QUORATE_SITE("node.read_round_later")) return;
  if (!core_.ReadIndex(gate_.Issue(NextRequestId(), now_))) gate_.NotSent();
}

// Alone, there is nobody to wait for.
void Driver::MaybeCampaign() {
  if (campaigned_ || core_.applied() < replay_until_) return;
  const std::vector<MemberId>& voters = core_.config().voters();
  if (voters.size() == 1 && voters[0] == self_) core_.Campaign();
  campaigned_ = !voters.empty();
}

void Driver::Drive() {
  const int passes = QUORATE_SITE("node.one_pass") ? 1 : kPassesMax;
  for (int pass = 0; pass < passes && core_.HasEffects() && !failed_; ++pass) {
    Act(core_.TakeEffects());
    if (pass == 0 || applied_of_them_ == to_apply_.size()) ApplySome();
  }
  if (applied_of_them_ < to_apply_.size()) ApplySome();
}

void Driver::Act(raft::Effects effects) {
  for (const raft::Note& note : effects.notes) LogNote(note, self_);
  if (effects.lost_index.value != 0) return FailWentBack(effects.lost_index);
  Write(effects);
  QUORATE_CRASH_SITE("node.before_send");
  if (!effects.messages.empty()) network_.Send(effects.messages);
  QUORATE_CRASH_SITE("node.after_send");
  if (effects.role_changed) NoteRole();
  for (const raft::ReadState& read : effects.reads) gate_.Confirm(read.index, read.context);
  for (MemberId to : effects.snapshot_requests) SendSnapshot(to);
  if (!effects.committed.empty()) {
    to_apply_ = std::move(effects.committed);
    applied_of_them_ = 0;
  }
}

void Driver::NoteRole() {
  QUORATE_CRASH_SITE("node.role_changed");
  const MemberId leader = core_.leader();
  if (observer_ != nullptr && leader.value != 0 && leader != this->leader()) {
    observer_->LeaderChanged();
  }
  if (leader.value != 0 && leader != known_leader_) {
    log::Info("raft: leader elected", {{"local-member-id", ToHex(self_.value)},
                                       {"leader", ToHex(leader.value)},
                                       {"term", core_.term()}});
    known_leader_ = leader;
    leader_since_ = now_;
    gate_.LeaderChanged();
  }
  if (leads_ && core_.role() != raft::Role::kLeader) {
    leads_ = false;
    state_machine_.Lead(false);
  }
  if (transfer_ && leader == transfer_->target) EndTransfer({});
  Publish();
  proposer_.Flush(core_);  // what was parked
}

void Driver::Tick() {
  // A loop that was held up ticks once: time in which nothing could be heard proves nothing about
  // the leader.
  next_tick_ = std::max(next_tick_ + options_.heartbeat_interval, now_);
  core_.Tick();
  if (first_election_early_) MaybeHastenFirstElection();
  proposer_.Expire(now_, [this](Instant started) { return WhyTimedOut(started); });
  gate_.Expire(now_);
  if (transfer_ && now_ >= transfer_->deadline) EndTransfer(errors::TransferTookTooLong());
  state_machine_.Tick();
  SubmitHardState();
  MaybeMark();
  ContinueStop();
  Publish();
  if (removed_at_ && now_ >= *removed_at_) {
    Fail(Exit::kRemoved,
         "this member was removed from the cluster; its data directory cannot be used again");
  }
}

// A member that has just started cannot hear a leader before connections stand. Once they do, a
// leader, if there is one, is heard at its next heartbeat; to wait a whole election timeout as well
// only keeps a cluster that starts as a whole from its first leader.
void Driver::MaybeHastenFirstElection() {
  const std::uint32_t enough = ElectionTicks(options_) - 2;
  ++ticks_since_start_;
  if (core_.leader().value != 0 || ticks_since_start_ >= enough) {
    first_election_early_ = false;
    return;
  }
  if (!core_.config().IsVoter(self_) || !ConnectedToQuorumSince(now_)) return;
  first_election_early_ = false;
  for (; ticks_since_start_ < enough; ++ticks_since_start_) core_.Tick();
}

void Driver::FinishTurn() {
  const Instant until = clock_.Now() + options_.apply_time_max;
  if (!installing_) gate_.Run(core_.applied(), [&] { return clock_.Now() >= until; });
  RunReads();
  if (peers_changed_) {
    peers_changed_ = false;
    network_.UpdatePeers(state_machine_.Peers());
    Publish();
  }
  if (!installing_) {
    std::vector<Outcome> finished;
    Result<bool> more = state_machine_.Work(finished);
    if (!more.ok()) return Fail(more.error());
    work_due_ = *more;
    for (Outcome& outcome : finished) outcomes_.push_back(std::move(outcome));
    DeliverOutcomes();
  }
  committed_.store(core_.committed().value, std::memory_order_relaxed);
  applied_.store(core_.applied().value, std::memory_order_relaxed);
  if (observer_ != nullptr) observer_->Proposals(proposer_.waiting(), proposer_.failed());
  ContinueStop();
}

void Driver::Publish() {
  node::Status status;
  status.self = self_;
  status.leader = core_.leader();
  status.term = core_.term();
  status.role = core_.role();
  status.committed = core_.committed();
  status.applied = core_.applied();
  status.durable = core_.durable();
  status.is_learner = core_.config().IsLearner(self_);
  for (const raft::MemberProgress& member : core_.Members()) {
    status.progress.push_back({member.id, member.match, member.recent_active, member.learner});
  }
  status.heard = core_.heard();
  leader_.store(status.leader.value, std::memory_order_relaxed);
  term_.store(status.term.value, std::memory_order_relaxed);
  learner_.store(status.is_learner, std::memory_order_relaxed);
  committed_.store(status.committed.value, std::memory_order_relaxed);
  applied_.store(status.applied.value, std::memory_order_relaxed);
  MutexLock lock(status_mutex_);
  status_ = std::move(status);
}

// ---- timeouts, hand-over, the end ----

Error Driver::WhyTimedOut(Instant started) const {
  if (started > leader_since_ - 2 * options_.election_timeout && started < leader_since_) {
    return errors::TimedOutByLeaderFailure();
  }
  const MemberId leader = core_.leader();
  if (leader == self_) {
    if (!ConnectedToQuorumSince(started)) return errors::TimedOutByLostConnection();
  } else if (leader.value != 0) {
    const auto since = network_.ConnectedSince(leader);
    if (!since || *since > started) return errors::TimedOutByLostConnection();
  }
  return errors::TimedOut();
}

bool Driver::ConnectedToQuorumSince(Instant started) const {
  std::size_t connected = 1;
  for (MemberId voter : core_.config().voters()) {
    if (voter == self_) continue;
    const auto since = network_.ConnectedSince(voter);
    if (since && *since <= started) ++connected;
  }
  return connected >= raft::Majority(core_.config().voters().size());
}

void Driver::EndTransfer(quorate::Status status) {
  if (!transfer_) return;
  const Done done = std::move(transfer_->done);
  transfer_.reset();
  done(std::move(status));
}

void Driver::Stop(std::function<void()> done) {
  Post([this, done = std::move(done)]() mutable {
    stop_done_ = std::move(done);
    stop_deadline_ = now_ + 2 * options_.election_timeout;
    if (core_.role() != raft::Role::kLeader) return;
    std::optional<std::pair<Instant, MemberId>> longest;
    for (const raft::MemberProgress& member : core_.Members()) {
      const auto since = network_.ConnectedSince(member.id);
      if (member.id == self_ || member.learner || !since) continue;
      if (!longest || *since < longest->first) longest.emplace(*since, member.id);
    }
    if (!longest) return;
    core_.TransferLeader(longest->second);
    heir_ = longest->second;
  });
}

void Driver::ContinueStop() {
  if (!stop_done_) return;
  // Our vote makes the heir the next leader. An heir that went away, as when all are stopped at
  // once, needs none; whoever is left has a quorum without us or has none once we are gone.
  const bool undecided =
      core_.leader() == self_ ? core_.transferee().value != 0 : core_.leader().value == 0;
  const bool heir_there = heir_.value != 0 && network_.ConnectedSince(heir_).has_value();
  if (heir_there && undecided && now_ < stop_deadline_) return;
  SubmitHardState();
  stopped_ = true;
  AnswerEverybody();
  std::exchange(stop_done_, nullptr)();
}

void Driver::AnswerEverybody() {
  inbox_.Close();
  inbox_.Take(arrivals_, std::chrono::nanoseconds(0));
  for (Proposal& proposal : arrivals_.proposals) proposal.done(errors::Stopped());
  for (ReadCall& read : arrivals_.reads) read.run(errors::Stopped());
  arrivals_.Clear();
  proposer_.FailAll(errors::Stopped());
  gate_.FailAll(errors::Stopped());
  for (Done& read : std::exchange(serializable_, {})) read(errors::Stopped());
  EndTransfer(errors::Stopped());
}

void Driver::FailWentBack(LogIndex acknowledged) {
  Fail(Exit::kWentBack, "the data directory went back in time: its log ends at index " +
                            std::to_string(core_.last_index().value) +
                            ", but the leader has its acknowledgement of everything up to " +
                            std::to_string(acknowledged.value) +
                            "; remove this member and add it anew with an empty data directory");
}

void Driver::Fail(const Error& error) {
  if (error.code != Code::kResourceExhausted) return Fail(Exit::kDataUnusable, error.message);
  Fail(
      Exit::kDiskFull,
      error.message + "; make room on the volume and start this member again: it has lost nothing");
}

void Driver::Fail(Exit exit, std::string text) {
  if (failed_) return;
  failed_ = true;
  log::Error("this member must stop", {{"local-member-id", ToHex(self_.value)},
                                       {"exit", static_cast<int>(exit)},
                                       {"reason", text}});
  AnswerEverybody();
  if (on_exit_) on_exit_(exit, std::move(text));
}

}  // namespace quorate::node
