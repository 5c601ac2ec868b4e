#include "act/steps.h"
#include "api/json.h"
#include "api/names.h"
#include "base/bytes.h"
#include "kube/resource.h"

namespace quorate::act {

using kube::Json;
namespace resources = kube::resources;

Status Do(const Context& context, const plan::CreateSlot& step) {
  Json slot = context.MakeOwned(resources::kEtcdMembers, step.slot);
  slot["metadata"]["labels"][std::string(api::kLabelMember)] = step.slot;
  slot["metadata"]["labels"][std::string(api::kLabelComponent)] = "member";
  const api::StorageSpec& storage = context.desired.spec().storage;
  Json& spec = slot["spec"];
  spec = {{"clusterName", context.desired.name()},
          {"clusterUID", context.desired.uid()},
          {"joinMode", std::string(api::Word(step.join_mode))},
          {"reason", std::string(api::Word(step.reason))},
          {"storageSize", storage.size.text}};
  if (!step.replaces.empty()) spec["replaces"] = step.replaces;
  if (!storage.storage_class_name.empty()) spec["storageClassName"] = storage.storage_class_name;
  const bool may_form = step.join_mode != api::JoinMode::kLearner;
  if (may_form) {
    const api::EtcdCluster cluster = TRY(context.LiveCluster());
    if (cluster.meta.annotations.contains(std::string(api::kAnnotationClusterId))) {
      return OutOfDate("the cluster was formed already");
    }
  }
  return context.CreateOnce(resources::kEtcdMembers, slot);
}

Status Do(const Context& context, const plan::MarkLeaving& step) {
  const auto slot = TRY(context.LiveSlot(step.slot));
  if (!slot || slot->spec.leave) return {};
  const auto now = std::chrono::floor<std::chrono::seconds>(context.clock.WallNow());
  Json leave = {{"reason", std::string(api::Word(step.reason))},
                {"message", step.message},
                {"time", api::FormatTime(now)}};
  if (step.id.value != 0) leave["memberID"] = ToHex(step.id.value);
  return context.Merge(resources::kEtcdMembers, step.slot,
                       {{"metadata", {{"resourceVersion", slot->meta.resource_version}}},
                        {"spec", {{"leave", leave}}}});
}

Status Do(const Context& context, const plan::DeleteSlot& step) {
  const auto slot = TRY(context.LiveSlot(step.slot));
  if (!slot) return {};
  if (!slot->spec.leave) {
    const api::EtcdCluster cluster = TRY(context.LiveCluster());
    if (!cluster.meta.deleted) return OutOfDate("member " + step.slot + " is not leaving");
  }
  return context.DeleteOnce(resources::kEtcdMembers, step.slot, slot->meta.uid);
}

}  // namespace quorate::act
