#include "check/linearizable.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "check/real_time.h"

namespace quorate::check {
namespace {

using etcdserverpb::RequestOp;
using etcdserverpb::ResponseOp;

void ClearHeaders(ResponseOp& response) {
  if (response.has_response_range()) response.mutable_response_range()->clear_header();
  if (response.has_response_put()) response.mutable_response_put()->clear_header();
  if (response.has_response_delete_range())
    response.mutable_response_delete_range()->clear_header();
  if (!response.has_response_txn()) return;
  response.mutable_response_txn()->clear_header();
  for (auto& inner : *response.mutable_response_txn()->mutable_responses()) ClearHeaders(inner);
}

bool SameAnswer(const ResponseOp& expected, ResponseOp actual) {
  ClearHeaders(actual);
  return expected.SerializeAsString() == actual.SerializeAsString();
}

bool CanWrite(const RequestOp& request) {
  if (!request.has_request_txn()) return !request.has_request_range();
  const auto& txn = request.request_txn();
  return std::any_of(txn.success().begin(), txn.success().end(), CanWrite) ||
         std::any_of(txn.failure().begin(), txn.failure().end(), CanWrite);
}

void EachPut(const RequestOp& request,
             const std::function<void(const etcdserverpb::PutRequest&)>& f) {
  if (request.has_request_put()) f(request.request_put());
  if (!request.has_request_txn()) return;
  for (const auto& inner : request.request_txn().success()) EachPut(inner, f);
  for (const auto& inner : request.request_txn().failure()) EachPut(inner, f);
}

void EachSeen(const ResponseOp& response, const std::function<void(const mvccpb::KeyValue&)>& f) {
  if (response.has_response_put() && response.response_put().has_prev_kv())
    f(response.response_put().prev_kv());
  for (const auto& kv : response.response_range().kvs()) f(kv);
  for (const auto& kv : response.response_delete_range().prev_kvs()) f(kv);
  for (const auto& inner : response.response_txn().responses()) EachSeen(inner, f);
}

// Key and value in one; a key never holds the byte that parts them in our histories.
std::string Named(const std::string& key, const std::string& value) {
  return key + '\n' + value;
}

class Replay {
 public:
  Replay(const History& history, const KvOptions& options)
      : operations_(history.operations),
        options_(options),
        proofs_(history),
        last_(static_cast<std::size_t>(std::max<std::int64_t>(proofs_.last(), 1))) {
    verdict_.revision_of.resize(operations_.size());
    verdict_.writer_of.resize(last_ + 1, -1);
    readers_.resize(last_ + 1);
    SortOperations();
    GatherEvidence(history);
  }

  KvVerdict Run(const History& history) {
    Walk();
    for (const std::size_t i : open_)
      ++(verdict_.revision_of[i] != 0 ? verdict_.unknown_happened : verdict_.unknown_absent);
    CheckRealTime(history, proofs_, verdict_);
    if (verdict_.findings.size() > options_.findings_max)
      verdict_.findings.resize(options_.findings_max);
    return std::move(verdict_);
  }

 private:
  // What may have made a revision that nobody claims: an operation without an answer, or a lease.
  struct Candidate {
    std::optional<std::size_t> operation;
    std::int64_t lease = 0;
  };
  struct Choice {
    std::int64_t revision;
    std::vector<Candidate> untried;  // the best last
  };
  struct Evidence {
    std::map<std::string, std::optional<std::string>> keys;  // value; none: deleted
    bool has_put = false;
  };

  const RequestOp& RequestAt(std::size_t i) const {
    return std::get<RequestOp>(operations_[i].request);
  }

  // Every answered operation to its revision; the others to where they can be found.
  void SortOperations() {
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const Operation& operation = operations_[i];
      const auto* request = std::get_if<RequestOp>(&operation.request);
      if (operation.outcome == Outcome::kOk) {
        const auto revision =
            static_cast<std::size_t>(std::max<std::int64_t>(RevisionOf(operation), 1));
        if (request != nullptr) PlaceAnswered(i, *request, revision);
        if (std::holds_alternative<etcdserverpb::LeaseRevokeRequest>(operation.request))
          readers_[revision].push_back(i);
        continue;
      }
      if (request == nullptr) continue;
      EachPut(*request,
              [&](const auto& put) { by_value_[Named(put.key(), put.value())].push_back(i); });
      if (operation.outcome == Outcome::kFailed) ++verdict_.refused;
      if (operation.outcome == Outcome::kUnknown && CanWrite(*request)) open_.push_back(i);
    }
    std::sort(open_.begin(), open_.end(), [&](std::size_t a, std::size_t b) {
      return operations_[a].invoked < operations_[b].invoked;
    });
  }

