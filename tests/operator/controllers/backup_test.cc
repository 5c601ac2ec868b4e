// EtcdBackup, EtcdBackupSchedule and EtcdBackupStore against a simulated API server, whose pods are
// answered by the test.
#include <gtest/gtest.h>

#include "api/json.h"
#include "controllers/backup_controller.h"
#include "controllers/schedule_controller.h"
#include "controllers/store_controller.h"
#include "runtime/manager.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/kube_api.h"

namespace quorate::controllers {
namespace {

using kube::Json;
using kube::ObjectRef;
namespace resources = kube::resources;

constexpr const char* kDone = R"({"location":"default/a/u/20260101T000000Z-7","revision":7,
  "member":"a-1","clusterId":"abc","serverVersion":"3.6.0","sha256":"00","sizeBytes":100,
  "storedBytes":40})";

class BackupTest : public testing::Test {
 protected:
  BackupTest()
      : backups_(client_, client_, clock_, events_, "registry/quorate"),
        stores_(client_, client_, clock_, events_),
        schedules_(client_, client_, clock_, disk_, events_) {}

  void SetUp() override {
    Json cluster = Make(resources::kEtcdClusters, "a");
    cluster["spec"] = {{"replicas", 3}, {"version", "3.6.0"}, {"tls", {{"mode", "None"}}}};
    cluster = api_.Put(resources::kEtcdClusters, cluster);
    cluster_uid_ = kube::Uid(cluster);
    SetClusterAvailable(true);
    Json store = Make(resources::kEtcdBackupStores, "s");
    store["spec"]["s3"] = {{"bucket", "bucket"},
                           {"prefix", "p"},
                           {"endpoint", "http://minio:9000"},
                           {"credentialsSecretRef", {{"name", "keys"}}}};
    api_.Put(resources::kEtcdBackupStores, store);
    Json secret = Make(resources::kSecrets, "keys");
    secret["stringData"] = {{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "hush"}};
    api_.Put(resources::kSecrets, secret);
  }

  static Json Make(const kube::Resource& resource, const std::string& name) {
    return kube::MakeObject(resource, {"default", name});
  }
  void SetClusterAvailable(bool available) {
    api_.Mutate(resources::kEtcdClusters, {"default", "a"}, [&](Json& object) {
      Json condition{{"type", "Available"},
                     {"status", available ? "True" : "False"},
                     {"reason", "Test"},
                     {"message", ""}};
      object["status"] = {{"clusterID", "abc"}, {"conditions", Json::array({condition})}};
    });
  }
  void PutBackup(const std::string& name, const std::string& deletion = "Delete") {
    Json backup = Make(resources::kEtcdBackups, name);
    backup["spec"] = {{"clusterRef", {{"name", "a"}}},
                      {"storeRef", {{"name", "s"}}},
                      {"deadline", "10m"},
                      {"retries", 1},
                      {"deletionPolicy", deletion}};
    api_.Put(resources::kEtcdBackups, backup);
  }
  // Reconciles as the queue would, until it rests for more than a second or for a change; the wait.
  std::optional<std::chrono::milliseconds> Run(runtime::Reconciler& reconciler,
                                               const std::string& name) {
    std::size_t writes = 0;
    for (int i = 0; i < 30; ++i) {
      writes = api_.writes().size();
      const auto result = reconciler.Reconcile({"default", name});
      EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
      if (!result.ok()) return std::nullopt;
      const bool soon = result->after && *result->after <= std::chrono::seconds(1);
      if (soon) clock_.Advance(*result->after);
      if (!soon && api_.writes().size() == writes) return result->after;
    }
    ADD_FAILURE() << "never rests";
    return std::nullopt;
  }
  void EndPod(const std::string& name, bool well, const std::string& message) {
    const std::string now = kube::FormatTime(clock_.WallNow());
    const bool found = api_.Mutate(resources::kPods, {"default", name}, [&](Json& pod) {
      pod["status"]["phase"] = well ? "Succeeded" : "Failed";
      Json state{{"exitCode", well ? 0 : 1}, {"message", message}, {"finishedAt", now}};
      pod["status"]["containerStatuses"] =
          Json::array({{{"name", "backup"}, {"state", {{"terminated", state}}}}});
    });
    ASSERT_TRUE(found) << name;
  }
  Json Backup(const std::string& name) {
    return api_.Peek(resources::kEtcdBackups, {"default", name});
  }
  std::string Phase(const std::string& name) { return kube::Text(Backup(name), "/status/phase"); }
  std::string Of(const std::string& name, const std::string& field) {
    return kube::Text(Backup(name), "/status/" + field);
  }
  std::vector<std::string> Names(const kube::Resource& resource) {
    std::vector<std::string> names;
    for (const Json& object : api_.All(resource, "default")) names.push_back(kube::Name(object));
    return names;
  }
  std::string CommandOf(const std::string& pod) {
    const Json object = api_.Peek(resources::kPods, {"default", pod});
    return object.is_null() ? "" : object["spec"]["containers"][0]["command"].dump();
  }

