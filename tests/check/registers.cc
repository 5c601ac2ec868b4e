#include "check/registers.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "check/linearizable.h"
#include "check/model.h"

namespace quorate::check {
namespace {

using etcdserverpb::RequestOp;
using etcdserverpb::ResponseOp;

constexpr int kAbsent = 0;
constexpr std::size_t kOpenMax = 60;

// One operation as one key sees it.
struct Step {
  Instant invoked = 0;
  Instant returned = kNever;
  std::optional<int> before;  // the value it saw
  std::optional<int> after;   // the value it wrote
  std::size_t operation = 0;
};

// Takes operations apart into what each key saw of them.
class Gathering {
 public:
  explicit Gathering(const History& history) : history_(history) {
    for (const Operation& operation : history.operations) Prepare(operation);
  }

  std::vector<Step> StepsOf(const std::string& key) {
    std::vector<Step> steps;
    for (std::size_t i = 0; i < history_.operations.size(); ++i) {
      const Operation& operation = history_.operations[i];
      const auto* request = std::get_if<RequestOp>(&operation.request);
      if (request == nullptr || operation.outcome == Outcome::kFailed) continue;
      Step step{operation.invoked, operation.returned, std::nullopt, std::nullopt, i};
      if (operation.outcome == Outcome::kOk) {
        if (!IsSerializable(*request))
          See(*request, std::get<ResponseOp>(operation.response), key, step);
      } else {
        Guess(*request, key, step);
      }
      if (step.before || step.after) steps.push_back(step);
    }
    return steps;
  }

  const std::set<std::string>& keys() const { return keys_; }
  const std::set<std::string>& leased() const { return leased_; }

 private:
  void Prepare(const Operation& operation) {
    if (const auto* request = std::get_if<RequestOp>(&operation.request)) NameKeys(*request);
    const auto* response = std::get_if<ResponseOp>(&operation.response);
    if (operation.outcome == Outcome::kOk && response != nullptr) NoteSeen(*response);
  }
  void NameKeys(const RequestOp& request) {
    if (request.has_request_put()) {
      keys_.insert(request.request_put().key());
      if (request.request_put().lease() != 0) leased_.insert(request.request_put().key());
    }
    for (const auto& inner : request.request_txn().success()) NameKeys(inner);
    for (const auto& inner : request.request_txn().failure()) NameKeys(inner);
  }
  void NoteSeen(const ResponseOp& response) {
    for (const auto& kv : response.response_range().kvs()) seen_.insert(kv.value());
    for (const auto& kv : response.response_delete_range().prev_kvs()) seen_.insert(kv.value());
    seen_.insert(response.response_put().prev_kv().value());
    for (const auto& inner : response.response_txn().responses()) NoteSeen(inner);
  }

  int Number(const std::string& value) {
    return values_.try_emplace(value, static_cast<int>(values_.size()) + 1).first->second;
  }

  template <typename Kvs>
  int ValueIn(const Kvs& kvs, const std::string& key) {
    for (const auto& kv : kvs)
      if (kv.key() == key) return Number(kv.value());
    return kAbsent;
  }

  // What an answer says of the key.
  void See(const RequestOp& request, const ResponseOp& response, const std::string& key,
           Step& step) {
    if (request.has_request_put() && request.request_put().key() == key) {
      const auto& put = request.request_put();
      if (put.prev_kv() && !step.after)
        step.before = response.response_put().has_prev_kv()
                          ? Number(response.response_put().prev_kv().value())
                          : kAbsent;
      if (!put.ignore_value()) step.after = Number(put.value());
    }
    if (request.has_request_delete_range()) {
      const auto& del = request.request_delete_range();
      if (!InRange(key, del.key(), del.range_end())) return;
      if (del.prev_kv() && !step.after)
        step.before = ValueIn(response.response_delete_range().prev_kvs(), key);
      step.after = kAbsent;
    }
    if (request.has_request_range() && !step.after) {
      const auto& range = request.request_range();
      const bool whole = range.limit() == 0 && range.revision() == 0 && !range.keys_only() &&
                         !range.count_only() && range.min_mod_revision() == 0 &&
                         range.max_mod_revision() == 0 && range.min_create_revision() == 0 &&
                         range.max_create_revision() == 0;
      if (whole && InRange(key, range.key(), range.range_end()))
        step.before = ValueIn(response.response_range().kvs(), key);
    }
    if (!request.has_request_txn()) return;
    const auto& txn = request.request_txn();
    const auto& taken = response.response_txn().succeeded() ? txn.success() : txn.failure();
    for (int i = 0; i < taken.size() && i < response.response_txn().responses_size(); ++i)
      See(taken[i], response.response_txn().responses(i), key, step);
  }

