// What a leader sends: entries, commit index, heartbeats, requests for snapshots; once a turn, not
// once an event.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/site.h"
#include "raft/core.h"
#include "raft/quorum.h"

namespace quorate::raft {
namespace {

// Of one member in one turn, so that one that lags far behind does not hold up the rest.
constexpr int kMessagesPerTurn = 8;

}  // namespace

bool Core::MaybeCommit() {
  const bool could_read = CommittedInTerm();
  std::vector<LogIndex>& acked = leading_->acked;
  acked.clear();
  for (MemberId voter : config_.voters()) acked.push_back(leading_->progress.at(voter).match());
  const LogIndex index = CommittedIndex(acked);
  if (QUORATE_PLANTED("raft.commit_old_term")) log_.CommitTo(index);
  // Entries of earlier terms are never committed by counting (Raft, figure 8).
  if (index <= log_.committed() || log_.TermAt(index) != term_) return false;
  log_.CommitTo(index);
  if (!could_read) ReleaseEarlyReads();
  return true;
}

void Core::FlushReplication() {
  // One round at a time: reads that come during one share the next. A lost one is repeated by the
  // next heartbeat, which carries the newest.
  if (leading_->reads.unsent() && !leading_->reads.awaiting()) BroadcastHeartbeat();
  for (auto& [member, progress] : leading_->progress) {
    if (member != id()) ReplicateTo(member, progress);
  }
}

void Core::ReplicateTo(MemberId to, Progress& progress) {
  const bool behind = progress.next() <= log_.last_index();
  const bool news =
      !news_held_ && progress.sent_commit() < std::min(log_.committed(), progress.next() - 1);
  switch (progress.state()) {
    case Progress::State::kSnapshot:
      return;
    case Progress::State::kProbe:
      if (progress.MayProbe() && (behind || news || progress.ping)) SendAppend(to, progress, true);
      return;
    case Progress::State::kReplicate:
      break;
  }
  int sent = 0;
  while (progress.next() <= log_.last_index() && progress.MaySendEntries(options_.inflight)) {
    if (sent == kMessagesPerTurn || (sent > 0 && QUORATE_SITE("raft.one_message"))) {
      touched_ = true;
      return;
    }
    if (!SendAppend(to, progress, true)) return;
    ++sent;
  }
  if (sent == 0 && (news || progress.ping)) SendAppend(to, progress, false);
}

// False when a snapshot is needed instead.
bool Core::SendAppend(MemberId to, Progress& progress, bool with_entries) {
  const LogIndex previous = progress.next() - 1;
  const std::optional<Term> term = log_.TermAt(previous);
  const bool unasked = log_.applied() > progress.match() && QUORATE_SITE("raft.always_snapshot");
  if (!term || unasked) {
    RequestSnapshot(to, progress);
    return false;
  }
  Message message;
  message.type = MessageType::kApp;
  message.to = to;
  message.index = previous;
  message.log_term = *term;
  message.commit = log_.committed();
  if (with_entries) {
    const std::uint64_t bytes_max = QUORATE_SITE("raft.one_entry") ? 1 : options_.message_bytes_max;
    message.entries = log_.Slice(progress.next(), log_.last_index() + 1, bytes_max);
  }
  std::uint64_t bytes = 0;
  for (const Entry& entry : message.entries) bytes += SizeOf(entry);
  const LogIndex last = previous + message.entries.size();
  progress.NoteSent(last, message.entries.size(), bytes);
  progress.NoteCommitSent(std::min(message.commit, last));
  Send(std::move(message));
  return true;
}

void Core::RequestSnapshot(MemberId to, Progress& progress) {
  if (!progress.recent_active) return;  // nobody there to take it
  progress.BecomeSnapshot(log_.applied());
  effects_.snapshot_requests.push_back(to);
  AddNote(Note::Level::kInfo, "member " + ToHex(to.value) + " needs a snapshot");
}

void Core::BroadcastHeartbeat() {
  const std::string context = leading_->reads.RoundContext();
  for (auto& [member, progress] : leading_->progress) {
    if (member == id()) continue;
    Message message;
    message.type = MessageType::kHeartbeat;
    message.to = member;
    // Never more than the member has acknowledged: it may not have the rest.
    message.commit = std::min(progress.match(), log_.committed());
    if (!QUORATE_PLANTED("raft.leader_keeps_its_disk_to_itself")) {
      message.index = std::min(log_.durable(), log_.committed());
    }
    message.context = context;
    progress.NoteCommitSent(message.commit);
    Send(std::move(message));
  }
}

}  // namespace quorate::raft
