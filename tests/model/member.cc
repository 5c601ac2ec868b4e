#include "model/member.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "wire/raftpb.h"

namespace quorate::model {
namespace {

// Small, so that time passes in few steps: a follower's timeout is always one tick later than the
// end of its leader's lease, because the "random" number is always 1.
constexpr std::uint32_t kElectionTicks = 2;

std::optional<raft::ConfChange> DecodeChange(std::string_view text) {
  std::istringstream in{std::string(text)};
  int type = 0;
  raft::ConfChange change;
  if (!(in >> type >> change.member.value)) return std::nullopt;
  change.type = static_cast<raft::ConfChangeType>(type);
  return change;
}

raft::Options MakeOptions(const Settings& settings, MemberId id) {
  raft::Options options;
  options.id = id;
  options.heartbeat_ticks = 1;
  options.election_ticks = kElectionTicks;
  options.pre_vote = settings.pre_vote;
  options.check_quorum = settings.check_quorum;
  options.random = [] { return std::uint64_t{1}; };
  options.read_change = DecodeChange;
  return options;
}

raft::Start MakeStart(const Disk& disk) {
  raft::Start start;
  start.hard_state = disk.hard_state;
  start.conf_state = disk.conf_state;
  start.applied = disk.compacted.index;
  start.compacted = disk.compacted;
  start.entries = disk.entries;
  return start;
}

std::string Number(std::uint64_t number) {
  return std::to_string(number);
}

}  // namespace

bool Disk::Has(raft::Position position) const {
  if (position.index <= compacted.index) return true;
  if (position.index > last()) return false;
  return entries[position.index - compacted.index - 1].term == position.term;
}

std::string EncodeChange(const raft::ConfChange& change) {
  return Number(static_cast<std::uint64_t>(change.type)) + " " + Number(change.member.value);
}

Member::Member(const Settings& settings, MemberId id, Disk disk)
    : core_(std::in_place, MakeOptions(settings, id), MakeStart(disk)),
      disk_(std::move(disk)),
      applied_(disk_.compacted.index),
      conf_state_(disk_.conf_state) {
  Outcome nothing;
  Settle(settings, nothing);
}

bool Member::Can(Event::Kind kind) const {
  const bool leads = core_->role() == raft::Role::kLeader;
  switch (kind) {
    case Event::Kind::kDeliver:
    case Event::Kind::kCrash:
    case Event::Kind::kRead:
      return true;
    case Event::Kind::kTimeout:
    case Event::Kind::kLeaseEnds:
      return !leads && core_->config().IsVoter(core_->id());
    case Event::Kind::kBeat:
    case Event::Kind::kPropose:
    case Event::Kind::kChange:
    case Event::Kind::kTransfer:
      return leads;
    case Event::Kind::kWritten:
      return !writes_.empty();
    case Event::Kind::kApply:
      return MayApply();
    case Event::Kind::kCompact:
      return writes_.empty() && to_apply_.empty() && applied_ > disk_.compacted.index;
  }
  return false;
}

Outcome Member::Do(const Settings& settings, const Event& event, const raft::Message* message,
                   const std::string& payload) {
  Outcome outcome;
  switch (event.kind) {
    case Event::Kind::kDeliver:
      core_->Step(*message);
      break;
    case Event::Kind::kTimeout:
      Tick(kElectionTicks + 1);
      break;
    case Event::Kind::kLeaseEnds:
      Tick(kElectionTicks);
      break;
    case Event::Kind::kBeat:
      core_->Tick();
      break;
    case Event::Kind::kPropose: {
      raft::Payload value(payload);
      core_->Propose({&value, 1});
      break;
    }
    case Event::Kind::kChange:
      core_->ProposeConfChange(raft::Payload(payload));
      break;
    case Event::Kind::kRead:
      core_->ReadIndex(payload);
      break;
    case Event::Kind::kWritten:
      CompleteWrite(outcome);
      break;
    case Event::Kind::kApply:
      ApplyOldest(outcome);
      break;
    case Event::Kind::kCrash:
      Crash(settings, outcome);
      break;
    case Event::Kind::kCompact:
      Compact();
      break;
    case Event::Kind::kTransfer:
      core_->TransferLeader(MemberId{event.argument});
      break;
  }
  Settle(settings, outcome);
  return outcome;
}

// Lets time pass until the timer would have run out, not beyond.
void Member::Tick(std::uint32_t ticks) {
  const raft::Role before = core_->role();
  const Term term = core_->term();
  for (std::uint32_t i = 0; i < ticks && core_->role() == before && core_->term() == term; ++i) {
    core_->Tick();
  }
}

// What is not durable is lost; the member starts from its disk.
void Member::Crash(const Settings& settings, Outcome& outcome) {
  const MemberId id = core_->id();
  const Status valid = raft::Core::Validate(MakeOptions(settings, id), MakeStart(disk_));
  if (!valid.ok()) {
    outcome.violation = "member " + Number(id.value) + " cannot restart: " + valid.error().message;
    return;
  }
  core_.emplace(MakeOptions(settings, id), MakeStart(disk_));
  writes_.clear();
  to_apply_.clear();
  applied_ = disk_.compacted.index;
  conf_state_ = disk_.conf_state;
}

// Takes and acts on Effects until there are none.
void Member::Settle(const Settings& settings, Outcome& outcome) {
  while (true) {
    if (core_->HasEffects()) {
      raft::Effects effects = core_->TakeEffects();
      for (raft::Note& note : effects.notes) outcome.notes.push_back(std::move(note.text));
      for (raft::Message& message : effects.messages) {
        CheckPromises(message, outcome);
        outcome.sent.push_back(std::move(message));
      }
      for (raft::ReadState& read : effects.reads) outcome.reads.push_back(std::move(read));
      for (MemberId to : effects.snapshot_requests) SendSnapshot(to, outcome);
      for (raft::Entry& entry : effects.committed) to_apply_.push_back(std::move(entry));
      if (effects.snapshot) to_apply_.clear();
      if (effects.write_number != 0 || effects.hard_state) writes_.push_back(std::move(effects));
    } else if (!writes_.empty() && (!settings.slow_disk || writes_.front().write_number == 0)) {
      CompleteWrite(outcome);
    } else if (MayApply() && !settings.slow_apply) {
      ApplyOldest(outcome);
    } else {
      return;
    }
  }
}

// What a message says must be on the disk already.
void Member::CheckPromises(const raft::Message& message, Outcome& outcome) const {
  const std::string who = "member " + Number(core_->id().value);
  if (message.type == raft::MessageType::kVoteResp && !message.reject &&
      (disk_.hard_state.term < message.term ||
       (disk_.hard_state.term == message.term && disk_.hard_state.vote != message.to))) {
    outcome.violation = who + " sends a vote that is not durable";
  }
  // (An acknowledgement of an earlier term may be of entries that were replaced since.)
  if (message.type == raft::MessageType::kAppResp && !message.reject &&
      message.term == core_->term() && message.index > disk_.last()) {
    outcome.violation = who + " acknowledges entries that are not durable";
  }
}

void Member::CompleteWrite(Outcome& outcome) {
  raft::Effects write = std::move(writes_.front());
  writes_.erase(writes_.begin());
  if (write.snapshot) {
    const raft::SnapshotMetadata& metadata = write.snapshot->metadata;
    disk_.entries.clear();
    disk_.compacted = {metadata.index, metadata.term};
    disk_.conf_state = conf_state_ = metadata.conf_state;
    applied_ = metadata.index;
  }
  if (!write.entries.empty()) {
    const LogIndex from = write.entries.front().index;
    CHECK(from > disk_.compacted.index && from <= disk_.last() + 1);
    disk_.entries.resize(from - disk_.compacted.index - 1);
    disk_.entries.insert(disk_.entries.end(), write.entries.begin(), write.entries.end());
  }
  if (write.hard_state) {
    const raft::HardState& old = disk_.hard_state;
    const raft::HardState& now = *write.hard_state;
    if (now.term < old.term ||
        (now.term == old.term && old.vote.value != 0 && now.vote != old.vote)) {
      outcome.violation = "member " + Number(core_->id().value) + " forgets its term or vote";
    }
    disk_.hard_state = now;
  }
  if (write.write_number != 0) core_->Persisted(write.write_number);
  if (write.snapshot) core_->Applied(applied_);
}

// As the driver has it: a change counts once the commit index that covers it is durable.
bool Member::MayApply() const {
  if (to_apply_.empty()) return false;
  const raft::Entry& entry = to_apply_.front();
  return entry.type == raft::EntryType::kNormal || entry.index <= disk_.hard_state.commit;
}

void Member::ApplyOldest(Outcome& outcome) {
  const raft::Entry entry = std::move(to_apply_.front());
  to_apply_.erase(to_apply_.begin());
  const std::string who = "member " + Number(core_->id().value);
  if (entry.index != applied_ + 1) outcome.violation = who + " applies out of order";
  if (!disk_.Has({entry.index, entry.term})) {
    outcome.violation = who + " applies an entry that is not durable";
  }
  applied_ = entry.index;
  if (entry.type != raft::EntryType::kNormal) {
    Result<raft::ConfState> after = core_->ApplyConfChange(*DecodeChange(entry.data.view()));
    if (!after.ok()) after = core_->ApplyConfChange(raft::ConfChange{});
    conf_state_ = *after;
  }
  if (to_apply_.empty()) core_->Applied(applied_);
}

void Member::Compact() {
  const Term term = *core_->TermAt(applied_);
  disk_.entries.erase(
      disk_.entries.begin(),
      disk_.entries.begin() + static_cast<std::ptrdiff_t>(applied_ - disk_.compacted.index));
  disk_.compacted = {applied_, term};
  disk_.conf_state = conf_state_;
  core_->CompactLog(applied_);
}

void Member::SendSnapshot(MemberId to, Outcome& outcome) {
  raft::Snapshot snapshot;
  snapshot.metadata.index = applied_;
  snapshot.metadata.term = core_->TermAt(applied_).value_or(Term{0});
  snapshot.metadata.conf_state = conf_state_;
  outcome.sent.push_back(core_->MakeSnapshotMessage(to, std::move(snapshot)));
}

std::string Member::StateBytes() const {
  std::string out(1, static_cast<char>(core_->id().value));
  core_->AppendState(out);
  const auto add = [&out](const std::string& part) {
    out.push_back(static_cast<char>(part.size()));  // a separator; the parts are short
    out += part;
  };
  const auto add_entries = [&](const auto& entries) {
    out.push_back(static_cast<char>(entries.size()));
    for (const raft::Entry& entry : entries) {
      std::string bytes;
      wire::AppendEntry(bytes, entry);
      add(bytes);
    }
  };
  add(wire::EncodeHardState(disk_.hard_state));
  add(wire::EncodeConfState(disk_.conf_state));
  add(wire::EncodeConfState(conf_state_));
  add(Number(disk_.compacted.index.value) + "/" + Number(disk_.compacted.term.value) + "/" +
      Number(applied_.value));
  add_entries(disk_.entries);
  add_entries(to_apply_);
  out.push_back(static_cast<char>(writes_.size()));
  for (const raft::Effects& write : writes_) {
    out.push_back(static_cast<char>(write.write_number != 0));
    add_entries(write.entries);
    add(write.hard_state ? wire::EncodeHardState(*write.hard_state) : "");
    raft::Message snapshot;
    if (write.snapshot) {
      snapshot.snapshot = std::make_shared<const raft::Snapshot>(*write.snapshot);
    }
    add(wire::EncodeMessage(snapshot));
  }
  return out;
}

std::string Member::Text() const {
  std::string text(ToString(core_->role()));
  text += ", term " + Number(core_->term().value) + ", log";
  for (LogIndex at = core_->first_index() - 1; at <= core_->last_index(); ++at) {
    text += " " + Number(at.value) + "/" + Number(core_->TermAt(at)->value);
  }
  text += ", committed " + Number(core_->committed().value) + ", durable " +
          Number(core_->durable().value) + ", voters";
  for (MemberId voter : core_->config().voters()) text += " " + Number(voter.value);
  return text;
}

std::string Text(const raft::Message& message) {
  std::string text(ToString(message.type));
  text += " " + Number(message.from.value) + "->" + Number(message.to.value) + " term " +
          Number(message.term.value);
  if (message.index.value != 0) text += " index " + Number(message.index.value);
  if (message.log_term.value != 0) text += " log term " + Number(message.log_term.value);
  for (const raft::Entry& entry : message.entries) {
    text += " [" + Number(entry.index.value) + "/" + Number(entry.term.value) + " " +
            (entry.type == raft::EntryType::kNormal ? "'" : "change '") +
            std::string(entry.data.view()) + "']";
  }
  if (message.commit.value != 0) text += " commit " + Number(message.commit.value);
  if (message.snapshot) {
    text += " snapshot " + Number(message.snapshot->metadata.index.value) + "/" +
            Number(message.snapshot->metadata.term.value);
  }
  if (message.reject) text += " reject, hint " + Number(message.reject_hint.value);
  return text;
}

}  // namespace quorate::model
