#include <chrono>

#include "api/check.h"
#include "api/validate.h"

namespace quorate::api {
namespace {

const Check::Shape& FolderShape() {
  static const Check::Shape shape("[^/]+(/[^/]+)*");
  return shape;
}
const Check::Shape& BucketShape() {
  static const Check::Shape shape("[a-z0-9][a-z0-9.-]*[a-z0-9]");
  return shape;
}
const Check::Shape& EndpointShape() {
  static const Check::Shape shape("https?://[^/]+");
  return shape;
}

void CheckRefs(Check& check, const LocalRef& cluster, const LocalRef& store) {
  check.Required(cluster.name, "spec.clusterRef.name");
  check.Required(store.name, "spec.storeRef.name");
}

void CheckRun(Check& check, Duration deadline, std::int32_t retries) {
  check.That(deadline >= std::chrono::seconds(10) && deadline <= std::chrono::hours(24),
             "spec.deadline", "deadline must be between 10s and 24h; 30m suits most clusters");
  check.Range(retries, 0, 10, "spec.retries");
}

void CheckS3(Check& check, const S3Spec& s3) {
  check.Range(static_cast<std::int64_t>(s3.bucket.size()), 3, 63, "spec.s3.bucket (length)");
  check.Pattern(s3.bucket, BucketShape(), "spec.s3.bucket");
  check.Pattern(s3.prefix, FolderShape(), "spec.s3.prefix");
  check.Required(s3.region, "spec.s3.region");
  check.Pattern(s3.endpoint, EndpointShape(), "spec.s3.endpoint");
  if (s3.credentials_secret_ref) {
    check.Required(s3.credentials_secret_ref->name, "spec.s3.credentialsSecretRef.name");
  }
  if (s3.ca_bundle_secret_ref) {
    check.Required(s3.ca_bundle_secret_ref->name, "spec.s3.caBundleSecretRef.name");
    check.Required(s3.ca_bundle_secret_ref->key, "spec.s3.caBundleSecretRef.key");
  }
}

void CheckRetention(Check& check, const RetentionSpec& retention) {
  check.Range(retention.keep_last, 0, 10000, "spec.retention.keepLast");
  check.Range(retention.daily, 0, 10000, "spec.retention.daily");
  check.Range(retention.weekly, 0, 10000, "spec.retention.weekly");
  check.Range(retention.monthly, 0, 10000, "spec.retention.monthly");
  check.Range(retention.min_keep, 1, 10000, "spec.retention.minKeep");
  check.That(!retention.max_age || *retention.max_age >= std::chrono::minutes(1),
             "spec.retention.maxAge",
             "retention.maxAge must be at least 1m; use keepLast to keep a number of backups");
}

}  // namespace

std::vector<Violation> Validate(const EtcdBackupStore& store) {
  Check check;
  check.That(store.spec.s3.has_value() != store.spec.pvc.has_value(), "spec",
             "a backup store needs exactly one of s3 and pvc; remove one or add one");
  if (store.spec.s3) CheckS3(check, *store.spec.s3);
  if (store.spec.pvc) {
    check.Required(store.spec.pvc->claim_name, "spec.pvc.claimName");
    check.Pattern(store.spec.pvc->sub_path, FolderShape(), "spec.pvc.subPath");
  }
  return check.Take();
}

std::vector<Violation> Validate(const EtcdBackup& backup) {
  Check check;
  check.That(backup.meta.name.size() <= 57, "metadata.name",
             "metadata.name must be at most 57 characters; choose a shorter name");
  CheckRefs(check, backup.spec.cluster_ref, backup.spec.store_ref);
  CheckRun(check, backup.spec.deadline, backup.spec.retries);
  return check.Take();
}

std::vector<Violation> Validate(const EtcdBackupSchedule& schedule) {
  Check check;
  check.That(schedule.meta.name.size() <= 40, "metadata.name",
             "metadata.name must be at most 40 characters; choose a shorter name");
  CheckRefs(check, schedule.spec.cluster_ref, schedule.spec.store_ref);
  CheckRun(check, schedule.spec.deadline, schedule.spec.retries);
  check.Required(schedule.spec.schedule, "spec.schedule");
  check.Required(schedule.spec.time_zone, "spec.timeZone");
  check.Range(schedule.spec.starting_deadline_seconds, 10, 86400, "spec.startingDeadlineSeconds");
  check.Range(schedule.spec.failed_history_limit, 0, 100, "spec.failedHistoryLimit");
  CheckRetention(check, schedule.spec.retention);
  return check.Take();
}

std::vector<Violation> ValidateChange(const EtcdBackup& before, const EtcdBackup& after) {
  Check check;
  const bool same = before.spec.cluster_ref == after.spec.cluster_ref &&
                    before.spec.store_ref == after.spec.store_ref &&
                    before.spec.deadline == after.spec.deadline &&
                    before.spec.retries == after.spec.retries;
  check.That(same, "spec",
             "a backup cannot be changed except for deletionPolicy; make another EtcdBackup");
  return check.Take();
}

}  // namespace quorate::api
