#include "node/proposer.h"

#include <utility>

#include "base/site.h"
#include "node/errors.h"

namespace quorate::node {

void Proposer::Take(Proposal&& proposal, Instant now) {
  const bool fits =
      queue_.empty() || queued_bytes_ + proposal.data.size() <= limits_.queued_bytes_max;
  if (!fits || waiters_.size() >= limits_.waiting_max) {
    ++failed_;
    return proposal.done(errors::TooManyRequests());
  }
  started_.emplace_back(now, proposal.id);
  waiters_.insert_or_assign(proposal.id, Waiter{now, std::move(proposal.done), Term{}});
  queued_bytes_ += proposal.data.size();
  leading_queued_ += proposal.leading ? 1U : 0U;
  queue_.push_back({proposal.id, proposal.type, std::move(proposal.data), proposal.leading});
}

// Their time is over with the leadership, or with the wish to hand it over.
void Proposer::RefuseUnlessLeading(const raft::Core& core) {
  if (leading_queued_ == 0) return;
  if (core.role() == raft::Role::kLeader && core.transferee().value == 0) return;
  if (QUORATE_PLANTED("node.leaders_word_is_passed_on")) return;
  for (const Queued& queued : queue_) {
    if (queued.leading) Refuse(queued.id, errors::NotLeader());  // Flush passes over it
  }
}

void Proposer::Flush(raft::Core& core) {
  RefuseUnlessLeading(core);
  std::size_t begin = 0;
  while (begin < queue_.size()) {
    std::size_t end = begin + 1;
    bool taken = false;
    if (queue_[begin].type == raft::EntryType::kNormal) {
      while (end < queue_.size() && queue_[end].type == raft::EntryType::kNormal) ++end;
      taken = FlushNormal(core, begin, end);
    } else if (!Waits(queue_[begin].id)) {
      taken = true;  // timed out while parked
    } else {
      taken = Settle(core.ProposeConfChange(queue_[begin].data), core.term(), begin, end);
    }
    if (!taken) break;
    begin = end;
  }
  for (std::size_t i = 0; i < begin; ++i) {
    queued_bytes_ -= queue_[i].data.size();
    leading_queued_ -= queue_[i].leading ? 1U : 0U;
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(begin));
}

bool Proposer::FlushNormal(raft::Core& core, std::size_t begin, std::size_t end) {
  batch_.clear();
  for (std::size_t i = begin; i < end; ++i) {
    if (Waits(queue_[i].id)) batch_.push_back(queue_[i].data);
  }
  return batch_.empty() || Settle(core.Propose(batch_), core.term(), begin, end);
}

// False: keep them parked.
bool Proposer::Settle(raft::Proposed outcome, Term term, std::size_t begin, std::size_t end) {
  switch (outcome) {
    case raft::Proposed::kAppended:
      return true;
    case raft::Proposed::kForwarded:
      for (std::size_t i = begin; i < end; ++i) {
        const auto waiter = waiters_.find(queue_[i].id);
        if (waiter != waiters_.end()) waiter->second.sent = term;
      }
      return true;
    case raft::Proposed::kNoLeader:
    case raft::Proposed::kTransferring:
    case raft::Proposed::kNotMember:
      return false;
    case raft::Proposed::kTooMuchPending:
      for (std::size_t i = begin; i < end; ++i) Refuse(queue_[i].id, errors::TooManyRequests());
      return true;
  }
  return true;
}

void Proposer::Answer(std::uint64_t id, Result<std::string> answer) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  const Node::Answer done = std::move(found->second.done);
  waiters_.erase(found);
  done(std::move(answer));
}

void Proposer::Refuse(std::uint64_t id, Error why) {
  if (Waits(id)) ++failed_;
  Answer(id, std::move(why));
}

void Proposer::Expire(Instant now, const std::function<Error(Instant)>& why) {
  while (!started_.empty() && started_.front().first + timeout_ <= now) {
    const auto [started, id] = started_.front();
    started_.pop_front();
    const auto found = waiters_.find(id);
    if (found != waiters_.end() && found->second.started == started) Refuse(id, why(started));
  }
  // Ids that were answered long ago need no place.
  while (!started_.empty() && !Waits(started_.front().second)) started_.pop_front();
}

void Proposer::FailSent(Term term, const Error& error) {
  std::vector<std::uint64_t> lost;
  for (const auto& [id, waiter] : waiters_) {
    if (waiter.sent.value != 0 && waiter.sent <= term) lost.push_back(id);
  }
  for (const std::uint64_t id : lost) Refuse(id, error);
}

void Proposer::FailAll(const Error& error) {
  queue_.clear();
  queued_bytes_ = 0;
  leading_queued_ = 0;
  started_.clear();
  while (!waiters_.empty()) Refuse(waiters_.begin()->first, error);
}

}  // namespace quorate::node
