#include "act/member_pod.h"

#include "act/restricted.h"
#include "act/store_access.h"
#include "api/cluster_defaults.h"
#include "api/names.h"
#include "base/bytes.h"
#include "kube/resource.h"

namespace quorate::act {
namespace {

using kube::Json;
using plan::Start;

constexpr const char* kServer = "/usr/local/bin/quorate-server";
constexpr const char* kCtl = "/usr/local/bin/quoratectl";
constexpr const char* kVolumeFolder = "/var/lib/quorate";
constexpr const char* kDataFolder = "/var/lib/quorate/data";  // below the mount, beside lost+found
constexpr std::int64_t kReplaySecondsMax = 3600;

std::string Flag(const std::string& name, const std::string& value) {
  return "--" + name + "=" + value;
}
std::string Flag(const std::string& name, std::int64_t value) {
  return Flag(name, std::to_string(value));
}

std::string LogLevelWord(api::LogLevel level) {
  std::string word(api::Word(level));
  word[0] = static_cast<char>(word[0] - 'A' + 'a');
  return word;
}

std::string ListenOn(int port) {
  return "http://0.0.0.0:" + std::to_string(port);
}

Json HttpProbe(const char* path, int period, int failures) {
  return {{"httpGet", {{"path", path}, {"port", api::kMetricsPort}}},
          {"periodSeconds", period},
          {"timeoutSeconds", 5},
          {"failureThreshold", failures}};
}

Json Quantities(const std::map<std::string, api::Quantity>& quantities) {
  Json map = Json::object();
  for (const auto& [name, quantity] : quantities) map[name] = quantity.text;
  return map;
}

Json Resources(const api::ResourcesSpec& spec) {
  Json resources = {{"requests", Quantities(spec.requests)}};
  if (!spec.limits.empty()) resources["limits"] = Quantities(spec.limits);
  return resources;
}

Json DataMounts() {
  return Json::array(
      {{{"name", "data"}, {"mountPath", kVolumeFolder}}, {{"name", "tmp"}, {"mountPath", "/tmp"}}});
}

Json ServerContainer(const plan::Desired& desired, const plan::CreatePod& step) {
  const api::ClusterSpec& spec = desired.spec();
  Json container = {{"name", "server"},
                    {"image", desired.image},
                    {"imagePullPolicy", std::string(api::Word(spec.image.pull_policy))},
                    {"command", Json::array({kServer})},
                    {"args", ServerArguments(desired, step)},
                    {"resources", Resources(spec.resources)},
                    {"securityContext", RestrictedContainer()},
                    {"terminationMessagePolicy", "FallbackToLogsOnError"},
                    {"volumeMounts", DataMounts()}};
  const auto port = [](const char* name, int number) {
    return Json{{"name", name}, {"containerPort", number}, {"protocol", "TCP"}};
  };
  container["ports"] = {port("client", api::kClientPort), port("peer", api::kPeerPort),
                        port("metrics", api::kMetricsPort)};
  container["startupProbe"] = HttpProbe("/livez", 1, kReplaySecondsMax);
  container["livenessProbe"] = HttpProbe("/livez", 10, 6);
  container["readinessProbe"] = HttpProbe("/readyz", 2, 3);
  return container;
}

// Fetches, checks and unpacks the backup; does nothing when the data is there already.
Json RestoreContainer(const Context& context, const plan::CreatePod& step,
                      const api::EtcdBackupStore& store, Json& pod_spec) {
  const plan::Desired& desired = context.desired;
  std::vector<std::string> args = {
      "backup",
      "restore",
      context.observed.restore.path,
      "--skip-existing",
      Flag("data-dir", kDataFolder),
      Flag("name", step.slot),
      Flag("initial-cluster", step.initial_cluster),
      Flag("initial-advertise-peer-urls", api::PeerUrl(step.slot, desired.name(), desired.ns())),
      Flag("initial-cluster-token", desired.uid()),
      Flag("termination-log", "/dev/termination-log")};
  for (const std::string& word : StoreArguments(store.spec)) args.push_back(word);
  Json container = {{"name", "restore"},
                    {"image", desired.image},
                    {"imagePullPolicy", std::string(api::Word(desired.spec().image.pull_policy))},
                    {"command", Json::array({kCtl})},
                    {"args", std::move(args)},
                    {"env", Json::array()},
                    {"resources", Resources(desired.spec().resources)},
                    {"securityContext", RestrictedContainer()},
                    {"terminationMessagePolicy", "FallbackToLogsOnError"},
                    {"volumeMounts", DataMounts()}};
  AddStoreAccess(store.spec, pod_spec, container);
  return container;
}

Json Tolerations(const std::vector<api::Toleration>& tolerations) {
  Json list = Json::array();
  for (const api::Toleration& t : tolerations) {
    Json one = Json::object();
    const auto put = [&](const char* key, const std::string& value) {
      if (!value.empty()) one[key] = value;
    };
    put("key", t.key);
    put("operator", t.op);
    put("value", t.value);
    put("effect", t.effect);
    if (t.toleration_seconds) one["tolerationSeconds"] = *t.toleration_seconds;
    list.push_back(std::move(one));
  }
  return list;
}

// Two members on one node, or zone, fail together.
void AddPlacement(const plan::Desired& desired, Json& pod_spec) {
  const api::SchedulingSpec& scheduling = desired.spec().scheduling;
  const Json term = {{"topologyKey", scheduling.topology_key},
                     {"labelSelector",
                      {{"matchLabels",
                        {{std::string(api::kLabelClusterUid), desired.uid()},
                         {std::string(api::kLabelComponent), "member"}}}}}};
  if (scheduling.anti_affinity == api::AntiAffinity::kRequired) {
    pod_spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        Json::array({term});
  } else if (scheduling.anti_affinity == api::AntiAffinity::kPreferred) {
    pod_spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
        Json::array({{{"weight", 100}, {"podAffinityTerm", term}}});
  }
  if (!scheduling.node_selector.empty()) pod_spec["nodeSelector"] = scheduling.node_selector;
  if (!scheduling.tolerations.empty())
    pod_spec["tolerations"] = Tolerations(scheduling.tolerations);
  if (!scheduling.priority_class_name.empty()) {
    pod_spec["priorityClassName"] = scheduling.priority_class_name;
  }
}

Json PodSpec(const Context& context, const plan::CreatePod& step) {
  const plan::Desired& desired = context.desired;
  Json spec = {
      {"hostname", step.slot},
      {"subdomain", api::PeerServiceName(desired.name())},
      {"restartPolicy", "Always"},
      {"terminationGracePeriodSeconds", desired.spec().pod.termination_grace_period_seconds},
      {"automountServiceAccountToken", false},
      {"enableServiceLinks", false},
      {"securityContext", RestrictedPod()},
      {"volumes",
       {{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", api::VolumeName(step.slot)}}}},
        {{"name", "tmp"}, {"emptyDir", Json::object()}}}}};
  for (const api::LocalRef& secret : desired.spec().image.pull_secrets) {
    spec["imagePullSecrets"].push_back({{"name", secret.name}});
  }
  spec["securityContext"]["fsGroupChangePolicy"] = "OnRootMismatch";
  AddPlacement(desired, spec);
  spec["containers"] = Json::array({ServerContainer(desired, step)});
  return spec;
}

const char* StartWord(Start start) {
  return start == Start::kNew ? "new" : start == Start::kRestore ? "restore" : "existing";
}

}  // namespace

Json MakeMemberPod(const Context& context, const plan::CreatePod& step,
                   const std::optional<api::EtcdBackupStore>& store) {
  const plan::Desired& desired = context.desired;
  Json pod = context.MakeOwned(kube::resources::kPods, step.slot);
  Json& labels = pod["metadata"]["labels"];
  for (const auto& [key, value] : desired.spec().pod.labels) labels[key] = value;
  labels[std::string(api::kLabelMember)] = step.slot;
  labels[std::string(api::kLabelComponent)] = "member";
  labels[std::string(api::kLabelRole)] = step.role;
  Json& annotations = pod["metadata"]["annotations"];
  annotations = desired.spec().pod.annotations;
  annotations[std::string(api::kAnnotationRevision)] = desired.revision;
  annotations[std::string(api::kAnnotationStart)] = StartWord(step.start);
  annotations[std::string(api::kAnnotationInitialCluster)] = step.initial_cluster;
  pod["spec"] = PodSpec(context, step);
  if (store) {
    pod["spec"]["initContainers"] =
        Json::array({RestoreContainer(context, step, *store, pod["spec"])});
  }
  return pod;
}

// A restored pod starts as "existing": should the restore have left nothing, the server must
// refuse, not begin empty.
std::vector<std::string> ServerArguments(const plan::Desired& desired,
                                         const plan::CreatePod& step) {
  const api::ConfigSpec& config = desired.spec().config;
  const std::string& ns = desired.ns();
  const std::string& cluster = desired.name();
  std::vector<std::string> args = {
      Flag("name", step.slot),
      Flag("data-dir", kDataFolder),
      Flag("listen-client-urls", ListenOn(api::kClientPort)),
      Flag("advertise-client-urls", api::ClientUrl(step.slot, cluster, ns)),
      Flag("listen-peer-urls", ListenOn(api::kPeerPort)),
      Flag("initial-advertise-peer-urls", api::PeerUrl(step.slot, cluster, ns)),
      Flag("listen-metrics-urls", ListenOn(api::kMetricsPort)),
      Flag("initial-cluster", step.initial_cluster),
      Flag("initial-cluster-state", step.start == Start::kNew ? "new" : "existing"),
      Flag("initial-cluster-token", desired.uid()),
      Flag("quota-backend-bytes", api::QuotaBytesOf(desired.spec())),
      Flag("snapshot-count", config.snapshot_count),
      Flag("heartbeat-interval", config.heartbeat_interval.count()),
      Flag("election-timeout", config.election_timeout.count()),
      Flag("max-request-bytes", config.max_request_bytes.Units().value_or(0)),
      Flag("log-level", LogLevelWord(config.log_level))};
  if (step.start != Start::kNew) args.push_back(Flag("quorate-forbid-bootstrap", "true"));
  if (step.cluster_id.value != 0) {
    args.push_back(Flag("quorate-expected-cluster-id", ToHex(step.cluster_id.value)));
  }
  return args;
}

}  // namespace quorate::act
