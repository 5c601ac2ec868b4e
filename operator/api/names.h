// Names: how what belongs to a cluster is called, labelled and annotated.
//
// One place, because a name is how the operator finds its things again after a crash.
#pragma once

#include <string>
#include <string_view>

#include "api/etcd_cluster.h"
#include "api/etcd_member.h"

namespace quorate::api {

// Labels on pods, volumes, services and member slots.
inline constexpr std::string_view kLabelCluster = "quorate.dev/cluster";  // cluster name
inline constexpr std::string_view kLabelClusterUid =
    "quorate.dev/cluster-uid";  // its UID: names come back, UIDs do not
inline constexpr std::string_view kLabelMember = "quorate.dev/member";  // slot name
inline constexpr std::string_view kLabelRole = "quorate.dev/role";      // voter, learner: of pods
inline constexpr std::string_view kLabelBackup =
    "quorate.dev/backup";  // EtcdBackup name: of backup pods
inline constexpr std::string_view kLabelSchedule = "quorate.dev/schedule";  // of EtcdBackup objects
inline constexpr std::string_view kLabelComponent = "app.kubernetes.io/component";
inline constexpr std::string_view kLabelManagedBy = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kLabelName = "app.kubernetes.io/name";
inline constexpr std::string_view kLabelInstance = "app.kubernetes.io/instance";
inline constexpr std::string_view kManagedBy = "quorate-operator";

// On the EtcdCluster and on every volume: which etcd cluster this is, once it was formed.
inline constexpr std::string_view kAnnotationClusterId = "quorate.dev/cluster-id";
// On a volume: the member whose data it holds (hex). Bound for ever.
inline constexpr std::string_view kAnnotationMemberId = "quorate.dev/member-id";
// On a volume that outlives its slot: why it was kept.
inline constexpr std::string_view kAnnotationRetained = "quorate.dev/retained";
// On a pod: what it was made from (see plan::Revision) and how it starts: new, existing.
inline constexpr std::string_view kAnnotationRevision = "quorate.dev/revision";
inline constexpr std::string_view kAnnotationStart = "quorate.dev/start";
inline constexpr std::string_view kAnnotationInitialCluster = "quorate.dev/initial-cluster";

inline constexpr std::string_view kFinalizer = "quorate.dev/cluster";
inline constexpr std::string_view kBackupFinalizer = "quorate.dev/stored-object";

inline constexpr int kClientPort = 2379;
inline constexpr int kPeerPort = 2380;
inline constexpr int kMetricsPort = 2381;

std::string PeerServiceName(std::string_view cluster);    // "<cluster>-peer", headless
std::string ClientServiceName(std::string_view cluster);  // "<cluster>-client"
std::string DisruptionBudgetName(std::string_view cluster);
// A slot's pod and volume are named after the slot: "<cluster>-<five letters and digits>".
std::string VolumeName(std::string_view member);

// "<member>.<cluster>-peer.<namespace>.svc"
std::string MemberHost(std::string_view member, std::string_view cluster, std::string_view ns);
std::string PeerUrl(std::string_view member, std::string_view cluster, std::string_view ns);
std::string ClientUrl(std::string_view member, std::string_view cluster, std::string_view ns);
// Where the member's own listener for probes and /quorate/status answers.
std::string MetricsUrl(std::string_view member, std::string_view cluster, std::string_view ns);
// URL of the client Service.
std::string ServiceUrl(std::string_view cluster, std::string_view ns);

// Every label a pod, volume or slot of this cluster carries at least.
Labels ClusterLabels(std::string_view cluster, std::string_view cluster_uid);
// What finds the member pods: "quorate.dev/cluster-uid=...,app.kubernetes.io/component=member".
std::string MemberSelector(std::string_view cluster_uid);

}  // namespace quorate::api
