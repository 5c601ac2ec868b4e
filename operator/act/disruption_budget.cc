#include "act/steps.h"
#include "api/names.h"
#include "kube/resource.h"

namespace quorate::act {

using kube::Json;
namespace resources = kube::resources;

Status Do(const Context& context, const plan::SetDisruptionBudget& step) {
  const std::string name = api::DisruptionBudgetName(context.desired.name());
  const auto present = context.kube.Get(resources::kPodDisruptionBudgets, context.Ref(name));
  if (!present.ok() && !kube::IsNotFound(present.error())) return present.error();
  const bool ours =
      present.ok() && kube::Label(*present, api::kLabelClusterUid) == context.desired.uid();
  if (present.ok() && !ours) {
    return OutOfDate("pod disruption budget " + name + " belongs to somebody else; remove it");
  }
  if (step.min_available == 0) {
    if (!ours) return {};
    return context.DeleteOnce(resources::kPodDisruptionBudgets, name, kube::Uid(*present));
  }
  Json budget = context.MakeOwned(resources::kPodDisruptionBudgets, name);
  budget["spec"] = {{"minAvailable", step.min_available},
                    {"selector",
                     {{"matchLabels",
                       {{std::string(api::kLabelClusterUid), context.desired.uid()},
                        {std::string(api::kLabelComponent), "member"},
                        {std::string(api::kLabelRole), "voter"}}}}}};
  const auto applied = context.kube.Apply(resources::kPodDisruptionBudgets, budget, {});
  if (!applied.ok()) return applied.error();
  return {};
}

}  // namespace quorate::act
