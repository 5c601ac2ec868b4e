#include "controllers/register.h"

#include <algorithm>
#include <string>
#include <vector>

#include "api/names.h"

namespace quorate::controllers {
namespace {

using kube::Json;
using kube::ObjectRef;
using runtime::Controller;
using runtime::Manager;
namespace resources = kube::resources;

std::vector<ObjectRef> Itself(const Json& object) {
  return {kube::RefOf(object)};
}

// The object of the same namespace that a text field names; nothing when it is empty.
Manager::Map Named(const std::string& pointer) {
  return [pointer](const Json& object) {
    const std::string name = kube::Text(object, pointer);
    return name.empty() ? std::vector<ObjectRef>()
                        : std::vector<ObjectRef>{{kube::Namespace(object), name}};
  };
}

Manager::Map Labelled(std::string_view label) {
  return [key = std::string(label)](const Json& object) {
    const std::string name = kube::Label(object, key);
    return name.empty() ? std::vector<ObjectRef>()
                        : std::vector<ObjectRef>{{kube::Namespace(object), name}};
  };
}

// All objects of a kind, in the same namespace, whose field names the changed one.
Manager::Map NamedBy(kube::Reader& reader, const kube::Resource& resource,
                     const std::string& pointer) {
  return [&reader, resource, pointer](const Json& object) {
    std::vector<ObjectRef> refs;
    const auto all = reader.List(resource, kube::Namespace(object), "");
    if (!all.ok()) return refs;
    for (const kube::ObjectPtr& one : *all) {
      if (kube::Text(*one, pointer) == kube::Name(object)) refs.push_back(kube::RefOf(*one));
    }
    return refs;
  };
}

// The clusters that have a pod on the changed node.
Manager::Map ClustersOnNode(kube::Reader& reader) {
  return [&reader](const Json& node) {
    std::vector<ObjectRef> refs;
    const auto pods = reader.List(resources::kPods, "", "");
    if (!pods.ok()) return refs;
    for (const kube::ObjectPtr& pod : *pods) {
      const std::string cluster = kube::Label(*pod, api::kLabelCluster);
      if (cluster.empty() || kube::Text(*pod, "/spec/nodeName") != kube::Name(node)) continue;
      const ObjectRef ref{kube::Namespace(*pod), cluster};
      if (std::ranges::find(refs, ref) == refs.end()) refs.push_back(ref);
    }
    return refs;
  };
}

}  // namespace

std::string OwnSelector() {
  return std::string(api::kLabelManagedBy) + "=" + std::string(api::kManagedBy);
}

void Register(Manager& manager, const Controllers& controllers) {
  kube::Reader& cached = manager.caches();
  Controller& cluster = manager.AddController("cluster", controllers.cluster);
  Controller& backup = manager.AddController("backup", controllers.backup);
  Controller& schedule = manager.AddController("schedule", controllers.schedule);
  Controller& store = manager.AddController("store", controllers.store);

  manager.Watch(resources::kEtcdClusters, "", cluster, Itself);
  manager.Watch(resources::kEtcdMembers, "", cluster, Named("/spec/clusterName"));
  for (const kube::Resource& resource : {resources::kPods, resources::kPersistentVolumeClaims,
                                         resources::kServices, resources::kPodDisruptionBudgets}) {
    manager.Watch(resource, OwnSelector(), cluster, Labelled(api::kLabelCluster));
  }
  manager.Watch(resources::kNodes, "", cluster, ClustersOnNode(cached));

  manager.Watch(resources::kEtcdBackups, "", backup, Itself);
  manager.Watch(resources::kPods, OwnSelector(), backup, Labelled(api::kLabelBackup));
  manager.Watch(resources::kEtcdBackups, "", cluster, Named("/spec/clusterRef/name"));
  manager.Watch(resources::kEtcdBackups, "", store, Named("/spec/storeRef/name"));
  manager.Watch(resources::kEtcdBackups, "", schedule, Labelled(api::kLabelSchedule));
  // What a waiting backup waits for.
  manager.Watch(resources::kEtcdClusters, "", backup,
                NamedBy(cached, resources::kEtcdBackups, "/spec/clusterRef/name"));
  manager.Watch(resources::kEtcdBackupStores, "", backup,
                NamedBy(cached, resources::kEtcdBackups, "/spec/storeRef/name"));

  manager.Watch(resources::kEtcdBackupStores, "", store, Itself);
  manager.Watch(resources::kEtcdBackupSchedules, "", schedule, Itself);
  manager.Watch(resources::kEtcdBackupSchedules, "", cluster, Named("/spec/clusterRef/name"));
}

}  // namespace quorate::controllers
