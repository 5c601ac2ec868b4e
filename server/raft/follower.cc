// A follower's turn: take the leader's entries, commit index and snapshots, and pass on what only a
// leader can do.
#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/site.h"
#include "raft/core.h"

namespace quorate::raft {

void Core::StepFollower(Message& message) {
  switch (message.type) {
    case MessageType::kApp:
    case MessageType::kHeartbeat:
    case MessageType::kSnap:
      if (leader_.value != 0 && leader_ != message.from) {
        return Drop(message, "this term has another leader");
      }
      election_elapsed_ = 0;
      leader_ = message.from;
      if (message.type == MessageType::kApp) return HandleAppend(message);
      if (message.type == MessageType::kHeartbeat) return HandleHeartbeat(message);
      return HandleSnapshot(message);
    case MessageType::kProp:
    case MessageType::kReadIndex:
    case MessageType::kTransferLeader:
      return ForwardToLeader(message);
    case MessageType::kTimeoutNow:
      AddNote(Note::Level::kInfo, "campaigns at the wish of " + ToHex(message.from.value));
      return Hup(true);
    case MessageType::kReadIndexResp:
      effects_.reads.push_back({message.index, std::string(message.entries[0].data.view())});
      return;
    default:
      return;  // an answer to something we no longer are
  }
}

void Core::HandleAppend(Message& message) {
  Message answer;
  answer.type = MessageType::kAppResp;
  answer.to = message.from;
  if (message.index < log_.committed()) {
    answer.index = log_.committed();
    return Hold(std::move(answer));
  }
  const LogIndex committed = log_.committed();
  const LogIndex last = message.index + message.entries.size();
  switch (log_.TrySplice({message.index, message.log_term}, message.entries)) {
    case Log::Splice::kConflictsWithCommitted:
      return Drop(message, "contradicts a committed entry");
    case Log::Splice::kDone:
      QUORATE_CRASH_SITE("raft.appended");
      log_.CommitTo(std::min(message.commit, last));
      if (QUORATE_PLANTED("raft.commit_beyond_match")) {
        log_.CommitTo(std::min(message.commit, log_.last_index()));
      }
      // The mere word that entries we have acknowledged are committed needs no answer: at depth 1
      // these are half of all answers. Were our acknowledgement lost, then the leader asks again at
      // a heartbeat, and that asks without news.
      if (message.entries.empty() && last == told_ && log_.committed() > committed) return;
      told_ = last;
      answer.index = last;
      if (QUORATE_PLANTED("raft.acknowledge_before_durable")) return Send(std::move(answer));
      break;
    case Log::Splice::kNoMatch: {
      // Where we may agree at the latest: skips a whole term of ours at once.
      const Position hint =
          log_.LastNotAbove(std::min(message.index, log_.last_index()), message.log_term);
      told_ = LogIndex{0};
      answer.index = message.index;
      answer.reject = true;
      answer.reject_hint = hint.index;
      answer.log_term = hint.term;
      break;
    }
  }
  Hold(std::move(answer));
}

void Core::HandleHeartbeat(const Message& message) {
  if (message.commit > log_.last_index()) {
    effects_.lost_index = message.commit;
    return Drop(message, "commits what we have not acknowledged; was this disk's log lost?");
  }
  log_.CommitTo(message.commit);
  const bool same = heard_.leader == message.from && heard_.term == term_;
  if (message.index.value != 0 && (!same || message.index > heard_.durable)) {
    heard_ = {message.from, term_, message.index};
  }
  Message answer;
  answer.type = MessageType::kHeartbeatResp;
  answer.to = message.from;
  answer.context = message.context;
  Send(std::move(answer));
}

void Core::HandleSnapshot(const Message& message) {
  const SnapshotMetadata& metadata = message.snapshot->metadata;
  if (Result<Config> config = Config::From(metadata.conf_state); !config.ok()) {
    return Drop(message, config.error().message);
  }
  Message answer;
  answer.type = MessageType::kAppResp;
  answer.to = message.from;
  answer.index = RestoreSnapshot(*message.snapshot) ? log_.last_index() : log_.committed();
  Hold(std::move(answer));
}

// False when the snapshot brings nothing; the commit index may have moved all the same.
bool Core::RestoreSnapshot(const Snapshot& snapshot) {
  const SnapshotMetadata& metadata = snapshot.metadata;
  if (metadata.index <= log_.committed()) return false;
  Config config = std::move(Config::From(metadata.conf_state)).value();
  if (!config.Contains(id())) {
    AddNote(Note::Level::kWarn, "ignored a snapshot whose configuration lacks this member");
    return false;
  }
  if (log_.Matches({metadata.index, metadata.term})) {
    log_.CommitTo(metadata.index);
    return false;
  }
  log_.Restore({metadata.index, metadata.term});
  QUORATE_CRASH_SITE("raft.restored");
  if (!QUORATE_PLANTED("raft.snapshot_without_configuration")) config_ = std::move(config);
  pending_install_ = metadata.index;
  effects_.snapshot = snapshot;
  effects_.committed.clear();
  AddNote(Note::Level::kInfo, "restores a snapshot at index " +
                                  std::to_string(metadata.index.value) + " of term " +
                                  std::to_string(metadata.term.value));
  return true;
}

void Core::ForwardToLeader(Message& message) {
  if (leader_.value == 0) return Drop(message, "no leader");
  if (leader_ == message.from) return Drop(message, "its sender leads");
  message.to = leader_;
  if (message.type == MessageType::kTransferLeader) message.term = term_;
  Send(std::move(message));
}

Proposed Core::ForwardProposals(std::span<Entry> entries) {
  Message message;
  message.type = MessageType::kProp;
  message.to = leader_;
  std::uint64_t bytes = 0;
  for (Entry& entry : entries) {
    if (!message.entries.empty() && bytes + SizeOf(entry) > options_.message_bytes_max) {
      Send(message);
      message.entries.clear();
      bytes = 0;
    }
    bytes += SizeOf(entry);
    message.entries.push_back(std::move(entry));
  }
  if (!message.entries.empty()) Send(std::move(message));
  return Proposed::kForwarded;
}

}  // namespace quorate::raft
