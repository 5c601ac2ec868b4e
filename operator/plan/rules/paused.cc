// Rule 2: spec.paused stops everything, repairs included. Deletion is stronger (rule 1).
#include "plan/rules/verdicts.h"

namespace quorate::plan {

Verdict Paused(const View& view) {
  if (!view.spec().paused) return std::nullopt;
  constexpr Speaker kSpeaker{"2 paused", api::Operation::kBlocked};
  return kSpeaker.Stop("spec.paused is true: nothing is changed or repaired",
                       "spec.paused to become false");
}

}  // namespace quorate::plan
