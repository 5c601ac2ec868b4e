// EtcdBackupStore, EtcdBackup, EtcdBackupSchedule: a place for backups, one backup, and when to
// make them.
//
// An EtcdBackup is one artifact and its life; its spec never changes. Retention works by deleting
// EtcdBackup objects whose deletionPolicy is Delete: the finalizer then removes the stored object,
// so there is one list of backups, not two.
//
// Data only. Defaults are the member initialisers, equal to those of the CRDs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/meta.h"

namespace quorate::api {

struct S3Spec {
  std::string bucket;
  std::string prefix;  // no slash at either end
  std::string region = "us-east-1";
  std::string endpoint;                            // "": AWS's own for the region
  std::optional<LocalRef> credentials_secret_ref;  // AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
  std::optional<SecretKeyRef>
      ca_bundle_secret_ref;  // PEM of the authorities that signed the endpoint's certificate

  bool operator==(const S3Spec&) const = default;
};

struct PvcStoreSpec {
  std::string claim_name;
  std::string sub_path;

  bool operator==(const PvcStoreSpec&) const = default;
};

struct BackupStoreSpec {  // exactly one of the two
  std::optional<S3Spec> s3;
  std::optional<PvcStoreSpec> pvc;

  bool operator==(const BackupStoreSpec&) const = default;
};

struct BackupStoreStatus {
  std::int64_t observed_generation = -1;  // -1: not looked at yet
  std::optional<Time> last_used;          // the last run that reached the store
  std::vector<Condition> conditions;

  bool operator==(const BackupStoreStatus&) const = default;
};

struct EtcdBackupStore {
  ObjectMeta meta;
  BackupStoreSpec spec;
  BackupStoreStatus status;

  bool operator==(const EtcdBackupStore&) const = default;
};

struct BackupSpec {
  LocalRef cluster_ref;
  LocalRef store_ref;
  Duration deadline = std::chrono::minutes(30);  // one attempt; 10s..24h
  std::int32_t retries = 3;                      // attempts after the first, 0..10
  Reclaim deletion_policy = Reclaim::kRetain;    // of the stored object when this one is deleted

  bool operator==(const BackupSpec&) const = default;
};

struct BackupStatus {
  std::int64_t observed_generation = -1;  // -1: not looked at yet
  BackupPhase phase = BackupPhase::kPending;
  std::optional<Time> start_time;
  std::optional<Time> completion_time;
  std::int32_t attempt = 0;  // 1: the first
  std::string pod_name;
  std::string member;
  std::string cluster_id;
  std::string cluster_uid;
  std::int64_t revision = 0;
  std::int64_t size_bytes = 0;    // of the snapshot
  std::int64_t stored_bytes = 0;  // compressed
  std::string sha256;             // of the stored snapshot, hex
  std::string server_version;
  std::string location;  // the backup's folder below the store's prefix
  std::string reason;    // CamelCase class of the last failure
  std::string message;
  std::vector<Condition> conditions;

  bool operator==(const BackupStatus&) const = default;
};

struct EtcdBackup {
  ObjectMeta meta;
  BackupSpec spec;
  BackupStatus status;

  bool operator==(const EtcdBackup&) const = default;
};

// What to keep; a backup that any rule keeps stays. No rule at all keeps everything.
struct RetentionSpec {
  std::int32_t keep_last = 0;       // the newest n; 0: no such rule
  std::optional<Duration> max_age;  // younger than this
  std::int32_t daily = 0;           // the newest of each of the last n days that have one
  std::int32_t weekly = 0;          // of ISO weeks
  std::int32_t monthly = 0;
  std::int32_t min_keep = 1;  // never fewer good ones than this, whatever the rules say

  bool operator==(const RetentionSpec&) const = default;
};

struct BackupScheduleSpec {
  LocalRef cluster_ref;
  LocalRef store_ref;
  std::string schedule;           // five cron fields, a name such as @daily, or "@every 6h"
  std::string time_zone = "UTC";  // IANA name
  bool suspend = false;
  ConcurrencyPolicy concurrency_policy = ConcurrencyPolicy::kForbid;
  std::int64_t starting_deadline_seconds = 600;  // a run later than this is missed, 10..86400
  Duration deadline = std::chrono::minutes(30);
  std::int32_t retries = 3;
  RetentionSpec retention;
  std::int32_t failed_history_limit = 3;  // failed EtcdBackup objects to keep

  bool operator==(const BackupScheduleSpec&) const = default;
};

struct BackupScheduleStatus {
  std::int64_t observed_generation = -1;  // -1: not looked at yet
  std::optional<Time> last_schedule_time;
  std::optional<Time> last_successful_time;
  std::optional<Time> next_schedule_time;
  std::int64_t missed_runs = 0;
  std::vector<std::string> active;  // names of running EtcdBackup objects
  std::vector<Condition> conditions;

  bool operator==(const BackupScheduleStatus&) const = default;
};

struct EtcdBackupSchedule {
  ObjectMeta meta;
  BackupScheduleSpec spec;
  BackupScheduleStatus status;

  bool operator==(const EtcdBackupSchedule&) const = default;
};

template <>
struct Kind<EtcdBackupStore> {
  static constexpr std::string_view kName = "EtcdBackupStore";
  static constexpr std::string_view kPlural = "etcdbackupstores";
};
template <>
struct Kind<EtcdBackup> {
  static constexpr std::string_view kName = "EtcdBackup";
  static constexpr std::string_view kPlural = "etcdbackups";
};
template <>
struct Kind<EtcdBackupSchedule> {
  static constexpr std::string_view kName = "EtcdBackupSchedule";
  static constexpr std::string_view kPlural = "etcdbackupschedules";
};

}  // namespace quorate::api
