#include "kube/object.h"

#include <gtest/gtest.h>

#include "kube/api_error.h"

namespace quorate::kube {
namespace {

TEST(KubeObjectTest, MissingAndMistypedFieldsReadAsEmpty) {
  const Json object{{"metadata", {{"name", 7}, {"labels", nullptr}}}, {"list", {1, 2}}};
  EXPECT_EQ(Name(object), "");
  EXPECT_EQ(Uid(object), "");
  EXPECT_EQ(Label(object, "a/b"), "");
  EXPECT_TRUE(TextMap(object, "/metadata/labels").empty());
  EXPECT_EQ(Number(object, "/list/1"), 2);
  EXPECT_EQ(Find(object, "/list/2"), nullptr);
  EXPECT_EQ(Find(object, "/list/x"), nullptr);
  EXPECT_EQ(Find(Json("text"), "/a"), nullptr);
}

TEST(KubeObjectTest, KeysWithSlashesAreFound) {
  const Json object{{"metadata", {{"labels", {{"quorate.dev/cluster", "a"}, {"x~y", "b"}}}}}};
  EXPECT_EQ(Label(object, "quorate.dev/cluster"), "a");
  EXPECT_EQ(Label(object, "x~y"), "b");
}

TEST(KubeObjectTest, TheControllerIsOneOwnerOfSeveral) {
  Json object;
  object["metadata"]["ownerReferences"] = {{{"uid", "1"}}, {{"uid", "2"}, {"controller", true}}};
  EXPECT_EQ(ControllerUid(object), "2");
}

TEST(KubeObjectTest, TimesSurviveARoundTrip) {
  const auto time = ParseTime("2026-11-21T07:30:05Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(FormatTime(*time), "2026-11-21T07:30:05Z");
  EXPECT_EQ(FormatMicroTime(*time + std::chrono::microseconds(42)), "2026-11-21T07:30:05.000042Z");
  EXPECT_EQ(ParseTime("2026-11-21T07:30:05.25Z"), *time + std::chrono::milliseconds(250));
  for (const char* bad :
       {"", "2026-11-21", "2026-11-21T07:30:05+01:00", "2026-13-21T07:30:05Z",
        "2026-11-21T24:30:05Z", "2026-11-21T07:30:05Zx", "20a6-11-21T07:30:05Z"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

TEST(KubeObjectTest, SelectorsMatchAsTheApiMeansThem) {
  const std::map<std::string, std::string> labels{{"app", "etcd"}, {"role", "voter"}};
  for (const char* yes :
       {"", "app", "app=etcd", "app==etcd", "app=etcd,role=voter", "app!=x", "!gone", "gone!=x",
        "app in (x, etcd)", "app notin (x,y)", "gone notin (x)"}) {
    EXPECT_TRUE(LabelsMatch(labels, yes)) << yes;
  }
  for (const char* no : {"gone", "app=x", "app=etcd,role=learner", "!app", "app!=etcd",
                         "app in (x,y)", "app notin (etcd)", "gone in (x)", "app in x", ","}) {
    EXPECT_FALSE(LabelsMatch(labels, no)) << no;
  }
}

TEST(KubeObjectTest, BrokenTextIsReplacedNotThrown) {
  EXPECT_EQ(Dump(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

TEST(KubeResourceTest, PathsFollowTheApi) {
  using namespace resources;
  EXPECT_EQ(kPods.Path("default", "a"), "/api/v1/namespaces/default/pods/a");
  EXPECT_EQ(kPods.Path(""), "/api/v1/pods");
  EXPECT_EQ(kNodes.Path("ignored", "n"), "/api/v1/nodes/n");
  EXPECT_EQ(kEtcdClusters.Path("x", "a", "status"),
            "/apis/quorate.dev/v1alpha1/namespaces/x/etcdclusters/a/status");
  EXPECT_EQ(kPods.Path("a/../b", "c d"), "/api/v1/namespaces/a%2F..%2Fb/pods/c%20d");
  EXPECT_EQ(kPods.ApiVersion(), "v1");
  EXPECT_EQ(kLeases.ApiVersion(), "coordination.k8s.io/v1");
}

TEST(KubeErrorTest, TheReasonWinsOverTheStatusCode) {
  HttpResponse response;
  response.status = 409;
  response.body = R"({"kind":"Status","reason":"AlreadyExists","message":"already exists"})";
  EXPECT_EQ(ReasonOf(MakeApiError(response, "create")), Reason::kAlreadyExists);
  response.body = R"({"kind":"Status","reason":"Conflict","message":"modified"})";
  EXPECT_TRUE(IsConflict(MakeApiError(response, "update")));
  EXPECT_EQ(MakeApiError(response, "update pods a").message, "update pods a: modified");
}

TEST(KubeErrorTest, AProxysPlainTextIsQuoted) {
  HttpResponse response;
  response.status = 502;
  response.body = "Bad Gateway\nlong page";
  const Error error = MakeApiError(response, "get");
  EXPECT_EQ(error.message, "get: the server answered 502: Bad Gateway");
  EXPECT_TRUE(IsOutcomeUnknown(error));
}

TEST(KubeErrorTest, GoneIsGoneUnderBothNames) {
  EXPECT_TRUE(IsGone(MakeStatusError(R"({"code":410,"reason":"Expired"})", "watch")));
  EXPECT_TRUE(IsGone(MakeStatusError(R"({"code":410,"reason":"Gone"})", "watch")));
  EXPECT_TRUE(IsGone(MakeStatusError(R"({"code":410})", "watch")));
}

}  // namespace
}  // namespace quorate::kube
