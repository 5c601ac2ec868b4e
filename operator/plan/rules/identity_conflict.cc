// Rule 3: the records of who is who contradict each other. Every further step could start a member
// on another one's data or split the cluster in two, so nothing is done until a person has looked.
#include "plan/rules/verdicts.h"

namespace quorate::plan {

Verdict IdentityConflict(const View& view) {
  if (view.conflict().empty()) return std::nullopt;
  constexpr Speaker kSpeaker{"3 identity conflict", api::Operation::kBlocked};
  return kSpeaker.Stop("identities contradict each other: " + view.conflict(),
                       "a person to restore or remove the volume or member that does not belong "
                       "here; nothing is touched until then");
}

}  // namespace quorate::plan
