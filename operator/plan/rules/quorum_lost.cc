// Rule 11: too few members answer. Nothing is removed and nothing wiped: pods keep coming back on
// their own volumes (rule 7), and the rest is waiting. Recovery from a survivor or a backup needs a
// person's word and is not done here.
#include "plan/rules/verdicts.h"

namespace quorate::plan {

Verdict QuorumLost(const View& view) {
  if (!view.formed() || view.HasQuorum() || view.voters() == 0) return std::nullopt;
  if (view.Sealing()) return std::nullopt;  // rule 6 stopped it, and brings it back
  constexpr Speaker kSpeaker{"11 quorum lost", api::Operation::kBlocked};
  int answering = 0;
  std::string missing;
  std::string failed;
  for (const MemberView& member : view.members()) {
    const bool counts = view.list_known() ? member.voter() : member.joined;
    if (!counts) continue;
    if (member.server()) {
      ++answering;
      continue;
    }
    const std::string symptom = view.Symptom(member);
    missing += (missing.empty() ? "" : "; ") + member.name + ": " +
               (symptom.empty() ? "it does not answer" : symptom);
    if (!view.FailureEvidence(member).empty()) failed += (failed.empty() ? "" : ", ") + member.name;
  }
  const int needed = View::Quorum(view.voters());
  std::string reason = std::to_string(answering) + " of " + Count(view.voters(), "voter") +
                       " run, " + std::to_string(needed) + " are needed; nothing is removed";
  if (!missing.empty()) reason += " (" + missing + ")";
  std::string waiting = "members to come back on their volumes";
  if (!failed.empty()) {
    waiting += "; " + failed +
               " cannot, so restore a backup into a new cluster (bootstrap.restore) "
               "unless you can bring that data back";
  }
  return kSpeaker.Wait("", reason, waiting);
}

}  // namespace quorate::plan