  // What an operation without an answer may have written. A value that nobody saw is nothing: an
  // order with it is one without it as well.
  void Guess(const RequestOp& request, const std::string& key, Step& step) {
    step.returned = kNever;
    if (request.has_request_put() && request.request_put().key() == key &&
        seen_.contains(request.request_put().value()))
      step.after = Number(request.request_put().value());
    const auto& del = request.request_delete_range();
    if (request.has_request_delete_range() && InRange(key, del.key(), del.range_end()))
      step.after = kAbsent;
    for (const auto& inner : request.request_txn().success()) Guess(inner, key, step);
    for (const auto& inner : request.request_txn().failure()) Guess(inner, key, step);
  }

  const History& history_;
  std::set<std::string> keys_, leased_;
  std::set<std::string> seen_;
  std::unordered_map<std::string, int> values_;
};

struct State {
  int value = kAbsent;
  std::uint64_t happened = 0;  // of the open operations
  auto operator<=>(const State&) const = default;
};

// Carries the possible states of one key along its answers.
class Search {
 public:
  Search(std::vector<Step> steps, std::size_t states_max)
      : steps_(std::move(steps)), states_max_(states_max) {}

  enum class End { kFound, kNone, kTooMuch };
  // kNone: failed_at() is the answer that no order explains.
  End Run() {
    std::sort(steps_.begin(), steps_.end(),
              [](const Step& a, const Step& b) { return a.invoked < b.invoked; });
    std::vector<std::size_t> by_return;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (steps_[i].returned != kNever) by_return.push_back(i);
    std::sort(by_return.begin(), by_return.end(), [&](std::size_t a, std::size_t b) {
      return steps_[a].returned < steps_[b].returned;
    });
    slot_of_.assign(steps_.size(), 0);
    std::size_t next = 0;
    for (const std::size_t i : by_return) {
      for (; next < steps_.size() && steps_[next].invoked <= steps_[i].returned; ++next)
        if (!Open(next)) return End::kTooMuch;
      if (!Return(i)) return End::kTooMuch;
      if (!states_.empty()) continue;
      failed_at_ = steps_[i].operation;
      return End::kNone;
    }
    return End::kFound;
  }
  std::size_t failed_at() const { return failed_at_; }

 private:
  bool Open(std::size_t i) {
    for (std::size_t slot = 0; slot < kOpenMax; ++slot) {
      if (open_[slot]) continue;
      open_[slot] = i;
      slot_of_[i] = slot;
      return true;
    }
    return false;
  }

  // Keeps the states in which the operation has happened, making it and others happen first.
  bool Return(std::size_t i) {
    const std::uint64_t bit = std::uint64_t{1} << slot_of_[i];
    std::set<State> kept, looked_at;
    std::vector<State> todo(states_.begin(), states_.end());
    while (!todo.empty()) {
      const State state = todo.back();
      todo.pop_back();
      if ((state.happened & bit) != 0) {
        kept.insert({state.value, state.happened & ~bit});
        continue;
      }
      if (!looked_at.insert(state).second) continue;
      if (looked_at.size() > states_max_) return false;
      for (std::size_t slot = 0; slot < kOpenMax; ++slot) {
        const std::uint64_t other = std::uint64_t{1} << slot;
        if (!open_[slot] || (state.happened & other) != 0) continue;
        const Step& step = steps_[*open_[slot]];
        if (step.before && *step.before != state.value) continue;
        todo.push_back({step.after.value_or(state.value), state.happened | other});
      }
    }
    open_[slot_of_[i]].reset();
    states_ = std::move(kept);
    return true;
  }

  std::vector<Step> steps_;
  const std::size_t states_max_;
  std::vector<std::size_t> slot_of_;
  std::optional<std::size_t> open_[kOpenMax];
  std::set<State> states_ = {State{}};
  std::size_t failed_at_ = 0;
};

}  // namespace

RegisterVerdict CheckRegisters(const History& history, std::size_t states_max) {
  RegisterVerdict verdict;
  Gathering gathering(history);
  for (const std::string& key : gathering.keys()) {
    if (gathering.leased().contains(key)) continue;
    auto steps = gathering.StepsOf(key);
    ++verdict.keys;
    verdict.steps += steps.size();
    Search search(std::move(steps), states_max);
    const auto end = search.Run();
    if (end == Search::End::kTooMuch) ++verdict.left_out;
    if (end == Search::End::kNone)
      verdict.findings.push_back({"KV-L", "no order of the operations on " + key + " explains: " +
                                              Describe(history.operations[search.failed_at()])});
  }
  return verdict;
}

}  // namespace quorate::check
