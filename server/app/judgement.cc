#include "app/judgement.h"

#include <cstddef>

namespace quorate::app {

Judgement Judge(const std::map<MemberId, std::uint64_t>& answers,
                const std::set<MemberId>& voters) {
  std::map<std::uint64_t, std::size_t> votes;  // per value; values of learners alone with 0
  for (const auto& [member, value] : answers) votes[value] += voters.contains(member) ? 1U : 0U;
  Judgement judgement;
  if (votes.size() <= 1) return judgement;
  judgement.kind = Judgement::Kind::kUndecided;
  for (const auto& [value, count] : votes) {
    if (2 * count <= voters.size()) continue;
    judgement.kind = Judgement::Kind::kMinority;
    judgement.right = value;
  }
  if (judgement.kind == Judgement::Kind::kUndecided) return judgement;
  for (const auto& [member, value] : answers) {
    if (value != judgement.right) judgement.wrong.push_back(member);
  }
  return judgement;
}

}  // namespace quorate::app
