// Config: who votes and who learns, and the single-step changes of it.
//
// A change adds or removes one voter at most, so that the majorities before and after overlap and
// no joint configuration is needed. Whether a change is wise (quorum kept, learner caught up) is
// decided above; here only its arithmetic.
//
// Invariants: voters and learners are sorted and disjoint; no id is 0.
// Errors: kInvalidArgument for a state or change that this scheme cannot express.
// Source: Raft thesis, section 4.1.
#pragma once

#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "raft/types.h"

namespace quorate::raft {

class Config {
 public:
  Config() = default;
  // Refuses joint states, duplicate ids and the id 0.
  static Result<Config> From(const ConfState& state);
  ConfState ToConfState() const;

  // The configuration after `change`. Adding a voter that is one, removing a stranger, updates, and
  // member 0 change nothing; adding a learner that is a voter demotes it, adding a voter that
  // learns promotes it. Refused: removing or demoting the last voter.
  Result<Config> After(const ConfChange& change) const;

  const std::vector<MemberId>& voters() const { return voters_; }
  const std::vector<MemberId>& learners() const { return learners_; }
  bool IsVoter(MemberId id) const;
  bool IsLearner(MemberId id) const;
  bool Contains(MemberId id) const { return IsVoter(id) || IsLearner(id); }
  bool operator==(const Config&) const = default;

 private:
  std::vector<MemberId> voters_;
  std::vector<MemberId> learners_;
};

}  // namespace quorate::raft
