#include "runtime/events.h"

#include <gtest/gtest.h>

#include "sim/clock.h"
#include "sim/kube_api.h"

namespace quorate::runtime {
namespace {

namespace resources = kube::resources;

class EventsTest : public testing::Test {
 protected:
  EventsTest() {
    object_ = api_.Put(resources::kEtcdClusters,
                       kube::MakeObject(resources::kEtcdClusters, {"default", "a"}));
  }
  void Record(const std::string& note) {
    events_.Record(object_, EventType::kNormal, "MemberAdded", "MemberAdd", note);
  }
  std::vector<kube::Json> All() { return api_.All(resources::kEvents, ""); }

  sim::Clock clock_;
  sim::KubeApi api_{clock_, 1};
  kube::Client client_{api_, clock_, {}};
  EventRecorder events_{client_, clock_, {}};
  kube::Json object_;
};

TEST_F(EventsTest, AnEventNamesItsObject) {
  Record("added a-1");
  ASSERT_EQ(All().size(), 1U);
  const kube::Json event = All()[0];
  EXPECT_EQ(kube::Namespace(event), "default");
  EXPECT_EQ(kube::Text(event, "/regarding/uid"), kube::Uid(object_));
  EXPECT_EQ(kube::Text(event, "/regarding/kind"), "EtcdCluster");
  EXPECT_EQ(kube::Text(event, "/reason"), "MemberAdded");
  EXPECT_EQ(kube::Text(event, "/type"), "Normal");
  EXPECT_EQ(kube::Text(event, "/note"), "added a-1");
}

TEST_F(EventsTest, TheSameEventAgainIsCounted) {
  Record("x");
  Record("x");
  Record("x");
  ASSERT_EQ(All().size(), 1U);
  EXPECT_EQ(kube::Number(All()[0], "/series/count"), 3);
  clock_.Advance(std::chrono::minutes(7));
  Record("x");
  EXPECT_EQ(All().size(), 2U) << "a new series";
}

TEST_F(EventsTest, AnObjectThatShoutsIsSilencedForAWhile) {
  for (int i = 0; i < 100; ++i) Record("n" + std::to_string(i));
  EXPECT_EQ(All().size(), 25U);
  clock_.Advance(std::chrono::minutes(10));
  for (int i = 0; i < 100; ++i) Record("m" + std::to_string(i));
  EXPECT_EQ(All().size(), 27U);
}

TEST_F(EventsTest, LongNotesAreCutBetweenCharacters) {
  std::string note(1023, 'a');
  note += "\xC3\xA4";  // two bytes, of which only one would fit
  Record(note);
  EXPECT_EQ(kube::Text(All()[0], "/note"), std::string(1023, 'a'));
}

TEST_F(EventsTest, AServerThatIsGoneLosesTheEventAndNothingElse) {
  api_.SetReachable(false);
  Record("x");
  api_.Resume();
  EXPECT_TRUE(All().empty());
}

}  // namespace
}  // namespace quorate::runtime
