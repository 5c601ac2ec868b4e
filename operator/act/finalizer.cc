#include <algorithm>

#include "act/steps.h"
#include "api/names.h"
#include "kube/resource.h"

namespace quorate::act {
namespace {

// Writes the list of finalizers back, on the very version it was read from.
Status WriteFinalizers(const Context& context, const api::EtcdCluster& cluster,
                       const std::vector<std::string>& finalizers) {
  return context.Merge(
      kube::resources::kEtcdClusters, cluster.meta.name,
      {{"metadata",
        {{"finalizers", finalizers}, {"resourceVersion", cluster.meta.resource_version}}}});
}

}  // namespace

Status Do(const Context& context, const plan::AddFinalizer&) {
  const api::EtcdCluster cluster = TRY(context.LiveCluster());
  std::vector<std::string> finalizers = cluster.meta.finalizers;
  if (std::find(finalizers.begin(), finalizers.end(), api::kFinalizer) != finalizers.end()) {
    return {};
  }
  if (cluster.meta.deleted) return OutOfDate("the cluster is being deleted");
  finalizers.emplace_back(api::kFinalizer);
  return WriteFinalizers(context, cluster, finalizers);
}

Status Do(const Context& context, const plan::RemoveFinalizer&) {
  const auto cluster = context.LiveCluster();
  if (!cluster.ok() && kube::IsNotFound(cluster.error())) return {};
  if (!cluster.ok()) return cluster.error();
  if (!cluster->meta.deleted) return OutOfDate("the cluster is not being deleted");
  std::vector<std::string> finalizers = cluster->meta.finalizers;
  std::erase(finalizers, api::kFinalizer);
  return WriteFinalizers(context, *cluster, finalizers);
}

}  // namespace quorate::act
