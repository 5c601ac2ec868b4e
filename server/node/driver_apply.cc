// The driver's half that touches the state machine and the log: applying, snapshots in and out,
// marks.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/site.h"
#include "node/driver.h"
#include "node/errors.h"
#include "wire/raftpb.h"

namespace quorate::node {
namespace {

constexpr std::size_t kEntriesBetweenLooksAtTheClock = 16;

}  // namespace

void Driver::Write(raft::Effects& effects) {
  if (effects.hard_state) hard_state_ = effects.hard_state;
  if (effects.write_number == 0)
    return;  // a commit index alone: it can wait for the next write, or tick
  LogWrite write;
  if (effects.snapshot) {
    const raft::SnapshotMetadata& metadata = effects.snapshot->metadata;
    write.mark = wal::SnapshotMark{metadata.index, metadata.term, metadata.conf_state};
    snapshot_ = std::move(effects.snapshot);
    snapshot_write_ = effects.write_number;
    to_apply_.clear();
    applied_of_them_ = 0;
  }
  write.entries = std::move(effects.entries);
  write.hard_state = std::exchange(hard_state_, std::nullopt);
  write.number = effects.write_number;
  write.lone = IsLone(write);
  if (submitted_ == written_) write_at_ = now_;
  submitted_ = effects.write_number;
  QUORATE_CRASH_SITE("node.before_submit");
  log_writer_->Submit(std::move(write));
  QUORATE_CRASH_SITE("node.after_submit");
}

// Who leads has others to hear while it writes, and who has clients has them.
bool Driver::IsLone(const LogWrite& write) const {
  return core_.role() == raft::Role::kFollower && !write.mark && write.entries.size() == 1 &&
         submitted_ == written_ && proposer_.waiting() == 0 && gate_.size() == 0 &&
         serializable_.empty() && applied_of_them_ == to_apply_.size();
}

void Driver::SubmitHardState() {
  if (!hard_state_) return;
  LogWrite write;
  write.hard_state = std::exchange(hard_state_, std::nullopt);
  log_writer_->Submit(std::move(write));
}

// ---- applying ----

void Driver::ApplySome() {
  if (applied_of_them_ >= to_apply_.size() || QUORATE_SITE("node.apply_later")) return;
  if (!MayApply(to_apply_[applied_of_them_])) return;
  const Instant until = clock_.Now() + options_.apply_time_max;
  do {
    ApplyOne(to_apply_[applied_of_them_++]);
    QUORATE_CRASH_SITE("node.after_apply_one");
    if (QUORATE_SITE("node.apply_one")) break;
    if (applied_of_them_ % kEntriesBetweenLooksAtTheClock == 0 && clock_.Now() >= until) break;
  } while (!failed_ && applied_of_them_ < to_apply_.size() &&
           MayApply(to_apply_[applied_of_them_]));
  if (failed_) return;
  const Instant applied = clock_.Now();
  if (quorate::Status committed = state_machine_.Commit(); !committed.ok()) {
    return Fail(committed.error());
  }
  if (observer_ != nullptr) observer_->Committed(clock_.Now() - applied);
  QUORATE_CRASH_SITE("node.after_commit");
  core_.Applied(to_apply_[applied_of_them_ - 1].index);
  DeliverOutcomes();
  QUORATE_CRASH_SITE("node.after_answers");
  AnswerLost(to_apply_[applied_of_them_ - 1].term);
}

// A change of the members counts from here on, and must still count after a crash: who is removed
// may be gone by then, and without its vote this member could not learn a second time that the
// change is committed. So the commit index that covers it is made durable first.
bool Driver::MayApply(const raft::Entry& entry) {
  if (entry.type == raft::EntryType::kNormal || entry.index <= durable_commit_) return true;
  if (QUORATE_PLANTED("node.change_before_its_commit_is_durable")) return true;
  if (awaited_commit_ >= entry.index) return false;
  awaited_commit_ = entry.index;
  LogWrite write;  // the core gave out the commit index before the entry
  write.hard_state = std::exchange(hard_state_, std::nullopt);
  write.sync = true;
  log_writer_->Submit(std::move(write));
  return false;
}

// What was sent to a leader that is gone is applied before the first entry of the next term, or
// never, unless it lives on somewhere. So whoever still waits is told now, and not at the timeout,
// that nobody can know.
void Driver::AnswerLost(Term applied) {
  if (lost_term_.value == 0 || applied <= lost_term_) return;
  proposer_.FailSent(lost_term_, errors::TimedOutByLeaderFailure());
  lost_term_ = Term{};
}

void Driver::ApplyOne(const raft::Entry& entry) {
  switch (entry.type) {
    case raft::EntryType::kNormal: {
      outcomes_.push_back(state_machine_.Apply(entry));
      if (!outcomes_.back().fatal.ok()) return Fail(outcomes_.back().fatal.error());
      const bool first_of_term = entry.data.empty() && entry.term == core_.term();
      if (first_of_term && core_.role() == raft::Role::kLeader && !leads_) {
        leads_ = true;
        state_machine_.Lead(true);
      }
      return;
    }
    case raft::EntryType::kConfChange:
      return ApplyChange(entry);
    case raft::EntryType::kConfChangeV2:
      return Fail(Exit::kDataUnusable, "log entry " + std::to_string(entry.index.value) +
                                           " is a joint configuration change, which this server "
                                           "does not support");
  }
}

void Driver::ApplyChange(const raft::Entry& entry) {
  Result<raft::ConfChange> change = wire::DecodeConfChange(entry.data.view());
  if (!change.ok()) {
    return Fail(Annotate(change.error(), "log entry " + std::to_string(entry.index.value)));
  }
  const std::uint64_t id = change->id;
  const bool voted = core_.config().IsVoter(self_);
  QUORATE_CRASH_SITE("node.before_change");
  ChangeOutcome outcome = state_machine_.ApplyConfChange(entry, std::move(*change));
  Result<raft::ConfState> state = core_.ApplyConfChange(outcome.change);
  if (!state.ok()) {
    log::Warn("raft: configuration change ignored", {{"reason", state.error().message}});
    state = core_.ApplyConfChange(raft::ConfChange{});
  }
  state_machine_.SetConfState(*state);
  // Of two voters the one that stays may have missed that this is committed, and then needs our
  // vote. When it knows it refuses our connections, which ends us.
  const bool needed = voted && state->voters.size() == 1;
  conf_states_.emplace_back(entry.index, std::move(*state));
  change_outcomes_.emplace_back(id, std::move(outcome.status));
  peers_changed_ = true;
  if (outcome.removed_self && !needed && !removed_at_) {
    removed_at_ = now_ + 2 * options_.election_timeout;  // time to tell the others
  }
}

// After Commit.
void Driver::DeliverOutcomes() {
  for (Outcome& outcome : std::exchange(outcomes_, {})) {
    if (outcome.answered) proposer_.Answer(outcome.request_id, std::move(outcome.response));
  }
  for (auto& [id, status] : std::exchange(change_outcomes_, {})) {
    if (status.ok()) {
      proposer_.Answer(id, std::string());
    } else {
      proposer_.Answer(id, std::move(status).error());
    }
  }
}

// ---- snapshots in ----

void Driver::InstallIfDurable() {
  if (!snapshot_ || installing_ || written_ < snapshot_write_) return;
  installing_ = true;
  QUORATE_CRASH_SITE("node.before_install");
  const LogIndex index = snapshot_->metadata.index;
  log::Info("applying snapshot", {{"local-member-id", ToHex(self_.value)}, {"index", index}});
  state_machine_.Install(*snapshot_, [this, index](quorate::Status status) {
    Post([this, index, status = std::move(status)]() mutable {
      Installed(std::move(status), index);
    });
  });
}

void Driver::Installed(quorate::Status status, LogIndex index) {
  installing_ = false;
  if (!status.ok()) return Fail(Annotate(status.error(), "install snapshot"));
  log::Info("applied snapshot", {{"local-member-id", ToHex(self_.value)}, {"index", index}});
  QUORATE_CRASH_SITE("node.after_install");
  core_.Applied(index);
  // A newer one may have arrived meanwhile; then this was only a step.
  if (snapshot_->metadata.index != index) return InstallIfDurable();
  conf_states_.clear();
  conf_states_.emplace_back(index, snapshot_->metadata.conf_state);
  snapshot_.reset();
  mark_ = index;
  flushing_ = false;
  work_due_ = true;
  peers_changed_ = true;
  LogWrite release;  // what the mark made superfluous, now that the state is in place
  release.release = index;
  log_writer_->Submit(std::move(release));
}

// ---- snapshots out ----

void Driver::SendSnapshot(MemberId to) {
  if (core_.role() != raft::Role::kLeader) return;
  const LogIndex applied = core_.applied();
  const std::optional<Term> term = core_.TermAt(applied);
  if (snapshots_sending_ >= options_.snapshots_max || !term ||
      QUORATE_SITE("node.snapshot_refused")) {
    return core_.ReportSnapshot(to, false);
  }
  Result<std::shared_ptr<SnapshotSource>> source = state_machine_.OpenSnapshot();
  if (!source.ok()) {
    log::Warn("cannot open a snapshot to send",
              {{"to", ToHex(to.value)}, {"error", source.error().message}});
    return core_.ReportSnapshot(to, false);
  }
  raft::Snapshot snapshot;
  snapshot.metadata = {core_.config().ToConfState(), applied, *term};
  snapshot.data = raft::Payload((*source)->data());
  log::Info("sending database snapshot", {{"to", ToHex(to.value)}, {"index", applied}});
  ++snapshots_sending_;
  network_.SendSnapshot(core_.MakeSnapshotMessage(to, std::move(snapshot)), std::move(*source),
                        [this, to](bool delivered) {
                          Post([this, to, delivered] {
                            --snapshots_sending_;
                            core_.ReportSnapshot(to, delivered);
                          });
                        });
}

// ---- marks ----

// Once snapshot_count entries were applied since the last mark, or too many bytes are in memory:
// flush, and when that is done, mark in the wal how far the state machine needs no log any more,
// and let the log before it go.
void Driver::MaybeMark() {
  if (installing_ || snapshot_) return;
  // A snapshot on its way needs the entries behind it; but not for any price in memory. Beyond that
  // its follower needs another one.
  const std::uint64_t bytes_max = options_.log_bytes_max * (snapshots_sending_ == 0 ? 1 : 2);
  const bool too_large = core_.log_bytes() > bytes_max;
  const LogIndex due =
      mark_ + (too_large || QUORATE_SITE("node.mark_often") ? 1 : options_.snapshot_count);
  if (core_.applied() < due) return;
  const LogIndex flushed = std::min(state_machine_.FlushedIndex(), core_.applied());
  if (flushed < due) {
    if (flushing_) return;
    flushing_ = true;
    if (quorate::Status started = state_machine_.StartFlush(); !started.ok()) {
      Fail(started.error());
    }
    return;
  }
  const std::optional<Term> term = core_.TermAt(flushed);
  const auto state = std::find_if(conf_states_.rbegin(), conf_states_.rend(),
                                  [&](const auto& item) { return item.first <= flushed; });
  if (!term || state == conf_states_.rend()) return;
  LogWrite write;
  write.mark = wal::SnapshotMark{flushed, *term, state->second};
  write.hard_state = std::exchange(hard_state_, std::nullopt);
  write.release = flushed;
  QUORATE_CRASH_SITE("node.before_mark");
  log_writer_->Submit(std::move(write));
  mark_ = flushed;
  flushing_ = false;
  conf_states_.erase(conf_states_.begin(), std::prev(state.base()));
  if (snapshots_sending_ != 0 && !too_large) return;
  // Slow followers are spared a snapshot by the entries kept.
  const std::uint64_t applied = core_.applied().value;
  const std::uint64_t spared = QUORATE_SITE("node.spare_nobody") ? 0 : options_.catch_up_entries;
  LogIndex upto{applied - std::min(applied, spared)};
  upto = std::max(upto, core_.IndexBefore(options_.log_bytes_max / 2));
  core_.CompactLog(std::min(flushed, upto));
}

}  // namespace quorate::node
