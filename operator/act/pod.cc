#include "act/member_pod.h"
#include "act/steps.h"
#include "api/json.h"
#include "api/names.h"
#include "kube/resource.h"

namespace quorate::act {
namespace {

using kube::Json;
namespace resources = kube::resources;

// A pod that may form a cluster is made only while nothing records that there is one.
Status MayForm(const Context& context) {
  const api::EtcdCluster cluster = TRY(context.LiveCluster());
  const bool recorded = cluster.meta.annotations.contains(std::string(api::kAnnotationClusterId)) ||
                        !cluster.status.cluster_id.empty();
  return recorded ? Status(OutOfDate("the cluster was formed already")) : Status();
}

}  // namespace

Status Do(const Context& context, const plan::CreatePod& step) {
  const auto slot = TRY(context.LiveSlot(step.slot));
  if (!slot) return OutOfDate("member " + step.slot + " is not to be");
  if (step.start != plan::Start::kExisting) TRY(MayForm(context));
  std::optional<api::EtcdBackupStore> store;
  if (step.start == plan::Start::kRestore) {
    const auto object = TRY(context.kube.Get(resources::kEtcdBackupStores,
                                             context.Ref(context.observed.restore.store_name)));
    store = TRY(api::FromJson<api::EtcdBackupStore>(object));
  }
  return context.CreateOnce(resources::kPods, MakeMemberPod(context, step, store));
}

Status Do(const Context& context, const plan::DeletePod& step) {
  return context.DeleteOnce(resources::kPods, step.pod, step.uid);
}

Status Do(const Context& context, const plan::LabelPod& step) {
  const Status merged = context.Merge(
      resources::kPods, step.pod,
      {{"metadata", {{"uid", step.uid}, {"labels", {{std::string(api::kLabelRole), step.role}}}}}});
  if (!merged.ok() && (kube::IsNotFound(merged.error()) || kube::IsConflict(merged.error()))) {
    return {};
  }
  return merged;
}

}  // namespace quorate::act