  void PlaceAnswered(std::size_t i, const RequestOp& request, std::size_t revision) {
    const auto* response = std::get_if<ResponseOp>(&operations_[i].response);
    if (response == nullptr || RevisionOf(operations_[i]) <= 0)
      return Complain("KV-9", "an answer without a revision: " + Describe(operations_[i]));
    verdict_.revision_of[i] = static_cast<std::int64_t>(revision);
    if (!Mutated(*response)) {
      ++(IsSerializable(request) ? verdict_.serializable_reads : verdict_.reads);
      readers_[revision].push_back(i);
      return;
    }
    ++verdict_.writes;
    auto& writer = verdict_.writer_of[revision];
    if (writer >= 0)
      return Complain("KV-1", "two requests made revision " + std::to_string(revision) + ": " +
                                  Describe(operations_[static_cast<std::size_t>(writer)]) +
                                  " and " + Describe(operations_[i]));
    writer = static_cast<std::ptrdiff_t>(i);
  }

  // What was seen of the revisions that nobody claims.
  void GatherEvidence(const History& history) {
    const auto unclaimed = [&](std::int64_t revision) {
      return revision > 1 && static_cast<std::size_t>(revision) <= last_ &&
             verdict_.writer_of[static_cast<std::size_t>(revision)] < 0;
    };
    const auto see = [&](const mvccpb::KeyValue& kv) {
      if (!unclaimed(kv.mod_revision()) || kv.version() == 0) return;
      evidence_[kv.mod_revision()].keys[kv.key()] = kv.value();
      evidence_[kv.mod_revision()].has_put = true;
    };
    for (const Operation& operation : operations_) {
      const auto* request = std::get_if<RequestOp>(&operation.request);
      const auto* response = std::get_if<ResponseOp>(&operation.response);
      if (operation.outcome != Outcome::kOk || request == nullptr || response == nullptr) continue;
      if (!request->request_range().keys_only() && !request->has_request_txn())
        EachSeen(*response, see);
    }
    for (const Watching& watching : history.watches)
      for (const Arrival& arrival : watching.arrivals)
        for (const auto& event : arrival.response.events()) {
          if (event.type() == mvccpb::Event::PUT) see(event.kv());
          if (event.type() == mvccpb::Event::DELETE && unclaimed(event.kv().mod_revision()))
            evidence_[event.kv().mod_revision()].keys[event.kv().key()] = std::nullopt;
          if (event.has_prev_kv()) see(event.prev_kv());
        }
  }

  void Walk() {
    bool placed = true;  // revision 1 has no writer
    for (std::int64_t revision = 1; revision <= static_cast<std::int64_t>(last_);) {
      std::vector<Finding> wrong;
      if (!placed) wrong = Place(revision);
      placed = false;
      if (wrong.empty()) wrong = CheckReaders(revision);
      if (!wrong.empty() && !choices_.empty()) {
        if (revision >= deepest_) deepest_findings_ = std::move(wrong);
        deepest_ = std::max(deepest_, revision);
        const std::int64_t again = GuessAgain();
        if (again == 0) break;
        revision = again;
        placed = true;
        continue;
      }
      for (Finding& finding : wrong) verdict_.findings.push_back(std::move(finding));
      if (verdict_.findings.size() >= options_.findings_max) break;
      ++revision;
    }
    if (!gave_up_) return;
    for (Finding& finding : deepest_findings_) {
      finding.text += " (after " + std::to_string(verdict_.guesses) +
                      " guesses about operations without an answer)";
      verdict_.findings.push_back(std::move(finding));
    }
  }

