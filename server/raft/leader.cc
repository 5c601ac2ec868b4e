// A leader's turn: proposals, acknowledgements, reads, handing over, and stepping down when it no
// longer reaches a majority.
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"
#include "raft/core.h"
#include "raft/quorum.h"

namespace quorate::raft {
namespace {

constexpr const char* kIgnoredChange = "ignored a configuration change: another is not applied yet";

}  // namespace

void Core::StepLeader(Message& message) {
  switch (message.type) {
    case MessageType::kApp:
    case MessageType::kHeartbeat:
    case MessageType::kSnap:
      return Drop(message, "claims to lead our own term");
    case MessageType::kProp:
      if (const Proposed outcome = Append(message.entries); outcome != Proposed::kAppended) {
        Drop(message, "not accepted now");
      }
      return;
    case MessageType::kReadIndex:
      return HandleReadIndex({message.from, std::string(message.entries[0].data.view())});
    case MessageType::kTransferLeader:
      return HandleTransfer(message.from);
    case MessageType::kAppResp:
    case MessageType::kHeartbeatResp:
      break;
    default:
      return;
  }
  const auto found = leading_->progress.find(message.from);
  if (found == leading_->progress.end()) return Drop(message, "sender is not a member");
  found->second.recent_active = true;
  if (message.type == MessageType::kAppResp) return HandleAppendResponse(message, found->second);
  HandleHeartbeatResponse(message, found->second);
}

void Core::HandleAppendResponse(const Message& message, Progress& progress) {
  if (message.reject) {
    if (progress.state() == Progress::State::kSnapshot) return;
    LogIndex hint = message.reject_hint;
    if (message.log_term.value != 0) hint = log_.LastNotAbove(hint, message.log_term).index;
    if (!progress.Refuse(message.index, hint)) return;
    if (progress.state() == Progress::State::kReplicate) progress.BecomeProbe();
    progress.ping = true;
    return;
  }
  if (message.index > log_.last_index()) {
    return Drop(message, "acknowledges entries that do not exist");
  }
  const bool moved = progress.Acknowledge(message.index);
  if (!moved &&
      !(progress.state() == Progress::State::kProbe && progress.match() == message.index)) {
    return;
  }
  const bool behind_log = progress.match() + 1 < log_.first_index();
  if (progress.state() == Progress::State::kProbe ||
      (progress.state() == Progress::State::kSnapshot && !behind_log)) {
    progress.BecomeReplicate();
  }
  if (moved) MaybeCommit();
  QUORATE_CRASH_SITE("raft.counted");
  if (message.from == leading_->transferee && progress.match() == log_.last_index()) {
    AskToCampaign(message.from);
  }
}

void Core::HandleHeartbeatResponse(const Message& message, Progress& progress) {
  progress.Resume();
  if (progress.state() == Progress::State::kReplicate && QUORATE_SITE("raft.probe_again")) {
    progress.BecomeProbe();
  }
  // Messages may have been lost: an empty one finds out, but not while acknowledgements keep
  // coming.
  if (progress.state() == Progress::State::kProbe ||
      (progress.match() < log_.last_index() && progress.Stalled())) {
    progress.ping = true;
  }
  for (auto& ready :
       leading_->reads.Answer(message.from, message.context, id(), config_.voters())) {
    AnswerRead(ready.index, std::move(ready.request));
  }
  if (leading_->leaving && leading_->transferee.value == 0 && config_.IsVoter(message.from) &&
      progress.match() == log_.last_index() && log_.committed() == log_.last_index()) {
    leading_->transferee = message.from;  // nobody else until the next heartbeat
    AskToCampaign(message.from);
  }
}

// ---- reads ----

bool Core::CommittedInTerm() const {
  return log_.TermAt(log_.committed()) == term_;
}

void Core::HandleReadIndex(ReadRequest request) {
  if (leading_->early_reads.size() + leading_->reads.size() >= options_.reads_max) {
    return AddNote(Note::Level::kWarn, "dropped a read: too many wait");
  }
  if (QUORATE_PLANTED("raft.read_without_round")) {
    return AnswerRead(log_.committed(), std::move(request));
  }
  if (QUORATE_PLANTED("raft.read_before_first_commit")) {
    return leading_->reads.Add(std::move(request), log_.committed());
  }
  if (!CommittedInTerm()) {
    // Until then we may not know of everything that earlier leaders committed.
    leading_->early_reads.push_back(std::move(request));
  } else if (config_.voters().size() == 1 && config_.IsVoter(id())) {
    AnswerRead(log_.committed(), std::move(request));
  } else {
    leading_->reads.Add(std::move(request), log_.committed());
  }
}

void Core::AnswerRead(LogIndex index, ReadRequest request) {
  if (request.from == id()) {
    effects_.reads.push_back({index, std::move(request.context)});
    return;
  }
  Message answer;
  answer.type = MessageType::kReadIndexResp;
  answer.to = request.from;
  answer.index = index;
  answer.entries.emplace_back().data = Payload(std::move(request.context));
  Send(std::move(answer));
}

void Core::ReleaseEarlyReads() {
  for (ReadRequest& request : std::exchange(leading_->early_reads, {})) {
    HandleReadIndex(std::move(request));
  }
}

// ---- proposals ----

Proposed Core::Append(std::span<Entry> entries) {
  Leading& leading = *leading_;
  if (leading.leaving) return Proposed::kNotMember;
  if (QUORATE_PLANTED("raft.append_behind_one_of_two")) leading.last_of_two = LogIndex{};
  if (leading.last_of_two > log_.applied()) return Proposed::kTransferring;
  if (leading.transferee.value != 0) return Proposed::kTransferring;
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.data.size();
  if (bytes > 0 && leading.uncommitted_bytes > 0 &&
      leading.uncommitted_bytes + bytes > options_.uncommitted_bytes_max) {
    return Proposed::kTooMuchPending;
  }
  for (Entry& entry : entries) {
    entry.term = term_;
    entry.index = log_.last_index() + 1;
    if (QUORATE_PLANTED("raft.two_changes_at_once")) leading.pending_conf_index = LogIndex{};
    if (entry.type != EntryType::kNormal) {
      if (leading.pending_conf_index > log_.applied()) {
        bytes -= entry.data.size();
        if (!leading.waiting.Add(std::move(entry))) AddNote(Note::Level::kInfo, kIgnoredChange);
        continue;
      }
      leading.pending_conf_index = entry.index;
      if (LeavesOne(entry)) leading.last_of_two = entry.index;
    }
    log_.Append(std::move(entry));
  }
  leading.uncommitted_bytes += bytes;
  if (QUORATE_PLANTED("raft.leader_counts_itself_early")) {
    leading.progress.at(id()).Acknowledge(log_.last_index());
    MaybeCommit();
  }
  return Proposed::kAppended;
}

void Core::AppendWaitingChange() {
  Leading& leading = *leading_;
  if (leading.waiting.empty() || leading.pending_conf_index > log_.applied()) return;
  if (Append({&leading.waiting.first(), 1}) == Proposed::kAppended) leading.waiting.RemoveFirst();
}

// Whether it removes one of two voters.
bool Core::LeavesOne(const Entry& entry) const {
  if (config_.voters().size() != 2 || !options_.read_change) return false;
  const auto change = options_.read_change(entry.data.view());
  return change && change->type == ConfChangeType::kRemoveNode && config_.IsVoter(change->member);
}

// ---- handing over ----

void Core::TransferLeader(MemberId target) {
  touched_ = true;
  if (role_ == Role::kLeader) HandleTransfer(target);
}

void Core::HandleTransfer(MemberId target) {
  if (target == id() || target == leading_->transferee || !config_.IsVoter(target)) return;
  leading_->transferee = target;
  QUORATE_CRASH_SITE("raft.hands_over");
  election_elapsed_ = 0;  // a whole election timeout to finish
  AddNote(Note::Level::kInfo, "hands leadership to " + ToHex(target.value));
  Progress& progress = leading_->progress.at(target);
  if (progress.match() != log_.last_index()) {
    progress.ping = true;
    return;
  }
  AskToCampaign(target);
}

void Core::AskToCampaign(MemberId target) {
  Message now;
  now.type = MessageType::kTimeoutNow;
  now.to = target;
  Send(std::move(now));
}

// ---- time, reports and configuration ----

void Core::TickLeader() {
  Leading& leading = *leading_;
  ++election_elapsed_;
  if (election_elapsed_ >= options_.election_ticks) {
    election_elapsed_ = 0;
    // The one voter of a former two cannot lead before it knows of the change, and nobody else can
    // tell it.
    const bool stays = leading.leaving && config_.voters().size() == 1;
    if (leading.leaving && !stays) return BecomeFollower(term_, MemberId{});
    if (options_.check_quorum && !TakeQuorumActive() && !stays) {
      AddNote(Note::Level::kWarn, "lost contact with a majority");
      return BecomeFollower(term_, MemberId{});
    }
    if (leading.transferee.value != 0) {
      AddNote(Note::Level::kWarn,
              "gave up handing leadership to " + ToHex(leading.transferee.value));
      leading.transferee = MemberId{};
    }
    if (leading.waiting.Age() != 0) AddNote(Note::Level::kInfo, kIgnoredChange);
  }
  if (++leading.heartbeat_elapsed < options_.heartbeat_ticks) return;
  leading.heartbeat_elapsed = 0;
  if (leading.leaving) leading.transferee = MemberId{};
  for (auto& [member, progress] : leading.progress) progress.NoteBeat();
  BroadcastHeartbeat();
}

// Whether a majority was heard from since the last call.
bool Core::TakeQuorumActive() {
  std::size_t active = 0;
  for (auto& [member, progress] : leading_->progress) {
    if (config_.IsVoter(member) && (member == id() || progress.recent_active)) ++active;
    progress.recent_active = false;
    if (QUORATE_PLANTED("raft.contact_never_forgotten")) progress.recent_active = true;
  }
  if (QUORATE_PLANTED("raft.no_quorum_check")) return true;
  return active >= Majority(config_.voters().size());
}

void Core::ReportUnreachable(MemberId member) {
  if (!leading_) return;
  const auto found = leading_->progress.find(member);
  if (found == leading_->progress.end()) return;
  // Messages in flight are probably lost; go on from what is certain.
  if (found->second.state() == Progress::State::kReplicate) found->second.BecomeProbe();
}

void Core::ReportSnapshot(MemberId member, bool delivered) {
  if (!leading_) return;
  const auto found = leading_->progress.find(member);
  if (found == leading_->progress.end()) return;
  Progress& progress = found->second;
  if (progress.state() != Progress::State::kSnapshot) return;
  if (!delivered) {
    AddNote(Note::Level::kWarn, "snapshot did not reach " + ToHex(member.value));
    progress.SnapshotFailed();
  }
  progress.BecomeProbe();
  progress.Pause();  // its acknowledgement, or the next heartbeat's answer, resumes
}

void Core::ConfigChanged() {
  Leading& leading = *leading_;
  if (!config_.IsVoter(id())) {
    // Changes count once they are applied, so a voter that does not know yet that this one is
    // committed still asks for our vote. Lead on without counting ourselves or taking proposals
    // until one of them takes over, for an election timeout at most where several vote.
    AddNote(Note::Level::kInfo, "is no longer a voter, and hands over");
    leading.leaving = true;
    leading.transferee = MemberId{};
    election_elapsed_ = 0;
  }
  std::erase_if(leading.progress, [&](const auto& item) { return !config_.Contains(item.first); });
  for (const auto* members : {&config_.voters(), &config_.learners()}) {
    for (MemberId member : *members) {
      const auto [added, is_new] =
          leading.progress.try_emplace(member, LogIndex{0}, log_.last_index() + 1);
      if (!is_new) continue;
      added->second.recent_active = true;  // a grace of one quorum check
      added->second.ping = true;
    }
  }
  if (!config_.IsVoter(leading.transferee)) leading.transferee = MemberId{};
  if (QUORATE_PLANTED("raft.no_commit_after_removal")) return;
  MaybeCommit();  // a smaller majority may have been reached already
}

}  // namespace quorate::raft
