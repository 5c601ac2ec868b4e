// Resource: which kind of object, and where the API server keeps it.
//
//   resources::kPods.Path("default", "a")        /api/v1/namespaces/default/pods/a
//   resources::kEtcdClusters.Path("")            /apis/quorate.dev/v1alpha1/etcdclusters
//   kEtcdClusters.Path("default", "a", "status") .../namespaces/default/etcdclusters/a/status
//
// Thread: values.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace quorate::kube {

struct Resource {
  std::string_view group;  // empty for the core group
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
  bool namespaced = true;

  // "v1" or "group/version", as objects carry it.
  std::string ApiVersion() const;

  // The path of a collection (no name), an object, or a subresource of it. An empty ns of a
  // namespaced kind means the collection over all namespaces. Segments are percent-encoded.
  std::string Path(std::string_view ns, std::string_view name = {},
                   std::string_view subresource = {}) const;

  auto operator<=>(const Resource&) const = default;
};

// One object's place within its resource. ns is empty for cluster-scoped kinds.
struct ObjectRef {
  std::string ns;
  std::string name;

  auto operator<=>(const ObjectRef&) const = default;
};

// "ns/name", or "name" alone.
std::string ToString(const ObjectRef& ref);

namespace resources {

inline constexpr std::string_view kQuorateGroup = "quorate.dev";
inline constexpr std::string_view kQuorateVersion = "v1alpha1";

inline constexpr Resource kPods{"", "v1", "pods", "Pod"};
inline constexpr Resource kPersistentVolumeClaims{"", "v1", "persistentvolumeclaims",
                                                  "PersistentVolumeClaim"};
inline constexpr Resource kPersistentVolumes{"", "v1", "persistentvolumes", "PersistentVolume",
                                             false};
inline constexpr Resource kServices{"", "v1", "services", "Service"};
inline constexpr Resource kSecrets{"", "v1", "secrets", "Secret"};
inline constexpr Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr Resource kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount"};
inline constexpr Resource kNodes{"", "v1", "nodes", "Node", false};
inline constexpr Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr Resource kCoreEvents{"", "v1", "events", "Event"};
inline constexpr Resource kEvents{"events.k8s.io", "v1", "events", "Event"};
inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr Resource kPodDisruptionBudgets{"policy", "v1", "poddisruptionbudgets",
                                                "PodDisruptionBudget"};
inline constexpr Resource kNetworkPolicies{"networking.k8s.io", "v1", "networkpolicies",
                                           "NetworkPolicy"};
inline constexpr Resource kStorageClasses{"storage.k8s.io", "v1", "storageclasses", "StorageClass",
                                          false};
inline constexpr Resource kCustomResourceDefinitions{
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false};

inline constexpr Resource kEtcdClusters{kQuorateGroup, kQuorateVersion, "etcdclusters",
                                        "EtcdCluster"};
inline constexpr Resource kEtcdMembers{kQuorateGroup, kQuorateVersion, "etcdmembers", "EtcdMember"};
inline constexpr Resource kEtcdBackupStores{kQuorateGroup, kQuorateVersion, "etcdbackupstores",
                                            "EtcdBackupStore"};
inline constexpr Resource kEtcdBackups{kQuorateGroup, kQuorateVersion, "etcdbackups", "EtcdBackup"};
inline constexpr Resource kEtcdBackupSchedules{kQuorateGroup, kQuorateVersion,
                                               "etcdbackupschedules", "EtcdBackupSchedule"};
inline constexpr Resource kEtcdRestores{kQuorateGroup, kQuorateVersion, "etcdrestores",
                                        "EtcdRestore"};
inline constexpr Resource kEtcdTasks{kQuorateGroup, kQuorateVersion, "etcdtasks", "EtcdTask"};
inline constexpr Resource kEtcdUsers{kQuorateGroup, kQuorateVersion, "etcdusers", "EtcdUser"};
inline constexpr Resource kEtcdRoles{kQuorateGroup, kQuorateVersion, "etcdroles", "EtcdRole"};

}  // namespace resources
}  // namespace quorate::kube
