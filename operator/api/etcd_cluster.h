// EtcdCluster: the cluster a user asks for, and what the operator says about it.
//
// Data only. Defaults are the member initialisers, equal to those of crds/etcdclusters.yaml; the
// schema test holds the two together. What has to be worked out from several fields is in
// cluster_defaults.h.
//
// Invariants: no field is without effect; an edit is rolled out, or refused by validation with a
// text that says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/meta.h"

namespace quorate::api {

struct ImageSpec {
  std::string repository;  // "": the operator's default repository
  std::string tag;         // "": spec.version
  std::string digest;      // "sha256:...": wins over the tag
  PullPolicy pull_policy = PullPolicy::kIfNotPresent;
  std::vector<LocalRef> pull_secrets;

  bool operator==(const ImageSpec&) const = default;
};

struct ReclaimSpec {
  Reclaim on_scale_down =
      Reclaim::kDelete;  // after the member is out of the member list and quorum is proven
  Reclaim on_delete = Reclaim::kRetain;
  Reclaim on_replace = Reclaim::kRetain;

  bool operator==(const ReclaimSpec&) const = default;
};

struct StorageSpec {
  Quantity size{"8Gi"};            // 64Mi or more
  std::string storage_class_name;  // "": the namespace's default class
  ReclaimSpec reclaim;

  bool operator==(const StorageSpec&) const = default;
};

struct ConfigSpec {
  Quantity quota_backend;                // "": 80 % of storage.size, at most 8Gi
  std::int64_t snapshot_count = 10000;   // entries, 100..10000000
  Duration heartbeat_interval{100};      // 10ms..5s
  Duration election_timeout{1000};       // at least 5 heartbeats, at most 50s
  Quantity max_request_bytes{"1536Ki"};  // 1Ki..10Mi
  LogLevel log_level = LogLevel::kInfo;

  bool operator==(const ConfigSpec&) const = default;
};

struct ResourcesSpec {
  std::map<std::string, Quantity> requests = {{"cpu", {"100m"}}, {"memory", {"256Mi"}}};
  std::map<std::string, Quantity> limits;

  bool operator==(const ResourcesSpec&) const = default;
};

struct Toleration {
  std::string key;
  std::string op;  // Exists or Equal; "": Equal
  std::string value;
  std::string effect;
  std::optional<std::int64_t> toleration_seconds;

  bool operator==(const Toleration&) const = default;
};

struct SchedulingSpec {
  AntiAffinity anti_affinity = AntiAffinity::kPreferred;
  std::string topology_key = "kubernetes.io/hostname";
  Labels node_selector;
  std::vector<Toleration> tolerations;
  std::string priority_class_name;

  bool operator==(const SchedulingSpec&) const = default;
};

struct PodSpec {
  Labels labels;
  Labels annotations;
  std::int64_t termination_grace_period_seconds = 30;  // 1..3600

  bool operator==(const PodSpec&) const = default;
};

struct ClientServiceSpec {
  ServiceType type = ServiceType::kClusterIP;
  Labels labels;
  Labels annotations;

  bool operator==(const ClientServiceSpec&) const = default;
};

struct ServicesSpec {
  ClientServiceSpec client;

  bool operator==(const ServicesSpec&) const = default;
};

struct TlsSpec {
  TlsMode mode = TlsMode::kNone;  // required in the object: plaintext is said, never silent

  bool operator==(const TlsSpec&) const = default;
};

// One backup: by its EtcdBackup object, or by store and path when that object is gone.
struct RestoreSpec {
  std::optional<LocalRef> backup_ref;
  std::optional<LocalRef> store_ref;
  std::string path;  // the backup's folder below the store's prefix; only with store_ref

  bool operator==(const RestoreSpec&) const = default;
};

struct BootstrapSpec {
  std::optional<RestoreSpec> restore;

  bool operator==(const BootstrapSpec&) const = default;
};

struct RepairSpec {
  RepairPolicy policy = RepairPolicy::kAuto;
  Duration grace_period =
      std::chrono::minutes(5);  // unhealthy this long before it may count as failed
  Duration node_loss_after =
      std::chrono::minutes(15);  // its node silent this long; 0: never judged lost
  std::int32_t max_replacements_per_hour = 3;

  bool operator==(const RepairSpec&) const = default;
};

struct DisruptionSpec {
  bool pdb = true;

  bool operator==(const DisruptionSpec&) const = default;
};

struct ClusterSpec {
  std::int32_t replicas = 3;  // 0..9; 0: pods stopped, members and volumes kept
  std::string version;        // x.y.z of the server
  ImageSpec image;
  StorageSpec storage;
  ConfigSpec config;
  ResourcesSpec resources;
  SchedulingSpec scheduling;
  PodSpec pod;
  ServicesSpec services;
  TlsSpec tls;
  std::optional<BootstrapSpec> bootstrap;
  RepairSpec repair;
  DisruptionSpec disruption;
  bool paused = false;

  bool operator==(const ClusterSpec&) const = default;
};

struct PlanStatus {
  Operation operation = Operation::kNone;
  std::string step;  // the step taken last or waited in, e.g. "MemberAdd"
  std::string member;
  std::string reason;       // sentence
  std::string waiting_for;  // sentence; "": nothing is waited for
  std::string next;         // the steps after this one, sentence
  std::optional<Time> since;

  bool operator==(const PlanStatus&) const = default;
};

struct MemberSummary {
  std::string name;
  std::string id;  // hex; "": not in the member list
  MemberRole role = MemberRole::kUnknown;
  MemberPhase phase = MemberPhase::kPlanned;
  bool ready = false;
  std::string version;
  std::string node;
  std::string pvc_name;
  std::vector<std::string> alarms;
  std::string reason;  // sentence; "": nothing is wrong

  bool operator==(const MemberSummary&) const = default;
};

struct EndpointsStatus {
  std::string client;                // URL of the client Service
  std::vector<std::string> members;  // client URLs, one a member

  bool operator==(const EndpointsStatus&) const = default;
};

struct LastBackupStatus {
  std::string last_successful_name;
  std::optional<Time> last_successful_time;
  std::int64_t last_successful_revision = 0;

  bool operator==(const LastBackupStatus&) const = default;
};

struct ClusterStatus {
  std::int64_t observed_generation = -1;  // -1: not looked at yet
  std::string cluster_id;                 // hex; latched once the cluster was formed
  std::string phase;                      // a word for people, not an API
  std::string message;
  std::string ready;  // "2/3", for the printer column
  std::int32_t replicas = 0;
  std::int32_t ready_replicas = 0;
  std::int32_t voters = 0;
  std::int32_t learners = 0;
  std::int32_t updated_replicas = 0;
  std::string selector;  // label selector of the member pods, for the scale subresource
  std::string leader;    // member name
  std::string current_version;
  PlanStatus plan;
  std::vector<MemberSummary> members;
  EndpointsStatus endpoints;
  LastBackupStatus backup;
  std::vector<Condition> conditions;

  bool operator==(const ClusterStatus&) const = default;
};

struct EtcdCluster {
  ObjectMeta meta;
  ClusterSpec spec;
  ClusterStatus status;

  bool operator==(const EtcdCluster&) const = default;
};

template <>
struct Kind<EtcdCluster> {
  static constexpr std::string_view kName = "EtcdCluster";
  static constexpr std::string_view kPlural = "etcdclusters";
};

}  // namespace quorate::api
