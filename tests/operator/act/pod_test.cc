#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "act/member_pod.h"
#include "act/store_access.h"
#include "api/names.h"
#include "sim/clock.h"
#include "sim/kube_api.h"

namespace quorate::act {
namespace {

using kube::Json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class PodTest : public testing::Test {
 protected:
  PodTest() {
    desired_.cluster.meta.name = "a";
    desired_.cluster.meta.namespace_name = "db";
    desired_.cluster.meta.uid = "u-1";
    desired_.cluster.spec.version = "0.1.0";
    desired_.image = "quorate/quorate:0.1.0";
    desired_.revision = "0123456789";
  }

  Json Make(const plan::CreatePod& step, std::optional<api::EtcdBackupStore> store = {}) {
    const Context context{client_, connect_, clock_, std::chrono::seconds(1), desired_, observed_};
    return MakeMemberPod(context, step, store);
  }
  static plan::CreatePod Existing() {
    return {"a-x1y2z", plan::Start::kExisting, "a-x1y2z=http://a-x1y2z.a-peer.db.svc:2380",
            ClusterId{0xcafe}, "voter"};
  }

  sim::Clock clock_;
  sim::KubeApi api_{clock_, 1};
  kube::Client client_{api_, clock_, {}};
  Connector connect_;
  plan::Desired desired_;
  plan::Observed observed_;
};

TEST_F(PodTest, ServesUnderAStableNameWithItsOwnVolume) {
  const Json pod = Make(Existing());
  EXPECT_EQ(pod["spec"]["hostname"], "a-x1y2z");
  EXPECT_EQ(pod["spec"]["subdomain"], "a-peer");
  EXPECT_EQ(pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "a-x1y2z-data");
  EXPECT_EQ(pod["metadata"]["ownerReferences"][0]["uid"], "u-1");
  EXPECT_EQ(kube::Label(pod, api::kLabelRole), "voter");
  EXPECT_EQ(kube::Annotation(pod, api::kAnnotationStart), "existing");
}

TEST_F(PodTest, PassesThePodSecurityProfileRestricted) {
  desired_.cluster.spec.bootstrap.emplace().restore.emplace();
  observed_.restore = {"", "s", "db/a/u/1"};
  api::EtcdBackupStore store;
  store.spec.pvc.emplace(api::PvcStoreSpec{"backups", "x"});
  plan::CreatePod step = Existing();
  step.start = plan::Start::kRestore;
  const Json pod = Make(step, store);
  const Json& security = pod["spec"]["securityContext"];
  EXPECT_EQ(security["runAsNonRoot"], true);
  EXPECT_EQ(security["seccompProfile"]["type"], "RuntimeDefault");
  EXPECT_EQ(pod["spec"]["automountServiceAccountToken"], false);
  for (const Json& container : {pod["spec"]["containers"][0], pod["spec"]["initContainers"][0]}) {
    EXPECT_EQ(container["securityContext"]["allowPrivilegeEscalation"], false);
    EXPECT_EQ(container["securityContext"]["readOnlyRootFilesystem"], true);
    EXPECT_EQ(container["securityContext"]["capabilities"]["drop"], Json::array({"ALL"}));
  }
  for (const Json& volume : pod["spec"]["volumes"]) EXPECT_FALSE(volume.contains("hostPath"));
}

TEST_F(PodTest, ARestoreFetchesIntoTheMembersOwnVolumeUnderANewIdentity) {
  observed_.restore = {"", "s", "db/a/u/20261121T030000Z-7"};
  api::EtcdBackupStore store;
  store.spec.s3.emplace().bucket = "backups";
  plan::CreatePod step = Existing();
  step.start = plan::Start::kRestore;
  const Json restore = Make(step, store)["spec"]["initContainers"][0];
  EXPECT_THAT(restore["args"].get<std::vector<std::string>>(),
              ElementsAre("backup", "restore", "db/a/u/20261121T030000Z-7", "--skip-existing",
                          "--data-dir=/var/lib/quorate/data", "--name=a-x1y2z",
                          "--initial-cluster=a-x1y2z=http://a-x1y2z.a-peer.db.svc:2380",
                          "--initial-advertise-peer-urls=http://a-x1y2z.a-peer.db.svc:2380",
                          "--initial-cluster-token=u-1", "--termination-log=/dev/termination-log",
                          "--store=s3://backups", "--s3-region=us-east-1"));
  EXPECT_EQ(restore["volumeMounts"][0]["name"], "data");
}

TEST_F(PodTest, LivenessNeverAsksForQuorumAndReadinessDoes) {
  const Json pod = Make(Existing());
  const Json& server = pod["spec"]["containers"][0];
  EXPECT_EQ(server["livenessProbe"]["httpGet"]["path"], "/livez");
  EXPECT_EQ(server["startupProbe"]["httpGet"]["path"], "/livez");
  EXPECT_EQ(server["readinessProbe"]["httpGet"]["path"], "/readyz");
  EXPECT_EQ(server["readinessProbe"]["httpGet"]["port"], 2381);
}

TEST_F(PodTest, TheServerIsToldEverythingInEtcdsFlags) {
  EXPECT_THAT(ServerArguments(desired_, Existing()),
              ElementsAre("--name=a-x1y2z", "--data-dir=/var/lib/quorate/data",
                          "--listen-client-urls=http://0.0.0.0:2379",
                          "--advertise-client-urls=http://a-x1y2z.a-peer.db.svc:2379",
                          "--listen-peer-urls=http://0.0.0.0:2380",
                          "--initial-advertise-peer-urls=http://a-x1y2z.a-peer.db.svc:2380",
                          "--listen-metrics-urls=http://0.0.0.0:2381",
                          "--initial-cluster=a-x1y2z=http://a-x1y2z.a-peer.db.svc:2380",
                          "--initial-cluster-state=existing", "--initial-cluster-token=u-1",
                          "--quota-backend-bytes=6871947672", "--snapshot-count=10000",
                          "--heartbeat-interval=100", "--election-timeout=1000",
                          "--max-request-bytes=1572864", "--log-level=info",
                          "--quorate-forbid-bootstrap=true", "--quorate-expected-cluster-id=cafe"));
}

TEST_F(PodTest, OnlyTheSeedOfANewClusterMayFormOne) {
  plan::CreatePod seed = Existing();
  seed.start = plan::Start::kNew;
  seed.cluster_id = {};
  EXPECT_THAT(ServerArguments(desired_, seed), Contains("--initial-cluster-state=new"));
  EXPECT_THAT(ServerArguments(desired_, seed), Not(Contains("--quorate-forbid-bootstrap=true")));
  seed.start = plan::Start::kRestore;
  EXPECT_THAT(ServerArguments(desired_, seed), Contains("--quorate-forbid-bootstrap=true"));
  EXPECT_THAT(ServerArguments(desired_, seed), Contains("--initial-cluster-state=existing"));
}

TEST_F(PodTest, MembersAvoidEachOthersNodesAsTheSpecSays) {
  Json pod = Make(Existing());
  EXPECT_EQ(
      pod["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
         [0]["podAffinityTerm"]["topologyKey"],
      "kubernetes.io/hostname");
  desired_.cluster.spec.scheduling.anti_affinity = api::AntiAffinity::kRequired;
  pod = Make(Existing());
  EXPECT_TRUE(pod["spec"]["affinity"]["podAntiAffinity"].contains(
      "requiredDuringSchedulingIgnoredDuringExecution"));
  desired_.cluster.spec.scheduling.anti_affinity = api::AntiAffinity::kNone;
  EXPECT_FALSE(Make(Existing())["spec"].contains("affinity"));
}

TEST_F(PodTest, TheUsersLabelsNeverHideOurs) {
  desired_.cluster.spec.pod.labels = {{"team", "blue"}, {"quorate.dev/role", "boss"}};
  const Json pod = Make(Existing());
  EXPECT_EQ(kube::Label(pod, "team"), "blue");
  EXPECT_EQ(kube::Label(pod, api::kLabelRole), "voter");
}

TEST(StoreAccessTest, SecretsReachThePodByReferenceNeverByArgument) {
  api::BackupStoreSpec store;
  store.s3.emplace();
  store.s3->bucket = "b";
  store.s3->prefix = "p/q";
  store.s3->endpoint = "https://minio:9000";
  store.s3->credentials_secret_ref = api::LocalRef{"keys"};
  store.s3->ca_bundle_secret_ref = api::SecretKeyRef{"ca", "tls.crt"};
  EXPECT_THAT(StoreArguments(store), ElementsAre("--store=s3://b/p/q", "--s3-region=us-east-1",
                                                 "--s3-endpoint=https://minio:9000",
                                                 "--s3-ca=/etc/quorate/store-ca/ca.crt"));
  Json spec = Json::object();
  Json container = Json::object();
  AddStoreAccess(store, spec, container);
  EXPECT_EQ(container["env"][0]["valueFrom"]["secretKeyRef"]["name"], "keys");
  EXPECT_EQ(spec["volumes"][0]["secret"]["items"][0]["key"], "tls.crt");
}

TEST(StoreAccessTest, AVolumeStoreIsAFolder) {
  api::BackupStoreSpec store;
  store.pvc.emplace(api::PvcStoreSpec{"claim", "deep/down"});
  EXPECT_THAT(StoreArguments(store), ElementsAre("--store=dir:///backup/deep/down"));
}

}  // namespace
}  // namespace quorate::act
