#include "raft/core.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"
#include "raft/quorum.h"

namespace quorate::raft {

Status Core::Validate(const Options& options, const Start& start) {
  if (options.id.value == 0) return Error{Code::kInvalidArgument, "member id is 0"};
  if (options.heartbeat_ticks == 0 || options.election_ticks <= options.heartbeat_ticks) {
    return Error{Code::kInvalidArgument, "election ticks must exceed heartbeat ticks"};
  }
  if (!options.random) return Error{Code::kInvalidArgument, "a random source is required"};
  TRY(Config::From(start.conf_state));
  LogIndex last = start.compacted.index;
  Term term = start.compacted.term;
  for (const Entry& entry : start.entries) {
    if (entry.index != last + 1 || entry.term < term) {
      return Error{Code::kDataLoss, "log entry " + std::to_string(entry.index.value) +
                                        " does not follow entry " + std::to_string(last.value)};
    }
    last = entry.index;
    term = entry.term;
  }
  if (start.applied < start.compacted.index || start.applied > last) {
    return Error{Code::kDataLoss,
                 "state machine is at index " + std::to_string(start.applied.value) +
                     ", outside the log, which ends at " + std::to_string(last.value)};
  }
  if (start.hard_state.commit > last) {
    return Error{Code::kDataLoss, "index " + std::to_string(start.hard_state.commit.value) +
                                      " is committed, but the log ends at " +
                                      std::to_string(last.value)};
  }
  if (start.hard_state.term < term) {
    return Error{Code::kDataLoss, "hard state's term is below the last entry's"};
  }
  return {};
}

Core::Core(Options options, Start start)
    : options_((CHECK(Validate(options, start).ok()), std::move(options))),
      log_(start.compacted, std::move(start.entries),
           std::max(start.hard_state.commit, start.applied), start.applied),
      config_(std::move(Config::From(start.conf_state)).value()),
      term_(start.hard_state.term),
      vote_(start.hard_state.vote),
      given_hard_(start.hard_state),
      given_term_(start.hard_state.term) {
  // A leader appends a configuration change only after it has applied the one before, so of two in
  // the log the earlier one is committed, even if the crash came before our own commit index said
  // so. Electing under a configuration two steps old could elect two leaders.
  const LogIndex proven = log_.LastConfChange(log_.applied(), log_.last_index(), 2);
  if (!QUORATE_PLANTED("raft.proven_change_forgotten")) {
    log_.CommitTo(std::max(proven, log_.committed()));
  }
  BecomeFollower(term_, MemberId{});
}

// ---- inputs ----

void Core::Step(Message message) {
  touched_ = true;
  if (const std::string_view why = WhyMalformed(message); !why.empty()) {
    return Drop(message, why);
  }
  if (message.term.value != 0) {
    if (message.term < term_) return AnswerLowerTerm(message);
    if (message.term > term_ && !AcceptHigherTerm(message)) return;
  }
  if (message.type == MessageType::kVote || message.type == MessageType::kPreVote) {
    return AnswerVote(message);
  }
  switch (role_) {
    case Role::kFollower:
      return StepFollower(message);
    case Role::kPreCandidate:
    case Role::kCandidate:
      return StepCandidate(message);
    case Role::kLeader:
      return StepLeader(message);
  }
}

void Core::Tick() {
  touched_ = true;
  if (role_ == Role::kLeader) return TickLeader();
  ++election_elapsed_;
  if (config_.IsVoter(id()) && election_elapsed_ >= election_timeout_) {
    election_elapsed_ = 0;
    Hup(false);
  }
}

void Core::Campaign() {
  touched_ = true;
  Hup(false);
}

Proposed Core::Propose(std::span<Payload> batch) {
  std::vector<Entry> entries(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) entries[i].data = std::move(batch[i]);
  const Proposed outcome = ProposeEntries(entries);
  if (outcome != Proposed::kAppended && outcome != Proposed::kForwarded) {
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i] = std::move(entries[i].data);
  }
  return outcome;
}

