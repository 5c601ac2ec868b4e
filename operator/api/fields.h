// Fields: the one list of every kind's fields, by their JSON names.
//
// A visitor is called once per field, v("jsonName", member). Reader and writer (json.cc) and the
// schema test are visitors; what is not in this list does not exist in the API.
#pragma once

#include "api/backup_kinds.h"
#include "api/etcd_cluster.h"
#include "api/etcd_member.h"

namespace quorate::api {

template <typename V>
void Fields(V& v, OwnerReference& o) {
  v("apiVersion", o.api_version);
  v("kind", o.kind);
  v("name", o.name);
  v("uid", o.uid);
  v("controller", o.controller);
  v("blockOwnerDeletion", o.block_owner_deletion);
}

template <typename V>
void Fields(V& v, ObjectMeta& m) {
  v("name", m.name);
  v("namespace", m.namespace_name);
  v("uid", m.uid);
  v("resourceVersion", m.resource_version);
  v("generation", m.generation);
  v("creationTimestamp", m.created);
  v("deletionTimestamp", m.deleted);
  v("labels", m.labels);
  v("annotations", m.annotations);
  v("finalizers", m.finalizers);
  v("ownerReferences", m.owners);
}

template <typename V>
void Fields(V& v, Condition& c) {
  v("type", c.type);
  v("status", c.status);
  v("observedGeneration", c.observed_generation);
  v("lastTransitionTime", c.last_transition);
  v("reason", c.reason);
  v("message", c.message);
}

template <typename V>
void Fields(V& v, LocalRef& r) {
  v("name", r.name);
}

template <typename V>
void Fields(V& v, SecretKeyRef& r) {
  v("name", r.name);
  v("key", r.key);
}

// ---- EtcdCluster

template <typename V>
void Fields(V& v, ImageSpec& s) {
  v("repository", s.repository);
  v("tag", s.tag);
  v("digest", s.digest);
  v("pullPolicy", s.pull_policy);
  v("pullSecrets", s.pull_secrets);
}

template <typename V>
void Fields(V& v, ReclaimSpec& s) {
  v("onScaleDown", s.on_scale_down);
  v("onDelete", s.on_delete);
  v("onReplace", s.on_replace);
}

template <typename V>
void Fields(V& v, StorageSpec& s) {
  v("size", s.size);
  v("storageClassName", s.storage_class_name);
  v("reclaim", s.reclaim);
}

template <typename V>
void Fields(V& v, ConfigSpec& s) {
  v("quotaBackend", s.quota_backend);
  v("snapshotCount", s.snapshot_count);
  v("heartbeatInterval", s.heartbeat_interval);
  v("electionTimeout", s.election_timeout);
  v("maxRequestBytes", s.max_request_bytes);
  v("logLevel", s.log_level);
}

template <typename V>
void Fields(V& v, ResourcesSpec& s) {
  v("requests", s.requests);
  v("limits", s.limits);
}

template <typename V>
void Fields(V& v, Toleration& s) {
  v("key", s.key);
  v("operator", s.op);
  v("value", s.value);
  v("effect", s.effect);
  v("tolerationSeconds", s.toleration_seconds);
}

template <typename V>
void Fields(V& v, SchedulingSpec& s) {
  v("antiAffinity", s.anti_affinity);
  v("topologyKey", s.topology_key);
  v("nodeSelector", s.node_selector);
  v("tolerations", s.tolerations);
  v("priorityClassName", s.priority_class_name);
}

template <typename V>
void Fields(V& v, PodSpec& s) {
  v("labels", s.labels);
  v("annotations", s.annotations);
  v("terminationGracePeriodSeconds", s.termination_grace_period_seconds);
}

template <typename V>
void Fields(V& v, ClientServiceSpec& s) {
  v("type", s.type);
  v("labels", s.labels);
  v("annotations", s.annotations);
}

template <typename V>
void Fields(V& v, ServicesSpec& s) {
  v("client", s.client);
}

template <typename V>
void Fields(V& v, TlsSpec& s) {
  v("mode", s.mode);
}

template <typename V>
void Fields(V& v, RestoreSpec& s) {
  v("backupRef", s.backup_ref);
  v("storeRef", s.store_ref);
  v("path", s.path);
}

template <typename V>
void Fields(V& v, BootstrapSpec& s) {
  v("restore", s.restore);
}

template <typename V>
void Fields(V& v, RepairSpec& s) {
  v("policy", s.policy);
  v("gracePeriod", s.grace_period);
  v("nodeLossAfter", s.node_loss_after);
  v("maxReplacementsPerHour", s.max_replacements_per_hour);
}

template <typename V>
void Fields(V& v, DisruptionSpec& s) {
  v("pdb", s.pdb);
}

template <typename V>
void Fields(V& v, ClusterSpec& s) {
  v("replicas", s.replicas);
  v("version", s.version);
  v("image", s.image);
  v("storage", s.storage);
  v("config", s.config);
  v("resources", s.resources);
  v("scheduling", s.scheduling);
  v("pod", s.pod);
  v("services", s.services);
  v("tls", s.tls);
  v("bootstrap", s.bootstrap);
  v("repair", s.repair);
  v("disruption", s.disruption);
  v("paused", s.paused);
}

template <typename V>
void Fields(V& v, PlanStatus& s) {
  v("operation", s.operation);
  v("step", s.step);
  v("member", s.member);
  v("reason", s.reason);
  v("waitingFor", s.waiting_for);
  v("next", s.next);
  v("since", s.since);
}

template <typename V>
void Fields(V& v, MemberSummary& s) {
  v("name", s.name);
  v("id", s.id);
  v("role", s.role);
  v("phase", s.phase);
  v("ready", s.ready);
  v("version", s.version);
  v("node", s.node);
  v("pvcName", s.pvc_name);
  v("alarms", s.alarms);
  v("reason", s.reason);
}

template <typename V>
void Fields(V& v, EndpointsStatus& s) {
  v("client", s.client);
  v("members", s.members);
}

template <typename V>
void Fields(V& v, LastBackupStatus& s) {
  v("lastSuccessfulName", s.last_successful_name);
  v("lastSuccessfulTime", s.last_successful_time);
  v("lastSuccessfulRevision", s.last_successful_revision);
}

template <typename V>
void Fields(V& v, ClusterStatus& s) {
  v("observedGeneration", s.observed_generation);
  v("clusterID", s.cluster_id);
  v("phase", s.phase);
  v("message", s.message);
  v("ready", s.ready);
  v("replicas", s.replicas);
  v("readyReplicas", s.ready_replicas);
  v("voters", s.voters);
  v("learners", s.learners);
  v("updatedReplicas", s.updated_replicas);
  v("selector", s.selector);
  v("leader", s.leader);
  v("currentVersion", s.current_version);
  v("plan", s.plan);
  v("members", s.members);
  v("endpoints", s.endpoints);
  v("backup", s.backup);
  v("conditions", s.conditions);
}

// ---- EtcdMember

template <typename V>
void Fields(V& v, LeaveSpec& s) {
  v("reason", s.reason);
  v("message", s.message);
  v("memberID", s.member_id);
  v("time", s.time);
}

template <typename V>
void Fields(V& v, MemberSpec& s) {
  v("clusterName", s.cluster_name);
  v("clusterUID", s.cluster_uid);
  v("joinMode", s.join_mode);
  v("reason", s.reason);
  v("replaces", s.replaces);
  v("storageSize", s.storage_size);
  v("storageClassName", s.storage_class_name);
  v("leave", s.leave);
}

template <typename V>
void Fields(V& v, ServerReport& s) {
  v("exitCode", s.exit_code);
  v("message", s.message);
}

template <typename V>
void Fields(V& v, MemberStatus& s) {
  v("observedGeneration", s.observed_generation);
  v("phase", s.phase);
  v("memberID", s.member_id);
  v("clusterID", s.cluster_id);
  v("podUID", s.pod_uid);
  v("pvcUID", s.pvc_uid);
  v("nodeName", s.node_name);
  v("ready", s.ready);
  v("unhealthySince", s.unhealthy_since);
  v("serverReport", s.server_report);
  v("message", s.message);
}

// ---- backups

template <typename V>
void Fields(V& v, S3Spec& s) {
  v("bucket", s.bucket);
  v("prefix", s.prefix);
  v("region", s.region);
  v("endpoint", s.endpoint);
  v("credentialsSecretRef", s.credentials_secret_ref);
  v("caBundleSecretRef", s.ca_bundle_secret_ref);
}

template <typename V>
void Fields(V& v, PvcStoreSpec& s) {
  v("claimName", s.claim_name);
  v("subPath", s.sub_path);
}

template <typename V>
void Fields(V& v, BackupStoreSpec& s) {
  v("s3", s.s3);
  v("pvc", s.pvc);
}

template <typename V>
void Fields(V& v, BackupStoreStatus& s) {
  v("observedGeneration", s.observed_generation);
  v("lastUsed", s.last_used);
  v("conditions", s.conditions);
}

template <typename V>
void Fields(V& v, BackupSpec& s) {
  v("clusterRef", s.cluster_ref);
  v("storeRef", s.store_ref);
  v("deadline", s.deadline);
  v("retries", s.retries);
  v("deletionPolicy", s.deletion_policy);
}

template <typename V>
void Fields(V& v, BackupStatus& s) {
  v("observedGeneration", s.observed_generation);
  v("phase", s.phase);
  v("startTime", s.start_time);
  v("completionTime", s.completion_time);
  v("attempt", s.attempt);
  v("podName", s.pod_name);
  v("member", s.member);
  v("clusterID", s.cluster_id);
  v("clusterUID", s.cluster_uid);
  v("revision", s.revision);
  v("sizeBytes", s.size_bytes);
  v("storedBytes", s.stored_bytes);
  v("sha256", s.sha256);
  v("serverVersion", s.server_version);
  v("location", s.location);
  v("reason", s.reason);
  v("message", s.message);
  v("conditions", s.conditions);
}

template <typename V>
void Fields(V& v, RetentionSpec& s) {
  v("keepLast", s.keep_last);
  v("maxAge", s.max_age);
  v("daily", s.daily);
  v("weekly", s.weekly);
  v("monthly", s.monthly);
  v("minKeep", s.min_keep);
}

template <typename V>
void Fields(V& v, BackupScheduleSpec& s) {
  v("clusterRef", s.cluster_ref);
  v("storeRef", s.store_ref);
  v("schedule", s.schedule);
  v("timeZone", s.time_zone);
  v("suspend", s.suspend);
  v("concurrencyPolicy", s.concurrency_policy);
  v("startingDeadlineSeconds", s.starting_deadline_seconds);
  v("deadline", s.deadline);
  v("retries", s.retries);
  v("retention", s.retention);
  v("failedHistoryLimit", s.failed_history_limit);
}

template <typename V>
void Fields(V& v, BackupScheduleStatus& s) {
  v("observedGeneration", s.observed_generation);
  v("lastScheduleTime", s.last_schedule_time);
  v("lastSuccessfulTime", s.last_successful_time);
  v("nextScheduleTime", s.next_schedule_time);
  v("missedRuns", s.missed_runs);
  v("active", s.active);
  v("conditions", s.conditions);
}

}  // namespace quorate::api
