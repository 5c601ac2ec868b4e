#include "observe/facts.h"

#include <gtest/gtest.h>

#include "api/names.h"

namespace quorate::observe {
namespace {

using kube::Json;

Json Pod(const char* status) {
  Json pod =
      Json::parse(R"({"metadata":{"name":"a-1","uid":"u","labels":{"quorate.dev/role":"voter"},
      "annotations":{"quorate.dev/revision":"r","quorate.dev/start":"existing"}},
      "spec":{"nodeName":"n1"}})");
  pod["status"] = Json::parse(status);
  return pod;
}

TEST(PodFactsTest, ARunningPod) {
  const plan::PodFacts facts = PodFactsOf(Pod(R"({"phase":"Running",
      "conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-11-21T07:00:00Z"}],
      "containerStatuses":[{"name":"server","restartCount":2}]})"));
  EXPECT_TRUE(facts.ready);
  EXPECT_EQ(facts.ready_changed, api::ParseTime("2026-11-21T07:00:00Z"));
  EXPECT_EQ(facts.restarts, 2);
  EXPECT_EQ(facts.role, "voter");
  EXPECT_EQ(facts.revision, "r");
  EXPECT_FALSE(facts.starts_new);
  EXPECT_EQ(facts.problem, "");
  EXPECT_EQ(facts.last_exit, std::nullopt);
}

TEST(PodFactsTest, ATypedExitIsReadOffTheTerminationMessage) {
  const plan::PodFacts facts = PodFactsOf(Pod(R"({"phase":"Running","containerStatuses":[
      {"name":"sidecar","lastState":{"terminated":{"exitCode":1}}},
      {"name":"server","state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},
       "lastState":{"terminated":{"exitCode":11,
         "message":"{\"exit\":11,\"message\":\"wal: crc mismatch\"}\n"}}}]})"));
  ASSERT_TRUE(facts.last_exit);
  EXPECT_EQ(*facts.last_exit, (plan::Exit{11, "wal: crc mismatch"}));
  EXPECT_EQ(facts.problem, "") << "a crash loop is told by the exit, not by the back-off";
}

TEST(PodFactsTest, WhatKeepsAPodFromStartingIsSaid) {
  EXPECT_EQ(PodFactsOf(Pod(R"({"phase":"Pending","containerStatuses":[{"name":"server",
      "state":{"waiting":{"reason":"ImagePullBackOff","message":"no such image"}}}]})"))
                .problem,
            "ImagePullBackOff: no such image");
  EXPECT_EQ(PodFactsOf(Pod(R"({"phase":"Pending","conditions":[{"type":"PodScheduled",
      "status":"False","message":"0/3 nodes are available"}]})"))
                .problem,
            "0/3 nodes are available");
  EXPECT_EQ(PodFactsOf(Pod(R"({"phase":"Pending","initContainerStatuses":[{"name":"restore",
      "lastState":{"terminated":{"exitCode":1,
        "message":"{\"reason\":\"BadHash\",\"message\":\"the backup is damaged\"}"}}}]})"))
                .problem,
            "restore failed: the backup is damaged");
  EXPECT_EQ(
      PodFactsOf(Pod(R"({"phase":"Failed","reason":"Evicted","message":"disk pressure"})")).problem,
      "Evicted: disk pressure");
  EXPECT_EQ(PodFactsOf(Pod(R"({"phase":"Pending","containerStatuses":[{"name":"server",
      "state":{"waiting":{"reason":"ContainerCreating"}}}]})"))
                .problem,
            "");
}

TEST(PodFactsTest, AStrangersPodDoesNotStopTheOperator) {
  EXPECT_EQ(
      PodFactsOf(Json::parse(R"({"status":{"conditions":"?","containerStatuses":[7]}})")).name, "");
}

TEST(VolumeFactsTest, ReadsWhoseDataItHolds) {
  const plan::VolumeFacts facts = VolumeFactsOf(Json::parse(
      R"({"metadata":{"name":"a-1-data","uid":"u","labels":{"quorate.dev/member":"a-1"},
          "annotations":{"quorate.dev/cluster-id":"cafe","quorate.dev/member-id":"1",
                         "quorate.dev/retained":"2026-11-21T07:00:00Z"},
          "deletionTimestamp":"2026-11-21T07:00:00Z"},"status":{"phase":"Lost"}})"));
  EXPECT_EQ(facts.member, "a-1");
  EXPECT_EQ(facts.cluster_id, "cafe");
  EXPECT_EQ(facts.member_id, "1");
  EXPECT_TRUE(facts.lost);
  EXPECT_TRUE(facts.terminating);
  EXPECT_TRUE(facts.retained);
  EXPECT_FALSE(facts.bound);
}

TEST(NodeTest, UnknownIsSilentToo) {
  const auto node = [](const char* status) {
    return Json{
        {"status",
         {{"conditions", Json::array({{{"type", "Ready"},
                                       {"status", status},
                                       {"lastTransitionTime", "2026-11-21T07:00:00Z"}}})}}}};
  };
  EXPECT_EQ(NodeSilentSince(node("True")), std::nullopt);
  EXPECT_EQ(NodeSilentSince(node("Unknown")), api::ParseTime("2026-11-21T07:00:00Z"));
  EXPECT_EQ(NodeSilentSince(node("False")), api::ParseTime("2026-11-21T07:00:00Z"));
}

}  // namespace
}  // namespace quorate::observe