Proposed Core::ProposeConfChange(Payload change) {
  Entry entry;
  entry.type = EntryType::kConfChange;
  entry.data = std::move(change);
  return ProposeEntries({&entry, 1});
}

Proposed Core::ProposeEntries(std::span<Entry> entries) {
  if (leader_.value == 0) return Proposed::kNoLeader;
  touched_ = true;
  return role_ == Role::kLeader ? Append(entries) : ForwardProposals(entries);
}

bool Core::ReadIndex(std::string context) {
  if (leader_.value == 0) return false;
  touched_ = true;
  if (role_ == Role::kLeader) {
    HandleReadIndex({id(), std::move(context)});
    return true;
  }
  Message message;
  message.type = MessageType::kReadIndex;
  message.to = leader_;
  message.entries.emplace_back().data = Payload(std::move(context));
  Send(std::move(message));
  return true;
}

void Core::HoldNews(bool held) {
  if (news_held_ && !held) touched_ = true;
  news_held_ = held;
}

// ---- outputs ----

Effects Core::TakeEffects() {
  touched_ = false;
  if (role_ == Role::kLeader) FlushReplication();
  TakeWrite();
  ReleaseHeld();
  TakeCommitted();
  effects_.role_changed = role_ != given_role_ || leader_ != given_leader_ || term_ != given_term_;
  given_role_ = role_;
  given_leader_ = leader_;
  given_term_ = term_;
  return std::exchange(effects_, Effects{});
}

void Core::TakeWrite() {
  const HardState now{term_, vote_, log_.committed()};
  const bool promises = now.term != given_hard_.term || now.vote != given_hard_.vote;
  if (now != given_hard_) {
    effects_.hard_state = now;
    given_hard_ = now;
  }
  if (promises || effects_.snapshot || log_.HasUnhanded()) {
    effects_.write_number = ++write_number_;
    effects_.entries = log_.HandOut(write_number_);
  }
  for (auto held = held_.rbegin(); held != held_.rend() && held->write_number == 0; ++held) {
    held->write_number = write_number_;
  }
  if (self_vote_ && self_vote_->write_number == 0) self_vote_->write_number = write_number_;
}

void Core::ReleaseHeld() {
  while (!held_.empty() && held_.front().write_number <= persisted_number_) {
    effects_.messages.push_back(std::move(held_.front().message));
    held_.pop_front();
  }
}

void Core::TakeCommitted() {
  if (pending_install_.value != 0 || log_.applying() != log_.applied()) return;
  const LogIndex limit = std::min(log_.committed(), log_.durable());
  if (log_.applying() >= limit) return;
  const std::uint64_t bytes_max = QUORATE_SITE("raft.apply_one") ? 1 : options_.apply_bytes_max;
  effects_.committed = log_.Slice(log_.applying() + 1, limit + 1, bytes_max);
  log_.AcceptApplying(effects_.committed.back().index);
  if (!leading_) return;
  for (const Entry& entry : effects_.committed) {
    if (entry.term == term_) leading_->uncommitted_bytes -= entry.data.size();
  }
}

void Core::Persisted(std::uint64_t write_number) {
  CHECK(write_number <= write_number_);
  touched_ = true;
  persisted_number_ = std::max(persisted_number_, write_number);
  log_.Written(write_number);
  if (self_vote_ && self_vote_->write_number != 0 &&
      self_vote_->write_number <= persisted_number_) {
    const Term voted = self_vote_->term;
    self_vote_.reset();
    if (role_ == Role::kCandidate && voted == term_) CountVote(id(), true);
  }
  if (!leading_) return;
  const auto own = leading_->progress.find(id());
  if (own != leading_->progress.end() && own->second.Acknowledge(log_.durable())) MaybeCommit();
}

