#include "check/lease_ends.h"

#include <algorithm>

namespace quorate::check {
namespace {

using etcdserverpb::RequestOp;

bool CanDelete(const RequestOp& request) {
  if (request.has_request_delete_range()) return true;
  const auto& txn = request.request_txn();
  return std::ranges::any_of(txn.success(), CanDelete) ||
         std::ranges::any_of(txn.failure(), CanDelete);
}

bool IsDelete(const mvccpb::Event& event) {
  return event.type() == mvccpb::Event::DELETE;
}

}  // namespace

LeaseEnds::LeaseEnds(const History& history, const KvVerdict& kv, const Proofs& proofs)
    : history_(history), kv_(kv), proofs_(proofs) {
  for (std::size_t i = 0; i < history.operations.size(); ++i) {
    const auto* request = std::get_if<RequestOp>(&history.operations[i].request);
    const bool unknown = history.operations[i].outcome == Outcome::kUnknown;
    if (unknown && request != nullptr && CanDelete(*request)) deletions_.push_back(i);
  }
  for (std::int64_t revision = 2; revision <= kv.model.revision(); ++revision) {
    for (const mvccpb::Event& event : kv.model.EventsAt(revision)) {
      if (!IsDelete(event)) attached_last_[event.kv().lease()] = revision;
    }
  }
  for (std::int64_t revision = 2; revision <= kv.model.revision(); ++revision) Judge(revision);
}

void LeaseEnds::Judge(std::int64_t revision) {
  const std::ptrdiff_t writer = kv_.writer_of[static_cast<std::size_t>(revision)];
  if (writer >= 0 &&
      history_.operations[static_cast<std::size_t>(writer)].outcome == Outcome::kOk) {
    return;
  }
  const auto events = kv_.model.EventsAt(revision);
  if (events.empty() || !std::ranges::all_of(events, IsDelete)) return;
  const std::int64_t lease = LeaseOf(revision, events);
  std::vector<std::size_t> makers = Makers(revision, events);
  if (lease != 0 && makers.empty()) {
    certain_.emplace(lease, revision);
    return;
  }
  if (makers.empty()) return;
  makers_[revision] = std::move(makers);
  if (lease != 0) {
    doubtful_.push_back({lease, revision});
  } else {
    Excuse(revision);
  }
}

// The lease whose end this may be; 0: of none, since it takes everything that is attached and
// nothing is attached to it afterwards.
std::int64_t LeaseEnds::LeaseOf(std::int64_t revision,
                                const std::vector<mvccpb::Event>& events) const {
  const std::int64_t lease = events.front().prev_kv().lease();
  if (lease == 0) return 0;
  std::set<std::string> keys;
  for (const mvccpb::Event& event : events) keys.insert(event.kv().key());
  const auto last = attached_last_.find(lease);
  if (last != attached_last_.end() && last->second > revision) return 0;
  return kv_.model.KeysOfLease(lease, revision - 1) == keys ? lease : 0;
}

std::vector<std::size_t> LeaseEnds::Makers(std::int64_t revision,
                                           const std::vector<mvccpb::Event>& events) const {
  std::vector<std::size_t> makers;
  const Instant seen = proofs_.FirstSeen(revision);
  for (const std::size_t i : deletions_) {
    const Operation& operation = history_.operations[i];
    if (operation.invoked >= seen || proofs_.SeenBefore(operation.invoked) >= revision) continue;
    const RequestOp& request = std::get<RequestOp>(operation.request);
    const auto& range = request.request_delete_range();
    // What a transaction does depends on too much: it may have.
    const bool fits = !request.has_request_delete_range() ||
                      std::ranges::all_of(events, [&](const mvccpb::Event& event) {
                        return InRange(event.kv().key(), range.key(), range.range_end());
                      });
    if (fits) makers.push_back(i);
  }
  return makers;
}

bool LeaseEnds::Excuse(std::int64_t revision) {
  std::set<std::size_t> tried;
  return Match(revision, tried);
}

// An augmenting path: a deletion that is free, or whose revision another one can have made.
bool LeaseEnds::Match(std::int64_t revision, std::set<std::size_t>& tried) {
  for (const std::size_t maker : makers_[revision]) {
    if (!tried.insert(maker).second) continue;
    const auto made = made_.find(maker);
    if (made != made_.end() && !Match(made->second, tried)) continue;
    made_[maker] = revision;
    return true;
  }
  return false;
}

}  // namespace quorate::check