  sim::Clock clock_;
  sim::Disk disk_{1};
  sim::KubeApi api_{clock_, 1};
  kube::Client client_{api_, clock_, {}};
  runtime::EventRecorder events_{client_, clock_, {}};
  BackupController backups_;
  StoreController stores_;
  ScheduleController schedules_;
  std::string cluster_uid_;
};

TEST_F(BackupTest, ARunIsAPodThatTellsItsResult) {
  PutBackup("b");
  Run(backups_, "b");
  EXPECT_EQ(Phase("b"), "Running");
  const Json pod = api_.Peek(resources::kPods, {"default", "b-1"});
  ASSERT_FALSE(pod.is_null());
  EXPECT_EQ(kube::Text(pod, "/spec/containers/0/image"), "registry/quorate:3.6.0");
  const std::string command = CommandOf("b-1");
  for (const char* word : {"\"save\"", "--store=s3://bucket/p", "--s3-endpoint=http://minio:9000",
                           "--s3-region=us-east-1", "--termination-log=/dev/termination-log"}) {
    EXPECT_NE(command.find(word), std::string::npos) << word << " in " << command;
  }
  EXPECT_NE(command.find("--cluster-uid=" + cluster_uid_), std::string::npos);
  EXPECT_EQ(pod.dump().find("hush"), std::string::npos) << "secrets are referred to, not copied";
  EndPod("b-1", true, kDone);
  Run(backups_, "b");
  EXPECT_EQ(Phase("b"), "Completed");
  EXPECT_EQ(kube::Number(Backup("b"), "/status/revision"), 7);
  EXPECT_EQ(Of("b", "location"), "default/a/u/20260101T000000Z-7");
  EXPECT_EQ(Of("b", "conditions/0/status"), "True");
  EXPECT_TRUE(Names(resources::kPods).empty()) << "its pod is not left lying about";
}

TEST_F(BackupTest, PodsObeyTheRestrictedStandard) {
  PutBackup("b");
  Run(backups_, "b");
  const Json pod = api_.Peek(resources::kPods, {"default", "b-1"});
  EXPECT_TRUE(kube::Flag(pod, "/spec/securityContext/runAsNonRoot"));
  EXPECT_EQ(kube::Text(pod, "/spec/securityContext/seccompProfile/type"), "RuntimeDefault");
  const Json container = pod["spec"]["containers"][0];
  EXPECT_FALSE(container["securityContext"]["allowPrivilegeEscalation"].get<bool>());
  EXPECT_TRUE(container["securityContext"]["readOnlyRootFilesystem"].get<bool>());
  EXPECT_EQ(container["securityContext"]["capabilities"]["drop"], Json::array({"ALL"}));
  EXPECT_EQ(pod["spec"]["automountServiceAccountToken"], false);
}

