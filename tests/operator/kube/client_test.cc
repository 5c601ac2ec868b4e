#include "kube/client.h"

#include <gtest/gtest.h>

#include "sim/clock.h"
#include "sim/kube_api.h"

namespace quorate::kube {
namespace {

class KubeClientTest : public testing::Test {
 protected:
  Json Map(const std::string& name) {
    return MakeObject(resources::kConfigMaps, {"default", name});
  }

  sim::Clock clock_;
  sim::KubeApi api_{clock_, 1};
};

TEST_F(KubeClientTest, RetryAfterSilencesTheClientUntilItHasPassed) {
  Client client(api_, clock_, {});
  api_.Inject({.status = 429, .reason = "TooManyRequests", .retry_after = 5});
  EXPECT_EQ(ReasonOf(client.ListAll(resources::kPods, "", {}).error()), Reason::kTooManyRequests);
  const auto reads = api_.reads();
  EXPECT_EQ(ReasonOf(client.ListAll(resources::kPods, "", {}).error()), Reason::kTooManyRequests);
  EXPECT_EQ(api_.reads(), reads) << "not even asked";
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_TRUE(client.ListAll(resources::kPods, "", {}).ok());
}

TEST_F(KubeClientTest, WhoDoesNotLeadReadsButDoesNotWrite) {
  bool leading = false;
  Client::Options options;
  options.may_write = [&leading] { return leading; };
  Client client(api_, clock_, options);
  EXPECT_EQ(ReasonOf(client.Create(resources::kConfigMaps, Map("a")).error()), Reason::kNotLeading);
  EXPECT_EQ(ReasonOf(client.Delete(resources::kConfigMaps, {"default", "a"}, {}).error()),
            Reason::kNotLeading);
  EXPECT_TRUE(client.ListAll(resources::kConfigMaps, "", {}).ok());
  EXPECT_TRUE(api_.writes().empty());
  leading = true;
  EXPECT_TRUE(client.Create(resources::kConfigMaps, Map("a")).ok());
}

TEST_F(KubeClientTest, AListingStartsAnewOnceWhenItsTokenExpires) {
  Client client(api_, clock_, {});
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(client.Create(resources::kConfigMaps, Map(name)).ok());
  }
  ListOptions options;
  options.limit = 2;
  api_.Inject({.target_part = "continue", .status = 410, .reason = "Expired"});
  const auto all = client.ListAll(resources::kConfigMaps, "default", options);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(all->items.size(), 3U) << "nothing twice";
}

TEST_F(KubeClientTest, ALostAnswerIsAnUnknownOutcome) {
  Client client(api_, clock_, {});
  api_.Inject({.method = "POST", .after = true});
  const auto made = client.Create(resources::kConfigMaps, Map("a"));
  ASSERT_FALSE(made.ok());
  EXPECT_TRUE(IsOutcomeUnknown(made.error()));
  EXPECT_TRUE(client.Get(resources::kConfigMaps, {"default", "a"}).ok()) << "it happened";
}

TEST_F(KubeClientTest, EveryAnswerIsCounted) {
  std::vector<int> answers;
  Client::Options options;
  options.on_answer = [&answers](std::string_view, int status) { answers.push_back(status); };
  Client client(api_, clock_, options);
  EXPECT_FALSE(client.Get(resources::kPods, {"default", "a"}).ok());
  api_.SetReachable(false);
  EXPECT_FALSE(client.Get(resources::kPods, {"default", "a"}).ok());
  EXPECT_EQ(answers, (std::vector<int>{404, 0}));
}

// Answers everything with one text, as whatever stands between us and the API server may.
class OneAnswer final : public Http {
 public:
  explicit OneAnswer(std::string body) : body_(std::move(body)) {}
  Result<HttpResponse> Send(const HttpRequest&, std::chrono::milliseconds) override {
    return HttpResponse{200, "application/json", {}, body_};
  }
  std::unique_ptr<HttpStream> Open(const HttpRequest&, std::chrono::milliseconds) override {
    return nullptr;
  }

 private:
  std::string body_;
};

// The items' kind was written into whatever they were; a text or a number ended the operator.
TEST_F(KubeClientTest, AnAnswerThatHoldsNoListOfObjectsIsAnError) {
  for (const char* body : {"[]", "{}", R"({"items":7})", R"({"items":"a"})", R"({"items":{"a":1}})",
                           R"({"items":[{},7]})", R"({"items":[[]]})"}) {
    OneAnswer http(body);
    Client client(http, clock_, {});
    const auto all = client.ListAll(resources::kPods, "", {});
    ASSERT_FALSE(all.ok()) << body;
    EXPECT_EQ(all.error().code, Code::kInternal) << body;
  }
}

}  // namespace
}  // namespace quorate::kube
