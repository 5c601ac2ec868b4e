#include "raft/config.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace quorate::raft {
namespace {

bool Has(const std::vector<MemberId>& sorted, MemberId id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

void Insert(std::vector<MemberId>& sorted, MemberId id) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), id);
  if (place == sorted.end() || *place != id) sorted.insert(place, id);
}

void Erase(std::vector<MemberId>& sorted, MemberId id) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), id);
  if (place != sorted.end() && *place == id) sorted.erase(place);
}

bool StrictlySorted(const std::vector<MemberId>& ids) {
  return std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end() &&
         (ids.empty() || ids.front().value != 0);
}

}  // namespace

Result<Config> Config::From(const ConfState& state) {
  if (!state.voters_outgoing.empty() || !state.learners_next.empty() || state.auto_leave) {
    return Error{Code::kInvalidArgument, "configuration is joint, which is not supported"};
  }
  Config config;
  config.voters_ = state.voters;
  config.learners_ = state.learners;
  std::sort(config.voters_.begin(), config.voters_.end());
  std::sort(config.learners_.begin(), config.learners_.end());
  if (!StrictlySorted(config.voters_) || !StrictlySorted(config.learners_)) {
    return Error{Code::kInvalidArgument, "configuration names a member twice, or the id 0"};
  }
  for (MemberId learner : config.learners_) {
    if (Has(config.voters_, learner)) {
      return Error{Code::kInvalidArgument, "configuration has a voter that is a learner"};
    }
  }
  return config;
}

ConfState Config::ToConfState() const {
  ConfState state;
  state.voters = voters_;
  state.learners = learners_;
  return state;
}

Result<Config> Config::After(const ConfChange& change) const {
  Config after = *this;
  if (change.member.value == 0) return after;
  switch (change.type) {
    case ConfChangeType::kAddNode:
      Erase(after.learners_, change.member);
      Insert(after.voters_, change.member);
      return after;
    case ConfChangeType::kAddLearnerNode:
      Erase(after.voters_, change.member);
      Insert(after.learners_, change.member);
      break;
    case ConfChangeType::kRemoveNode:
      Erase(after.voters_, change.member);
      Erase(after.learners_, change.member);
      break;
    case ConfChangeType::kUpdateNode:
      return after;
  }
  if (after.voters_.empty()) {
    return Error{Code::kInvalidArgument, "change would leave no voter"};
  }
  return after;
}

bool Config::IsVoter(MemberId id) const {
  return Has(voters_, id);
}
bool Config::IsLearner(MemberId id) const {
  return Has(learners_, id);
}

}  // namespace quorate::raft
