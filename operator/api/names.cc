#include "api/names.h"

namespace quorate::api {
namespace {

std::string Join(std::string_view a, std::string_view b) {
  std::string text(a);
  text += b;
  return text;
}

std::string Url(std::string_view host, int port) {
  return "http://" + std::string(host) + ":" + std::to_string(port);
}

}  // namespace

std::string PeerServiceName(std::string_view cluster) {
  return Join(cluster, "-peer");
}
std::string ClientServiceName(std::string_view cluster) {
  return Join(cluster, "-client");
}
std::string DisruptionBudgetName(std::string_view cluster) {
  return std::string(cluster);
}
std::string VolumeName(std::string_view member) {
  return Join(member, "-data");
}

std::string MemberHost(std::string_view member, std::string_view cluster, std::string_view ns) {
  return std::string(member) + "." + PeerServiceName(cluster) + "." + std::string(ns) + ".svc";
}

std::string PeerUrl(std::string_view member, std::string_view cluster, std::string_view ns) {
  return Url(MemberHost(member, cluster, ns), kPeerPort);
}

std::string ClientUrl(std::string_view member, std::string_view cluster, std::string_view ns) {
  return Url(MemberHost(member, cluster, ns), kClientPort);
}

std::string MetricsUrl(std::string_view member, std::string_view cluster, std::string_view ns) {
  return Url(MemberHost(member, cluster, ns), kMetricsPort);
}

std::string ServiceUrl(std::string_view cluster, std::string_view ns) {
  return Url(ClientServiceName(cluster) + "." + std::string(ns) + ".svc", kClientPort);
}

Labels ClusterLabels(std::string_view cluster, std::string_view cluster_uid) {
  return {{std::string(kLabelCluster), std::string(cluster)},
          {std::string(kLabelClusterUid), std::string(cluster_uid)},
          {std::string(kLabelManagedBy), std::string(kManagedBy)},
          {std::string(kLabelName), "quorate"},
          {std::string(kLabelInstance), std::string(cluster)}};
}

std::string MemberSelector(std::string_view cluster_uid) {
  return Join(kLabelClusterUid, "=") + std::string(cluster_uid) + "," +
         std::string(kLabelComponent) + "=member";
}

}  // namespace quorate::api