bool Core::AwaitsWrites() const {
  if (!held_.empty() || self_vote_ || log_.durable() < log_.committed()) return true;
  if (!leading_ || !config_.IsVoter(id())) return false;
  // What others have already acknowledged is committed by our own acknowledgement.
  std::size_t acked = 1;
  for (const auto& [member, progress] : leading_->progress) {
    if (member != id() && config_.IsVoter(member) && progress.match() > log_.committed()) ++acked;
  }
  return acked >= Majority(config_.voters().size());
}

void Core::Applied(LogIndex index) {
  touched_ = true;
  log_.AppliedTo(index);
  if (pending_install_ <= index) pending_install_ = LogIndex{0};
  if (leading_) AppendWaitingChange();
}

Result<ConfState> Core::ApplyConfChange(const ConfChange& change) {
  touched_ = true;
  Config after = TRY(config_.After(change));
  config_ = std::move(after);
  if (leading_) ConfigChanged();
  return config_.ToConfState();
}

void Core::CompactLog(LogIndex index) {
  CHECK(index <= log_.applied());
  log_.Compact(index);
}

Message Core::MakeSnapshotMessage(MemberId to, Snapshot snapshot) const {
  CHECK(role_ == Role::kLeader);
  Message message;
  message.type = MessageType::kSnap;
  message.to = to;
  message.from = id();
  message.term = term_;
  message.snapshot = std::make_shared<const Snapshot>(std::move(snapshot));
  return message;
}

std::vector<MemberProgress> Core::Members() const {
  std::vector<MemberProgress> members;
  if (!leading_) return members;
  for (const auto& [member, progress] : leading_->progress) {
    members.push_back({member, progress.match(), progress.next(), progress.state(),
                       progress.recent_active || member == id(), config_.IsLearner(member)});
  }
  return members;
}

// ---- messages ----

namespace {

// Types that may come over the network.
bool IsRemote(MessageType type) {
  switch (type) {
    case MessageType::kProp:
    case MessageType::kApp:
    case MessageType::kAppResp:
    case MessageType::kVote:
    case MessageType::kVoteResp:
    case MessageType::kSnap:
    case MessageType::kHeartbeat:
    case MessageType::kHeartbeatResp:
    case MessageType::kTransferLeader:
    case MessageType::kTimeoutNow:
    case MessageType::kReadIndex:
    case MessageType::kReadIndexResp:
    case MessageType::kPreVote:
    case MessageType::kPreVoteResp:
      return true;
    default:
      return false;
  }
}

bool FollowsOn(const Message& append) {
  Position at{append.index, append.log_term};
  for (const Entry& entry : append.entries) {
    if (entry.index != at.index + 1 || entry.term < at.term) return false;
    at = {entry.index, entry.term};
  }
  return at.term <= append.term;
}

}  // namespace

// Empty when the message can be what it says.
std::string_view Core::WhyMalformed(const Message& message) const {
  constexpr std::uint64_t kFarAway = std::numeric_limits<std::uint64_t>::max() / 2;
  if (!IsRemote(message.type)) return "not a message between members";
  if (message.to != id() && !QUORATE_PLANTED("raft.takes_what_is_meant_for_others")) {
    return "meant for another member";
  }
  if (message.from.value == 0 || message.from == id()) return "sender is not another member";
  if (message.term.value > kFarAway || message.index.value > kFarAway) return "number too large";
  const bool termless =
      message.type == MessageType::kProp || message.type == MessageType::kReadIndex;
  if (!termless && message.term.value == 0) return "term is 0";
  switch (message.type) {
    case MessageType::kApp:
      return FollowsOn(message) ? "" : "entries do not follow on";
    case MessageType::kProp:
      return WhyNotProposed(message);
    case MessageType::kReadIndex:
    case MessageType::kReadIndexResp:
      return message.entries.size() != 1 ? "does not carry one context" : "";
    case MessageType::kSnap:
      if (!message.snapshot || message.snapshot->metadata.index.value == 0) return "no snapshot";
      if (message.snapshot->metadata.index.value > kFarAway) return "number too large";
      return message.snapshot->metadata.term > message.term ? "snapshot from the future" : "";
    default:
      return "";
  }
}