  // Makes `revision` in the model.
  std::vector<Finding> Place(std::int64_t revision) {
    const std::ptrdiff_t writer = verdict_.writer_of[static_cast<std::size_t>(revision)];
    if (writer >= 0 && operations_[static_cast<std::size_t>(writer)].outcome == Outcome::kOk)
      return Execute(static_cast<std::size_t>(writer), revision);
    Choice choice{revision, FindCandidates(revision)};
    if (TryNext(choice)) {
      if (!choice.untried.empty()) choices_.push_back(std::move(choice));
      return {};
    }
    model().SkipRevision();
    return {NoWriter(revision)};
  }

  std::vector<Finding> Execute(std::size_t i, std::int64_t revision) {
    const auto& answer = std::get<ResponseOp>(operations_[i].response);
    const ResponseOp expected = model().Apply(RequestAt(i));
    const bool wrote = model().revision() == revision;
    if (!wrote) model().SkipRevision();
    if (wrote && SameAnswer(expected, answer)) return {};
    return {{"KV-3", Describe(operations_[i]) + "; right is: " + Describe(expected)}};
  }

  std::vector<Finding> CheckReaders(std::int64_t revision) {
    std::vector<Finding> wrong;
    for (const std::size_t i : readers_[static_cast<std::size_t>(revision)]) {
      const Operation& operation = operations_[i];
      if (const auto* revoke = std::get_if<etcdserverpb::LeaseRevokeRequest>(&operation.request)) {
        if (model().attached().contains(revoke->id()))
          wrong.push_back({"L-4", "keys are still attached: " + Describe(operation)});
        continue;
      }
      const ResponseOp expected = model().Apply(RequestAt(i));
      const bool wrote = model().revision() != revision;
      if (wrote) model().RollBackTo(revision);
      if (!wrote && SameAnswer(expected, std::get<ResponseOp>(operation.response))) continue;
      wrong.push_back({IsSerializable(RequestAt(i)) ? "KV-8" : "KV-3",
                       Describe(operation) + "; right is: " + Describe(expected)});
    }
    return wrong;
  }

  std::vector<Candidate> FindCandidates(std::int64_t revision) {
    std::vector<Candidate> candidates;
    const Instant first_seen = proofs_.FirstSeen(revision);
    const auto fits = [&](std::size_t i) {
      return operations_[i].outcome == Outcome::kUnknown && verdict_.revision_of[i] == 0 &&
             operations_[i].invoked < first_seen &&
             proofs_.SeenBefore(operations_[i].invoked) < revision;
    };
    const auto evidence = evidence_.find(revision);
    const bool has_put = evidence != evidence_.end() && evidence->second.has_put;
    if (has_put) {
      for (const auto& [key, value] : evidence->second.keys) {
        const auto found = by_value_.find(Named(key, value.value_or("")));
        if (!value || found == by_value_.end()) continue;
        for (const std::size_t i : found->second)
          if (fits(i)) candidates.push_back({i, 0});
        if (!candidates.empty()) return candidates;
      }
    }
    if (!has_put)
      for (const auto& [lease, keys] : model().attached()) candidates.push_back({{}, lease});
    for (auto i = open_.rbegin(); i != open_.rend(); ++i)
      if (fits(*i)) candidates.push_back({*i, 0});
    return candidates;
  }

  // Makes the revision by the next candidate that can have made it.
  bool TryNext(Choice& choice) {
    while (!choice.untried.empty()) {
      const Candidate candidate = choice.untried.back();
      choice.untried.pop_back();
      if (candidate.operation) {
        model().Apply(RequestAt(*candidate.operation));
      } else {
        model().EndLease(candidate.lease);
      }
      if (model().revision() == choice.revision && FitsEvidence(choice.revision)) {
        if (candidate.operation) Assign(*candidate.operation, choice.revision);
        if (!candidate.operation) ++verdict_.lease_ends;
        return true;
      }
      model().RollBackTo(choice.revision - 1);
    }
    return false;
  }

