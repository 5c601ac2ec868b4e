#include "api/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "operator/api/crd.h"

namespace quorate::api {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::IsEmpty;

EtcdCluster GoodCluster() {
  EtcdCluster cluster;
  cluster.meta.name = "a";
  cluster.spec.version = "0.1.0";
  return cluster;
}

EtcdBackupStore GoodStore() {
  EtcdBackupStore store;
  store.spec.s3.emplace();
  store.spec.s3->bucket = "backups";
  return store;
}

EtcdBackup GoodBackup() {
  EtcdBackup backup;
  backup.spec.cluster_ref.name = "a";
  backup.spec.store_ref.name = "s";
  return backup;
}

EtcdBackupSchedule GoodSchedule() {
  EtcdBackupSchedule schedule;
  schedule.spec.cluster_ref.name = "a";
  schedule.spec.store_ref.name = "s";
  schedule.spec.schedule = "@daily";
  return schedule;
}

using Violations = std::vector<Violation>;

Violations OfCluster(const std::function<void(ClusterSpec&)>& spoil) {
  EtcdCluster cluster = GoodCluster();
  spoil(cluster.spec);
  return Validate(cluster);
}

Violations OfClusterChange(const std::function<void(EtcdCluster&)>& change) {
  EtcdCluster before = GoodCluster();
  before.status.cluster_id = "cafe";
  EtcdCluster after = before;
  change(after);
  return ValidateChange(before, after);
}

Violations OfMemberChange(const std::function<void(MemberSpec&)>& change) {
  EtcdMember before;
  before.spec.leave.emplace();
  EtcdMember after = before;
  change(after.spec);
  return ValidateChange(before, after);
}

RestoreSpec& Restore(ClusterSpec& spec) {
  return spec.bootstrap.emplace().restore.emplace();
}

void Append(std::vector<Violations>& out, std::initializer_list<Violations> more) {
  out.insert(out.end(), more.begin(), more.end());
}

void AppendClusterCases(std::vector<Violations>& out) {
  EtcdCluster badly_named = GoodCluster();
  badly_named.meta.name = "1st";
  Append(
      out,
      {
          Validate(badly_named),
          OfCluster([](ClusterSpec& s) { s.image.tag = "latest"; }),
          OfCluster([](ClusterSpec& s) { s.storage.size = {"1Mi"}; }),
          OfCluster([](ClusterSpec& s) { s.config.quota_backend = {"9Gi"}; }),
          OfCluster([](ClusterSpec& s) { s.config.heartbeat_interval = Duration(9); }),
          OfCluster([](ClusterSpec& s) { s.config.election_timeout = seconds(51); }),
          OfCluster([](ClusterSpec& s) { s.config.election_timeout = Duration(499); }),
          OfCluster([](ClusterSpec& s) { s.config.max_request_bytes = {"11Mi"}; }),
          OfCluster([](ClusterSpec& s) { s.pod.labels["quorate.dev/role"] = "x"; }),
          OfCluster([](ClusterSpec& s) { s.pod.annotations["quorate.dev/start"] = "x"; }),
          OfCluster(
              [](ClusterSpec& s) { s.services.client.labels["app.kubernetes.io/name"] = "x"; }),
          OfCluster([](ClusterSpec& s) { s.services.client.annotations["quorate.dev/x"] = "x"; }),
          OfCluster([](ClusterSpec& s) { Restore(s); }),
          OfCluster([](ClusterSpec& s) { Restore(s).store_ref.emplace(LocalRef{"s"}); }),
          OfCluster([](ClusterSpec& s) { s.repair.grace_period = seconds(9); }),
          OfCluster([](ClusterSpec& s) { s.repair.node_loss_after = seconds(9); }),
          OfClusterChange([](EtcdCluster& c) { c.spec.version = "0.3.0"; }),
          OfClusterChange([](EtcdCluster& c) { c.spec.storage.size = {"9Gi"}; }),
          OfClusterChange([](EtcdCluster& c) { c.spec.storage.storage_class_name = "fast"; }),
          OfClusterChange([](EtcdCluster& c) { c.spec.bootstrap.emplace(); }),
      });
}

void AppendOtherCases(std::vector<Violations>& out) {
  EtcdBackupStore two_places = GoodStore();
  two_places.spec.pvc.emplace(PvcStoreSpec{"claim", ""});
  EtcdBackup late = GoodBackup();
  late.spec.deadline = hours(25);
  EtcdBackup long_name = GoodBackup();
  long_name.meta.name = std::string(58, 'a');
  EtcdBackup moved = GoodBackup();
  moved.spec.store_ref.name = "other";
  EtcdBackupSchedule long_schedule = GoodSchedule();
  long_schedule.meta.name = std::string(41, 'a');
  EtcdBackupSchedule ages = GoodSchedule();
  ages.spec.retention.max_age = seconds(1);
  Append(out, {
                  Validate(two_places),
                  Validate(late),
                  Validate(long_name),
                  ValidateChange(GoodBackup(), moved),
                  Validate(long_schedule),
                  Validate(ages),
                  OfMemberChange([](MemberSpec& s) { s.cluster_name = "x"; }),
                  OfMemberChange([](MemberSpec& s) { s.cluster_uid = "x"; }),
                  OfMemberChange([](MemberSpec& s) { s.join_mode = JoinMode::kSeed; }),
                  OfMemberChange([](MemberSpec& s) { s.reason = SlotReason::kReplace; }),
                  OfMemberChange([](MemberSpec& s) { s.replaces = "x"; }),
                  OfMemberChange([](MemberSpec& s) { s.storage_size = {"1Gi"}; }),
                  OfMemberChange([](MemberSpec& s) { s.storage_class_name = "x"; }),
                  OfMemberChange([](MemberSpec& s) { s.leave.reset(); }),
              });
}

void CollectMessages(const Json& schema, std::set<std::string>& out) {
  if (schema.is_object() && schema.contains("x-kubernetes-validations")) {
    for (const Json& rule : schema["x-kubernetes-validations"]) {
      out.insert(rule["message"].get<std::string>());
    }
  }
  if (schema.is_structured()) {
    for (const Json& inner : schema) CollectMessages(inner, out);
  }
}

TEST(ValidateTest, TheOperatorMakesExactlyTheChecksOfTheCrdRules) {
  std::vector<Violations> cases;
  AppendClusterCases(cases);
  AppendOtherCases(cases);
  std::set<std::string> ours;
  for (const Violations& violations : cases) {
    EXPECT_EQ(violations.size(), 1u) << Describe(violations);
    for (const Violation& violation : violations) ours.insert(violation.message);
  }
  std::set<std::string> rules;
  for (const std::string& plural : Plurals()) CollectMessages(SchemaOf(LoadCrd(plural)), rules);
  EXPECT_EQ(ours, rules);
}

TEST(ValidateTest, DefaultsAreValid) {
  EXPECT_THAT(Validate(GoodCluster()), IsEmpty());
  EXPECT_THAT(Validate(GoodStore()), IsEmpty());
  EXPECT_THAT(Validate(GoodBackup()), IsEmpty());
  EXPECT_THAT(Validate(GoodSchedule()), IsEmpty());
}

TEST(ValidateTest, LimitsOfTheSchemaAreCheckedToo) {
  EXPECT_EQ(Describe(OfCluster([](ClusterSpec& s) { s.replicas = 10; })),
            "spec.replicas: must be between 0 and 9");
  EXPECT_EQ(Describe(OfCluster([](ClusterSpec& s) { s.version = ""; })),
            "spec.version: is required");
  EXPECT_EQ(OfCluster([](ClusterSpec& s) { s.version = "3.6"; }).size(), 1u);
  EXPECT_EQ(OfCluster([](ClusterSpec& s) { s.config.snapshot_count = 1; }).size(), 1u);
}

TEST(ValidateTest, AVersionMayRiseOneMinorAndFallWithinIt) {
  const auto change = [](const char* version) {
    return OfClusterChange([&](EtcdCluster& c) { c.spec.version = version; });
  };
  EXPECT_THAT(change("0.2.0"), IsEmpty());
  EXPECT_THAT(change("0.1.7"), IsEmpty());
  EXPECT_EQ(change("1.1.0").size(), 1u);
  EXPECT_EQ(change("0.0.9").size(), 1u);
}

TEST(ValidateTest, BootstrapIsFreeUntilTheClusterIsFormed) {
  EtcdCluster before = GoodCluster();
  EtcdCluster after = before;
  after.spec.bootstrap.emplace();
  EXPECT_THAT(ValidateChange(before, after), IsEmpty());
}

}  // namespace
}  // namespace quorate::api