TEST_F(BackupTest, AFailedAttemptIsTriedAgainAndThenGivenUp) {
  PutBackup("b");
  Run(backups_, "b");
  EndPod("b-1", false, R"({"reason":"StoreUnreachable","message":"minio: no route"})");
  const auto wait = Run(backups_, "b");
  ASSERT_TRUE(wait);
  EXPECT_EQ(*wait, std::chrono::seconds(10));
  EXPECT_EQ(Of("b", "reason"), "StoreUnreachable");
  clock_.Advance(*wait);
  Run(backups_, "b");
  EXPECT_EQ(Names(resources::kPods), std::vector<std::string>{"b-2"});
  EndPod("b-2", false, "out of memory");
  Run(backups_, "b");
  EXPECT_EQ(Phase("b"), "Failed");
  EXPECT_EQ(Of("b", "message"), "out of memory");
  EXPECT_EQ(Run(backups_, "b"), std::nullopt);
}

TEST_F(BackupTest, ALostPodIsMadeAgain) {
  PutBackup("b");
  Run(backups_, "b");
  api_.Remove(resources::kPods, {"default", "b-1"});
  Run(backups_, "b");
  EXPECT_EQ(Names(resources::kPods), std::vector<std::string>{"b-1"});
}

TEST_F(BackupTest, WhatIsMissingIsNamedAndWaitedFor) {
  api_.Remove(resources::kEtcdBackupStores, {"default", "s"});
  PutBackup("b");
  Run(backups_, "b");
  EXPECT_EQ(Phase("b"), "Pending");
  EXPECT_EQ(Of("b", "message"), "EtcdBackupStore s does not exist; create it");
  clock_.Advance(std::chrono::minutes(11));
  Run(backups_, "b");
  EXPECT_EQ(Phase("b"), "Failed");
}

TEST_F(BackupTest, AStrangersPodIsNotTakenForOurs) {
  Json pod = Make(resources::kPods, "b-1");
  pod["spec"]["containers"] = Json::array();
  api_.Put(resources::kPods, pod);
  PutBackup("b");
  const auto refused = backups_.Reconcile({"default", "b"});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("somebody else's"), std::string::npos);
}

TEST_F(BackupTest, StoppedAfterAnyWriteItStillMakesOneBackup) {
  for (std::size_t stop = 1; stop <= 6; ++stop) {
    const std::string name = "b" + std::to_string(stop);
    PutBackup(name);
    const auto run_and_die = [&] {
      api_.StopAfterWrites(stop);
      static_cast<void>(backups_.Reconcile({"default", name}));
      api_.Resume();
      Run(backups_, name);
    };
    run_and_die();
    EXPECT_EQ(Phase(name), "Running") << stop;
    EXPECT_EQ(Names(resources::kPods), std::vector<std::string>{name + "-1"}) << stop;
    EndPod(name + "-1", true, kDone);
    run_and_die();
    EXPECT_EQ(Phase(name), "Completed") << stop;
    EXPECT_TRUE(Names(resources::kPods).empty()) << stop;
  }
}

TEST_F(BackupTest, WhatIsStoredIsRemovedBeforeItsObjectGoes) {
  PutBackup("b");
  Run(backups_, "b");
  EndPod("b-1", true, kDone);
  Run(backups_, "b");
  api_.Delete(resources::kEtcdBackups, {"default", "b"});
  EXPECT_FALSE(Backup("b").is_null());
  Run(backups_, "b");
  const std::string command = CommandOf("b-delete");
  EXPECT_NE(command.find("\"delete\""), std::string::npos) << command;
  EXPECT_NE(command.find("\"default/a/u/20260101T000000Z-7\""), std::string::npos);
  EndPod("b-delete", true, R"({})");
  Run(backups_, "b");
  EXPECT_TRUE(Backup("b").is_null());
}

