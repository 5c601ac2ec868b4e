// Rule 19: everything is as it should be, or what is not is nobody's fault that a step would cure.
#include "plan/rules/verdicts.h"

namespace quorate::plan {

Verdict Nothing(const View& view) {
  constexpr Speaker kSpeaker{"19 nothing to do", api::Operation::kNone};
  for (const MemberView& member : view.members()) {
    if (member.slot == nullptr) {
      return kSpeaker.Wait(member.name,
                           "the member list has " + member.name +
                               ", which nobody recorded; it is "
                               "left alone and counts as a member",
                           "");
    }
  }
  Plan plan = kSpeaker.Wait("", "", "");
  for (const MemberView& member : view.members()) {
    const std::string symptom = member.healthy || member.leaving ? "" : view.Symptom(member);
    if (!symptom.empty()) plan = kSpeaker.Wait(member.name, member.name + ": " + symptom, "");
  }
  return plan;
}

}  // namespace quorate::plan