// What every member would stop at when it applies it must not get into the log.
std::string_view Core::WhyNotProposed(const Message& message) const {
  if (message.entries.empty()) return "proposes nothing";
  for (const Entry& entry : message.entries) {
    if (entry.type == EntryType::kNormal) continue;
    if (QUORATE_PLANTED("raft.unreadable_change_proposed")) continue;
    if (entry.type != EntryType::kConfChange) return "proposes a joint configuration change";
    if (options_.read_change && !options_.read_change(entry.data.view())) {
      return "proposes a configuration change that cannot be read";
    }
  }
  return "";
}

// False when the message ends here.
bool Core::AcceptHigherTerm(const Message& message) {
  const bool asks_vote =
      message.type == MessageType::kVote || message.type == MessageType::kPreVote;
  if (asks_vote && InLease() && message.context != kTransferContext) {
    AddNote(Note::Level::kDebug, "ignored " + std::string(ToString(message.type)) + " from " +
                                     ToHex(message.from.value) + ": the leader is alive");
    return false;
  }
  if (QUORATE_PLANTED("raft.pre_vote_raises_term")) BecomeFollower(message.term, MemberId{});
  if (message.type == MessageType::kPreVote) return true;
  // A granted pre-vote carries the term that the candidacy would have.
  if (message.type == MessageType::kPreVoteResp && !message.reject) return true;
  const bool from_leader = message.type == MessageType::kApp ||
                           message.type == MessageType::kHeartbeat ||
                           message.type == MessageType::kSnap;
  BecomeFollower(message.term, from_leader ? message.from : MemberId{});
  return true;
}

void Core::AnswerLowerTerm(const Message& message) {
  if (QUORATE_PLANTED("raft.stale_leader_not_told")) return;
  Message answer;
  answer.to = message.from;
  const bool stale_leader =
      message.type == MessageType::kHeartbeat || message.type == MessageType::kApp;
  if (stale_leader && (options_.check_quorum || options_.pre_vote)) {
    // With pre-vote or a lease we may be unable to win an election that would tell it; so tell it.
    answer.type = MessageType::kAppResp;
    Hold(std::move(answer));
  } else if (message.type == MessageType::kPreVote) {
    answer.type = MessageType::kPreVoteResp;
    answer.term = term_;
    answer.reject = true;
    Hold(std::move(answer));
  }
}

// Sends now. Fills in the sender, and our term unless the type has none or the caller chose one.
void Core::Send(Message message) {
  if (message.from.value == 0) message.from = id();
  const bool termless =
      message.type == MessageType::kProp || message.type == MessageType::kReadIndex;
  if (!termless && message.term.value == 0) message.term = term_;
  effects_.messages.push_back(std::move(message));
}

// Sends once everything that this turn changed is durable.
void Core::Hold(Message message) {
  message.from = id();
  if (message.term.value == 0) message.term = term_;
  if (!held_.empty() && message.type == MessageType::kAppResp && !message.reject) {
    // One acknowledgement per write is enough: it is cumulative.
    Held& last = held_.back();
    if (last.write_number == 0 && last.message.type == MessageType::kAppResp &&
        !last.message.reject && last.message.to == message.to &&
        last.message.term == message.term) {
      last.message.index = std::max(last.message.index, message.index);
      return;
    }
  }
  held_.push_back({0, std::move(message)});
}

void Core::AddNote(Note::Level level, std::string text) {
  effects_.notes.push_back({level, std::move(text)});
}

void Core::Drop(const Message& message, std::string_view why) {
  AddNote(Note::Level::kWarn, "dropped " + std::string(ToString(message.type)) + " from " +
                                  ToHex(message.from.value) + ": " + std::string(why));
}

}  // namespace quorate::raft