TEST_F(BackupTest, AFailedRemovalIsTriedAgainLater) {
  PutBackup("b");
  Run(backups_, "b");
  EndPod("b-1", true, kDone);
  Run(backups_, "b");
  api_.Delete(resources::kEtcdBackups, {"default", "b"});
  Run(backups_, "b");
  EndPod("b-delete", false, R"({"reason":"AccessDenied","message":"403"})");
  ASSERT_TRUE(backups_.Reconcile({"default", "b"}).ok());
  clock_.Advance(std::chrono::minutes(6));
  Run(backups_, "b");
  EndPod("b-delete", true, R"({})");
  Run(backups_, "b");
  EXPECT_TRUE(Backup("b").is_null());
}

TEST_F(BackupTest, ARetainedBackupGoesAtOnceAndLeavesItsObjectInTheStore) {
  PutBackup("b", "Retain");
  Run(backups_, "b");
  EndPod("b-1", true, kDone);
  Run(backups_, "b");
  api_.Delete(resources::kEtcdBackups, {"default", "b"});
  EXPECT_TRUE(Backup("b").is_null());
}

TEST_F(BackupTest, ADyingNamespaceIsNotHeldUp) {
  PutBackup("b");
  Run(backups_, "b");
  EndPod("b-1", true, kDone);
  Run(backups_, "b");
  api_.Delete(resources::kEtcdBackups, {"default", "b"});
  api_.Mutate(resources::kNamespaces, {"", "default"},
              [](Json& ns) { ns["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"; });
  Run(backups_, "b");
  EXPECT_TRUE(Backup("b").is_null());
}

TEST_F(BackupTest, AStoreSaysHowItsLastRunWent) {
  const auto reachable = [this] {
    EXPECT_TRUE(stores_.Reconcile({"default", "s"}).ok());
    const Json store = api_.Peek(resources::kEtcdBackupStores, {"default", "s"});
    return kube::Text(store, "/status/conditions/0/status") + " " +
           kube::Text(store, "/status/conditions/0/reason");
  };
  EXPECT_EQ(reachable(), "Unknown NeverUsed");
  PutBackup("b");
  Run(backups_, "b");
  EndPod("b-1", false, R"({"reason":"AccessDenied","message":"403"})");
  Run(backups_, "b");
  EXPECT_EQ(reachable(), "False AccessDenied");
  clock_.Advance(std::chrono::minutes(1));
  Run(backups_, "b");
  EndPod("b-2", true, kDone);
  Run(backups_, "b");
  EXPECT_EQ(reachable(), "True Used");
  const auto writes = api_.writes().size();
  EXPECT_EQ(reachable(), "True Used");
  EXPECT_EQ(api_.writes().size(), writes) << "nothing new, nothing written";
  api_.Remove(resources::kSecrets, {"default", "keys"});
  EXPECT_EQ(reachable(), "False CredentialsMissing");
}

class ScheduleTest : public BackupTest {
 protected:
  void PutSchedule(const Json& changes = Json::object()) {
    Json schedule = Make(resources::kEtcdBackupSchedules, "n");
    schedule["spec"] = {{"clusterRef", {{"name", "a"}}},
                        {"storeRef", {{"name", "s"}}},
                        {"schedule", "*/10 * * * *"},
                        {"retention", {{"keepLast", 2}}}};
    schedule["spec"].update(changes);
    api_.Put(resources::kEtcdBackupSchedules, schedule);
  }
  std::string Of(const std::string& field) {
    return kube::Text(api_.Peek(resources::kEtcdBackupSchedules, {"default", "n"}),
                      "/status/" + field);
  }
  // Ten minutes pass, the schedule looks, and what it started is carried out.
  void TenMinutes(bool well = true) {
    clock_.Advance(std::chrono::minutes(10));
    Run(schedules_, "n");
    for (const std::string& name : Names(resources::kEtcdBackups)) {
      if (Phase(name) == "Completed" || Phase(name) == "Failed") continue;
      Run(backups_, name);
      EndPod(name + "-1", well, well ? kDone : "{}");
      Run(backups_, name);
    }
    Run(schedules_, "n");
  }
  // The stored objects of deleted backups are removed.
  void Purge() {
    for (const std::string& name : Names(resources::kEtcdBackups)) {
      if (!kube::IsDeleting(Backup(name))) continue;
      Run(backups_, name);
      EndPod(name + "-delete", true, "{}");
      Run(backups_, name);
    }
    api_.CollectGarbage();
  }
};

TEST_F(ScheduleTest, RunsComeAndOldOnesGo) {
  PutSchedule();
  Run(schedules_, "n");
  EXPECT_TRUE(Names(resources::kEtcdBackups).empty()) << "nothing is due yet";
  EXPECT_NE(Of("nextScheduleTime"), "");
  for (int i = 0; i < 4; ++i) {
    TenMinutes();
    Purge();
  }
  EXPECT_EQ(Names(resources::kEtcdBackups).size(), 2U);
  EXPECT_NE(Of("lastSuccessfulTime"), "");
  EXPECT_EQ(Of("conditions/0/status"), "True");
}

TEST_F(ScheduleTest, NothingIsDeletedWhileTheClusterIsNotAvailable) {
  PutSchedule();
  Run(schedules_, "n");
  SetClusterAvailable(false);
  for (int i = 0; i < 4; ++i) TenMinutes();
  EXPECT_EQ(Names(resources::kEtcdBackups).size(), 4U);
  SetClusterAvailable(true);
  Run(schedules_, "n");
  Purge();
  EXPECT_EQ(Names(resources::kEtcdBackups).size(), 2U);
}

TEST_F(ScheduleTest, AFailedRunIsSaidAndTheNextOneHealsIt) {
  PutSchedule({{"retries", 0}});
  Run(schedules_, "n");
  TenMinutes(false);
  EXPECT_EQ(Of("conditions/0/status"), "False");
  TenMinutes(true);
  EXPECT_EQ(Of("conditions/0/status"), "True");
}

TEST_F(ScheduleTest, StoppedAfterStartingItDoesNotStartTwice) {
  PutSchedule();
  Run(schedules_, "n");
  clock_.Advance(std::chrono::minutes(10));
  api_.StopAfterWrites(1);
  EXPECT_FALSE(schedules_.Reconcile({"default", "n"}).ok());
  api_.Resume();
  Run(schedules_, "n");
  EXPECT_EQ(Names(resources::kEtcdBackups).size(), 1U);
  EXPECT_EQ(kube::Number(api_.Peek(resources::kEtcdBackupSchedules, {"default", "n"}),
                         "/status/missedRuns"),
            0);
}

TEST_F(ScheduleTest, ASuspendedScheduleStartsNothing) {
  PutSchedule({{"suspend", true}});
  Run(schedules_, "n");
  clock_.Advance(std::chrono::minutes(30));
  Run(schedules_, "n");
  EXPECT_TRUE(Names(resources::kEtcdBackups).empty());
}

TEST_F(ScheduleTest, MistakesAreConditionsThatSayWhatToDo) {
  PutSchedule({{"schedule", "61 * * * *"}});
  Run(schedules_, "n");
  EXPECT_EQ(Of("conditions/0/status"), "False");
  EXPECT_NE(Of("conditions/0/message"), "");
  api_.Mutate(resources::kEtcdBackupSchedules, {"default", "n"}, [](Json& object) {
    object["spec"]["schedule"] = "@daily";
    object["spec"]["timeZone"] = "Mars/Olympus";
  });
  Run(schedules_, "n");
  EXPECT_EQ(Of("conditions/0/reason"), "InvalidTimeZone");
}

}  // namespace
}  // namespace quorate::controllers