  bool FitsEvidence(std::int64_t revision) const {
    const auto evidence = evidence_.find(revision);
    if (evidence == evidence_.end()) return true;
    std::size_t fitting = 0;
    for (const auto& event : verdict_.model.EventsAt(revision)) {
      const auto seen = evidence->second.keys.find(event.kv().key());
      if (seen == evidence->second.keys.end()) continue;
      const bool put = event.type() == mvccpb::Event::PUT;
      if (put != seen->second.has_value() || (put && *seen->second != event.kv().value()))
        return false;
      ++fitting;
    }
    return fitting == evidence->second.keys.size();
  }

  void Assign(std::size_t i, std::int64_t revision) {
    verdict_.revision_of[i] = revision;
    verdict_.writer_of[static_cast<std::size_t>(revision)] = static_cast<std::ptrdiff_t>(i);
    assigned_.push_back(i);
  }

  // Back to the last revision at which something else could be; 0: there is none.
  std::int64_t GuessAgain() {
    while (!choices_.empty() && verdict_.guesses < options_.guesses_max) {
      Choice choice = std::move(choices_.back());
      choices_.pop_back();
      ++verdict_.guesses;
      model().RollBackTo(choice.revision - 1);
      while (!assigned_.empty() && verdict_.revision_of[assigned_.back()] >= choice.revision) {
        auto& revision = verdict_.revision_of[assigned_.back()];
        verdict_.writer_of[static_cast<std::size_t>(revision)] = -1;
        revision = 0;
        assigned_.pop_back();
      }
      if (!TryNext(choice)) continue;
      const std::int64_t revision = choice.revision;
      if (!choice.untried.empty()) choices_.push_back(std::move(choice));
      return revision;
    }
    verdict_.undecided = verdict_.guesses >= options_.guesses_max;
    gave_up_ = true;
    return 0;
  }

  Finding NoWriter(std::int64_t revision) const {
    const auto evidence = evidence_.find(revision);
    std::string text = "nothing can have made revision " + std::to_string(revision);
    if (evidence == evidence_.end()) return {"KV-1", text};
    for (const auto& [key, value] : evidence->second.keys) {
      text += "; seen of it: " + key + (value ? " = " + *value : " deleted");
      const auto found = value ? by_value_.find(Named(key, *value)) : by_value_.end();
      if (found == by_value_.end()) continue;
      for (const std::size_t i : found->second) {
        text += ", by " + Describe(operations_[i]);
        if (operations_[i].outcome == Outcome::kFailed) return {"KV-5", text};
      }
    }
    return {"KV-1", text};
  }

  void Complain(std::string rule, std::string text) {
    verdict_.findings.push_back({std::move(rule), std::move(text)});
  }

  Model& model() { return verdict_.model; }

  const std::vector<Operation>& operations_;
  const KvOptions options_;
  const Proofs proofs_;
  const std::size_t last_;
  KvVerdict verdict_;
  std::vector<std::vector<std::size_t>> readers_;  // by revision
  std::vector<std::size_t> open_;                  // without an answer, by time
  std::unordered_map<std::string, std::vector<std::size_t>> by_value_;  // not answered
  std::unordered_map<std::int64_t, Evidence> evidence_;
  std::vector<Choice> choices_;
  std::vector<std::size_t> assigned_;  // by revision
  std::int64_t deepest_ = 0;
  std::vector<Finding> deepest_findings_;
  bool gave_up_ = false;
};

}  // namespace

bool IsSerializable(const RequestOp& request) {
  if (!request.has_request_txn()) return request.request_range().serializable();
  const auto reads_stale = [](const RequestOp& inner) {
    return inner.has_request_range() && inner.request_range().serializable();
  };
  const auto& txn = request.request_txn();
  return std::all_of(txn.success().begin(), txn.success().end(), reads_stale) &&
         std::all_of(txn.failure().begin(), txn.failure().end(), reads_stale) &&
         txn.success_size() + txn.failure_size() > 0;
}

bool Mutated(const ResponseOp& response) {
  if (response.has_response_put()) return true;
  if (response.has_response_delete_range()) return response.response_delete_range().deleted() > 0;
  const auto& inner = response.response_txn().responses();
  return std::any_of(inner.begin(), inner.end(), Mutated);
}

KvVerdict CheckLinearizable(const History& history, const KvOptions& options) {
  return Replay(history, options).Run(history);
}

}  // namespace quorate::check
