#include "check/real_time.h"

#include <algorithm>
#include <map>
#include <string>

namespace quorate::check {
namespace {

using etcdserverpb::ResponseHeader;

bool MustBeCurrent(const Operation& operation) {
  const auto* request = std::get_if<etcdserverpb::RequestOp>(&operation.request);
  return request != nullptr && !IsSerializable(*request);
}

// KV-2 and KV-4: nobody is answered from before what was known when he asked.
void CheckOrder(const History& history, const Proofs& proofs, KvVerdict& verdict) {
  for (std::size_t i = 0; i < history.operations.size(); ++i) {
    const Operation& operation = history.operations[i];
    const std::int64_t revision = verdict.revision_of[i];
    if (revision == 0 || !MustBeCurrent(operation)) continue;
    const bool wrote =
        verdict.writer_of[static_cast<std::size_t>(revision)] == static_cast<std::ptrdiff_t>(i);
    const std::int64_t seen = proofs.SeenBefore(operation.invoked);
    if (wrote ? seen < revision : seen <= revision) continue;
    const bool answered = operation.outcome == Outcome::kOk;
    verdict.findings.push_back(
        {answered ? "KV-2" : "KV-4", "revision " + std::to_string(seen) +
                                         " had been seen before this was asked, which is at " +
                                         std::to_string(revision) + ": " + Describe(operation)});
  }
}

struct Answer {
  Instant invoked;
  Instant returned;
  const ResponseHeader* header;
};

// KV-8 and KV-9 for the answers of one life of one member.
void CheckLife(std::vector<Answer> answers, KvVerdict& verdict) {
  auto by_return = answers;
  std::sort(by_return.begin(), by_return.end(),
            [](const Answer& a, const Answer& b) { return a.returned < b.returned; });
  std::sort(answers.begin(), answers.end(),
            [](const Answer& a, const Answer& b) { return a.invoked < b.invoked; });
  std::int64_t revision = 0;
  std::uint64_t term = 0;
  std::size_t next = 0;
  for (const Answer& answer : answers) {
    for (; next < by_return.size() && by_return[next].returned < answer.invoked; ++next) {
      revision = std::max(revision, by_return[next].header->revision());
      term = std::max(term, by_return[next].header->raft_term());
    }
    const std::string when = " at " + std::to_string(answer.returned) + " ns";
    if (answer.header->revision() < revision)
      verdict.findings.push_back(
          {"KV-9", "member " + std::to_string(answer.header->member_id()) +
                       " answered at revision " + std::to_string(answer.header->revision()) + when +
                       " after it had answered at " + std::to_string(revision)});
    if (answer.header->raft_term() < term)
      verdict.findings.push_back(
          {"KV-9", "member " + std::to_string(answer.header->member_id()) + " answered in term " +
                       std::to_string(answer.header->raft_term()) + when +
                       " after it had answered in term " + std::to_string(term)});
    if (answer.header->member_id() != answers.front().header->member_id())
      verdict.findings.push_back({"KV-9", "one life of a member answered as " +
                                              std::to_string(answer.header->member_id()) +
                                              " and as " +
                                              std::to_string(answers.front().header->member_id())});
    if (verdict.findings.size() >= 100) return;
  }
}

void CheckHeaders(const History& history, KvVerdict& verdict) {
  std::map<std::uint64_t, std::vector<Answer>> lives;
  const ResponseHeader* first = nullptr;
  for (const Operation& operation : history.operations) {
    const ResponseHeader* header = HeaderOf(operation);
    if (operation.outcome != Outcome::kOk || header == nullptr) continue;
    if (first == nullptr) first = header;
    if (header->cluster_id() != first->cluster_id())
      verdict.findings.push_back({"KV-9", "another cluster answered: " + Describe(operation)});
    if (operation.life != 0)
      lives[operation.life].push_back({operation.invoked, operation.returned, header});
  }
  for (auto& [life, answers] : lives) CheckLife(std::move(answers), verdict);
}

// KV-10: below a compaction that had succeeded nothing is read.
void CheckCompactions(const History& history, KvVerdict& verdict) {
  std::map<Instant, std::int64_t> compacted;  // when it was known -> the highest so far
  for (const Operation& operation : history.operations) {
    const auto* request = std::get_if<etcdserverpb::CompactionRequest>(&operation.request);
    if (request == nullptr || operation.outcome != Outcome::kOk) continue;
    auto& highest = compacted[operation.returned];
    highest = std::max(highest, request->revision());
  }
  std::int64_t highest = 0;
  for (auto& [at, revision] : compacted) revision = highest = std::max(highest, revision);
  if (compacted.empty()) return;
  for (const Operation& operation : history.operations) {
    const auto* request = std::get_if<etcdserverpb::RequestOp>(&operation.request);
    if (request == nullptr || operation.outcome != Outcome::kOk || !request->has_request_range() ||
        request->request_range().revision() <= 0 || request->request_range().serializable())
      continue;
    const auto after = compacted.lower_bound(operation.invoked);
    if (after == compacted.begin()) continue;
    const std::int64_t until = std::prev(after)->second;
    if (request->request_range().revision() < until)
      verdict.findings.push_back(
          {"KV-10", std::to_string(until) + " had been compacted: " + Describe(operation)});
  }
}

}  // namespace

Proofs::Proofs(const History& history) {
  for (const Operation& operation : history.operations) {
    const std::int64_t revision = RevisionOf(operation);
    if (operation.outcome == Outcome::kOk && revision > 0)
      seen_.emplace_back(operation.returned, revision);
  }
  for (const Watching& watching : history.watches)
    for (const Arrival& arrival : watching.arrivals)
      if (arrival.response.header().revision() > 0)
        seen_.emplace_back(arrival.at, arrival.response.header().revision());
  std::sort(seen_.begin(), seen_.end());
  std::int64_t highest = 0;
  std::erase_if(seen_, [&](const auto& proof) {
    if (proof.second <= highest) return true;
    highest = proof.second;
    return false;
  });
}

std::int64_t Proofs::SeenBefore(Instant at) const {
  const auto after =
      std::lower_bound(seen_.begin(), seen_.end(), std::make_pair(at, std::int64_t{0}));
  return after == seen_.begin() ? 0 : std::prev(after)->second;
}

Instant Proofs::FirstSeen(std::int64_t revision) const {
  const auto found =
      std::lower_bound(seen_.begin(), seen_.end(), revision,
                       [](const auto& proof, std::int64_t r) { return proof.second < r; });
  return found == seen_.end() ? kNever : found->first;
}

std::int64_t Proofs::last() const {
  return seen_.empty() ? 0 : seen_.back().second;
}

void CheckRealTime(const History& history, const Proofs& proofs, KvVerdict& verdict) {
  CheckOrder(history, proofs, verdict);
  CheckHeaders(history, verdict);
  CheckCompactions(history, verdict);
}

}  // namespace quorate::check
