#include "api/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace quorate::api {
namespace {

using Json = nlohmann::json;

Json MinimalCluster() {
  return {{"apiVersion", "quorate.dev/v1alpha1"},
          {"kind", "EtcdCluster"},
          {"metadata", {{"name", "a"}, {"namespace", "db"}, {"uid", "u-1"}, {"generation", 3}}},
          {"spec", {{"version", "0.1.0"}, {"tls", {{"mode", "None"}}}}}};
}

TEST(ApiJsonTest, AbsentFieldsKeepTheirDefaults) {
  const auto cluster = FromJson<EtcdCluster>(MinimalCluster());
  ASSERT_TRUE(cluster) << cluster.error().message;
  EXPECT_EQ(cluster->meta.uid, "u-1");
  EXPECT_EQ(cluster->meta.generation, 3);
  EXPECT_EQ(cluster->spec.replicas, 3);
  EXPECT_EQ(cluster->spec.storage.reclaim.on_delete, Reclaim::kRetain);
  EXPECT_EQ(cluster->status.observed_generation, -1);
}

TEST(ApiJsonTest, AnObjectSurvivesTheWayThereAndBack) {
  Json object = MinimalCluster();
  object["spec"]["bootstrap"] = {{"restore", {{"backupRef", {{"name", "b"}}}}}};
  object["spec"]["resources"] = {{"limits", {{"cpu", 2}, {"memory", "1Gi"}}}};
  object["spec"]["scheduling"]["tolerations"] = {
      {{"operator", "Exists"}, {"tolerationSeconds", 5}}};
  object["status"] = {{"clusterID", "cafe"}, {"plan", {{"operation", "ScaleUp"}}}};
  const auto cluster = FromJson<EtcdCluster>(object);
  ASSERT_TRUE(cluster) << cluster.error().message;
  EXPECT_EQ(cluster->spec.resources.limits.at("cpu").text, "2");
  const auto again = FromJson<EtcdCluster>(ToJson(*cluster));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *cluster);
}

// They were written as null, which nobody reads as an object or a text.
TEST(ApiJsonTest, EmptyItemsOfListsKeepTheirPlace) {
  Json object = MinimalCluster();
  object["spec"]["image"]["pullSecrets"] = {Json::object()};
  object["status"]["endpoints"]["members"] = {"", "b"};
  const auto cluster = FromJson<EtcdCluster>(object);
  ASSERT_TRUE(cluster) << cluster.error().message;
  const Json written = ToJson(*cluster);
  EXPECT_EQ(written["spec"]["image"]["pullSecrets"], object["spec"]["image"]["pullSecrets"]);
  EXPECT_EQ(written["status"]["endpoints"]["members"], object["status"]["endpoints"]["members"]);
  const auto again = FromJson<EtcdCluster>(written);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *cluster);
}

TEST(ApiJsonTest, UnknownFieldsAreLeftToNewerOperators) {
  Json object = MinimalCluster();
  object["spec"]["somethingNew"] = {{"a", 1}};
  EXPECT_TRUE(FromJson<EtcdCluster>(object));
}

TEST(ApiJsonTest, AWrongTypeNamesTheFieldAndWhatIsWanted) {
  Json object = MinimalCluster();
  object["spec"]["storage"] = {{"size", true}};
  EXPECT_EQ(FromJson<EtcdCluster>(object).error().message,
            "spec.storage.size: want a quantity such as 8Gi, have true");
  object = MinimalCluster();
  object["spec"]["repair"] = {{"policy", "Sometimes"}};
  EXPECT_EQ(FromJson<EtcdCluster>(object).error().message,
            "spec.repair.policy: want one of Auto, Off, have \"Sometimes\"");
  object = MinimalCluster();
  object["spec"]["replicas"] = 99999999999;
  EXPECT_EQ(FromJson<EtcdCluster>(object).error().message,
            "spec.replicas: want a number of 32 bits, have 99999999999");
}

TEST(ApiJsonTest, AnotherKindOrVersionIsRefused) {
  Json object = MinimalCluster();
  object["kind"] = "EtcdBackup";
  EXPECT_EQ(FromJson<EtcdCluster>(object).error().message,
            "not a quorate.dev/v1alpha1 EtcdCluster");
  EXPECT_FALSE(FromJson<EtcdCluster>(Json("text")));
}

TEST(ApiJsonTest, AStatusWriteCarriesNoSpec) {
  EtcdMember member;
  member.meta.name = "a-12345";
  member.meta.namespace_name = "db";
  member.status.phase = MemberPhase::kSyncing;
  const Json json = StatusToJson(member);
  EXPECT_FALSE(json.contains("spec"));
  EXPECT_EQ(json["status"]["phase"], "Syncing");
  EXPECT_EQ(json["metadata"], Json({{"name", "a-12345"}, {"namespace", "db"}}));
}

// A cluster in which all was well had nothing to say, and the API server refused its whole status.
TEST(ApiJsonTest, AConditionWithNothingToSayStillHasAMessage) {
  EtcdCluster cluster;
  cluster.status.conditions.push_back({.type = "Ready", .reason = "AllMembersReady"});
  const Json json = StatusToJson(cluster);
  EXPECT_EQ(json["status"]["conditions"][0]["message"], "");
}

}  // namespace
}  // namespace quorate::api
