#include "node/read_gate.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/site.h"
#include "node/errors.h"

namespace quorate::node {

bool ReadGate::NeedsRound(Instant now) const {
  if (asked_.empty()) return !waiting_.empty();
  return now >= issued_ + options_.retry;
}

std::string ReadGate::Issue(std::uint64_t id, Instant now) {
  if (QUORATE_PLANTED("node.read_joins_a_running_round")) {
    asked_.insert(asked_.end(), std::make_move_iterator(waiting_.begin()),
                  std::make_move_iterator(waiting_.end()));
    waiting_.clear();
  }
  if (asked_.empty()) {
    asked_.swap(waiting_);
    contexts_.clear();
  }
  issued_ = now;
  std::string context;
  AppendBigEndian64(context, id);
  contexts_.push_back(context);
  return context;
}

void ReadGate::Confirm(LogIndex index, std::string_view context) {
  if (std::find(contexts_.begin(), contexts_.end(), context) == contexts_.end()) return;
  contexts_.clear();
  // A later round can only see more, but an answer to a repeated one may overtake nothing: keep
  // indexes ascending.
  if (!confirmed_.empty()) index = std::max(index, confirmed_.back().index);
  for (Read& read : asked_) confirmed_.push_back({index, std::move(read)});
  asked_.clear();
}

bool ReadGate::Run(LogIndex applied, const std::function<bool()>& enough) {
  while (HasRunnable(applied)) {
    if (enough()) return false;
    const Read read = std::move(confirmed_.front().read);
    confirmed_.pop_front();
    read.done({});
  }
  return true;
}

void ReadGate::LeaderChanged() {
  if (QUORATE_PLANTED("node.reads_survive_their_leader")) return;
  if (contexts_.empty()) {
    issued_ = Instant() - options_.retry;  // never sent: ask the new leader at once
  } else {
    contexts_.clear();
    Fail(asked_, errors::LeaderChanged());
  }
}

void ReadGate::Expire(Instant now) {
  ExpireIn(waiting_, now);
  ExpireIn(asked_, now);
  if (asked_.empty()) contexts_.clear();
  while (!confirmed_.empty() && confirmed_.front().read.started + options_.timeout <= now) {
    const Read read = std::move(confirmed_.front().read);
    confirmed_.pop_front();
    read.done(errors::TimedOutWaitingForApply());
  }
}

void ReadGate::FailAll(const Error& error) {
  contexts_.clear();
  Fail(asked_, error);
  Fail(waiting_, error);
  std::vector<Read> rest;
  for (Confirmed& confirmed : confirmed_) rest.push_back(std::move(confirmed.read));
  confirmed_.clear();
  Fail(rest, error);
}

void ReadGate::Fail(std::vector<Read>& reads, const Error& error) {
  for (Read& read : std::exchange(reads, {})) read.done(error);
}

// Reads are in the order of their start.
void ReadGate::ExpireIn(std::vector<Read>& reads, Instant now) {
  const auto alive = std::find_if(reads.begin(), reads.end(), [&](const Read& read) {
    return read.started + options_.timeout > now;
  });
  if (alive == reads.begin()) return;
  std::vector<Read> expired(std::make_move_iterator(reads.begin()), std::make_move_iterator(alive));
  reads.erase(reads.begin(), alive);
  Fail(expired, errors::TimedOut());
}

}  // namespace quorate::node
