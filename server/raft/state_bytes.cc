// The state of a Core as bytes, for models that must know whether they have been here before.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "raft/core.h"

namespace quorate::raft {
namespace {

void Number(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
  out.push_back(static_cast<char>(number));
}

void Text(std::string& out, std::string_view text) {
  Number(out, text.size());
  out += text;
}

void Ids(std::string& out, const std::vector<MemberId>& members) {
  Number(out, members.size());
  for (MemberId member : members) Number(out, member.value);
}

void OneEntry(std::string& out, const Entry& entry) {
  Number(out, static_cast<std::uint64_t>(entry.type));
  Number(out, entry.term.value);
  Number(out, entry.index.value);
  Text(out, entry.data.view());
}

void Reads(std::string& out, const std::vector<ReadRequest>& reads) {
  Number(out, reads.size());
  for (const ReadRequest& read : reads) {
    Number(out, read.from.value);
    Text(out, read.context);
  }
}

// A message that waits for a write: it carries neither entries nor a snapshot.
void Waiting(std::string& out, const Message& message) {
  CHECK(message.entries.empty() && !message.snapshot);
  for (std::uint64_t field :
       {static_cast<std::uint64_t>(message.type), message.to.value, message.term.value,
        message.log_term.value, message.index.value, message.commit.value,
        static_cast<std::uint64_t>(message.reject), message.reject_hint.value}) {
    Number(out, field);
  }
  Text(out, message.context);
}

// 0: the next write; 1: done; 2: the last one, 3: the one before...
std::uint64_t Ago(std::uint64_t write, std::uint64_t last, std::uint64_t persisted) {
  if (write == 0) return 0;
  return write <= persisted ? 1 : last - write + 2;
}

}  // namespace

void Log::AppendState(std::string& out, std::uint64_t last_write) const {
  Number(out, compacted_.index.value);
  Number(out, compacted_.term.value);
  Number(out, entries_.size());
  for (const Entry& entry : entries_) OneEntry(out, entry);
  for (LogIndex index : {committed_, applying_, applied_, durable_, handed_}) {
    Number(out, index.value);
  }
  Number(out, writes_.size());
  for (const Write& write : writes_) {
    Number(out, last_write - write.number);
    Number(out, write.last.value);
  }
}

void Progress::AppendState(std::string& out) const {
  for (std::uint64_t field :
       {static_cast<std::uint64_t>(state_), match_.value, next_.value, sent_commit_.value,
        pending_snapshot_.value, beat_match_.value, static_cast<std::uint64_t>(probe_sent_),
        static_cast<std::uint64_t>(recent_active), static_cast<std::uint64_t>(ping)}) {
    Number(out, field);
  }
  Number(out, inflight_.size());
  for (const Inflight& sent : inflight_) {
    Number(out, sent.last.value);
    Number(out, sent.bytes);
  }
}

void ReadIndexQueue::AppendState(std::string& out) const {
  Number(out, next_number_);
  Number(out, batches_.size());
  for (const Batch& batch : batches_) {
    Number(out, batch.number);
    Number(out, batch.index.value);
    Number(out, static_cast<std::uint64_t>(batch.sent));
    Ids(out, batch.answered);
    Reads(out, batch.requests);
  }
}

void WaitingChanges::AppendState(std::string& out) const {
  Number(out, changes_.size());
  for (const Change& change : changes_) {
    OneEntry(out, change.entry);
    Number(out, static_cast<std::uint64_t>(change.old));
  }
}

void Core::AppendState(std::string& out) const {
  CHECK(!touched_);
  for (std::uint64_t field :
       {term_.value, vote_.value, static_cast<std::uint64_t>(role_), leader_.value,
        pending_install_.value, told_.value, static_cast<std::uint64_t>(election_elapsed_),
        static_cast<std::uint64_t>(election_timeout_), given_hard_.term.value,
        given_hard_.vote.value, given_hard_.commit.value, write_number_ - persisted_number_,
        static_cast<std::uint64_t>(news_held_)}) {
    Number(out, field);
  }
  Ids(out, config_.voters());
  Ids(out, config_.learners());
  log_.AppendState(out, write_number_);
  Number(out, votes_.size());
  for (const auto& [voter, granted] : votes_) {
    Number(out, voter.value * 2 + static_cast<std::uint64_t>(granted));
  }
  Number(out, held_.size());
  for (const Held& held : held_) {
    Number(out, Ago(held.write_number, write_number_, persisted_number_));
    Waiting(out, held.message);
  }
  if (self_vote_) {
    Number(out, 1 + Ago(self_vote_->write_number, write_number_, persisted_number_));
    Number(out, self_vote_->term.value);
  } else {
    Number(out, 0);
  }
  Number(out, static_cast<std::uint64_t>(leading_.has_value()));
  if (!leading_) return;
  const Leading& leading = *leading_;
  for (const auto& [member, progress] : leading.progress) {
    Number(out, member.value);
    progress.AppendState(out);
  }
  leading.reads.AppendState(out);
  Reads(out, leading.early_reads);
  leading.waiting.AppendState(out);
  for (std::uint64_t field :
       {leading.transferee.value, leading.pending_conf_index.value,
        static_cast<std::uint64_t>(leading.leaving), leading.last_of_two.value,
        leading.uncommitted_bytes, static_cast<std::uint64_t>(leading.heartbeat_elapsed)}) {
    Number(out, field);
  }
}

}  // namespace quorate::raft
