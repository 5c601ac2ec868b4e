#include "act/steps.h"
#include "api/names.h"
#include "base/bytes.h"
#include "kube/resource.h"

namespace quorate::act {

Status Do(const Context& context, const plan::LatchClusterId& step) {
  const api::EtcdCluster cluster = TRY(context.LiveCluster());
  const std::string id = ToHex(step.cluster_id.value);
  const std::string key(api::kAnnotationClusterId);
  const auto present = cluster.meta.annotations.find(key);
  if (present != cluster.meta.annotations.end()) {
    if (present->second == id) return {};
    return OutOfDate("the cluster is on record as " + present->second + ", not " + id);
  }
  return context.Merge(
      kube::resources::kEtcdClusters, cluster.meta.name,
      {{"metadata",
        {{"annotations", {{key, id}}}, {"resourceVersion", cluster.meta.resource_version}}}});
}

}  // namespace quorate::act
