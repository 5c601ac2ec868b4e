#include "runtime/informer.h"

#include <gtest/gtest.h>

#include "runtime/manager.h"
#include "runtime/reflector.h"
#include "sim/clock.h"
#include "sim/kube_api.h"

namespace quorate::runtime {
namespace {

using kube::Json;
namespace resources = kube::resources;

// A reflector on config maps, stepped by hand, and what it told.
class InformerTest : public testing::Test {
 protected:
  InformerTest()
      : reflector_(client_, clock_, random_, OptionsOf(), store_, [this](const Change& change) {
          const char* what = !change.before ? "+" : !change.after ? "-" : "~";
          told_ += what + kube::Name(change.object());
        }) {}

  static Informer::Options OptionsOf() {
    Informer::Options options;
    options.resource = resources::kConfigMaps;
    return options;
  }
  void Put(const std::string& name) {
    api_.Put(resources::kConfigMaps, kube::MakeObject(resources::kConfigMaps, {"default", name}));
  }
  void Touch(const std::string& name) {
    api_.Mutate(resources::kConfigMaps, {"default", name}, [](Json& object) {
      object["data"]["n"] = std::to_string(object["data"].size()) + object["data"].dump();
    });
  }
  void Drop(const std::string& name) { api_.Remove(resources::kConfigMaps, {"default", name}); }
  // Steps until nothing happens; what was told meanwhile.
  std::string Settle() {
    told_.clear();
    while (reflector_.Step(std::chrono::milliseconds(0))) {
    }
    return told_;
  }
  std::string SettleAfter(std::chrono::seconds time) {
    clock_.Advance(time);
    return Settle();
  }
  // The store holds exactly what the server holds.
  bool StoreIsTrue() {
    const auto all = api_.All(resources::kConfigMaps, "");
    if (all.size() != store_.size()) return false;
    for (const Json& object : all) {
      const auto held = store_.Get(kube::RefOf(object));
      if (!held || kube::ResourceVersion(*held) != kube::ResourceVersion(object)) return false;
    }
    return true;
  }

  sim::Clock clock_;
  sim::Prng random_{7};
  sim::KubeApi api_{clock_, 1};
  kube::Client client_{api_, clock_, {}};
  Store store_{""};
  std::string told_;
  Reflector reflector_;
};

TEST_F(InformerTest, ListsThenFollows) {
  Put("a");
  EXPECT_FALSE(reflector_.synced());
  EXPECT_EQ(Settle(), "+a");
  EXPECT_TRUE(reflector_.synced());
  Put("b");
  Touch("a");
  Drop("b");
  EXPECT_EQ(Settle(), "+b~a-b");
  EXPECT_TRUE(StoreIsTrue());
}

TEST_F(InformerTest, ABrokenWatchGoesOnWithoutListingAgain) {
  Put("a");
  Settle();
  const auto reads = api_.reads();
  api_.DropWatches();
  Put("b");
  EXPECT_EQ(Settle(), "") << "it waits before it tries again";
  EXPECT_EQ(SettleAfter(std::chrono::seconds(2)), "+b");
  EXPECT_EQ(api_.reads(), reads) << "no list";
}

TEST_F(InformerTest, ACleanEndGoesOnAfterASecond) {
  Settle();
  api_.EndWatches();
  Put("a");
  EXPECT_EQ(Settle(), "");
  EXPECT_EQ(SettleAfter(std::chrono::seconds(1)), "+a");
}

TEST_F(InformerTest, AVersionThatIsTooOldListsAgainAndTellsWhatWasMissed) {
  Put("kept");
  Put("touched");
  Put("gone");
  Settle();
  api_.HoldWatches(true);
  Touch("touched");
  Drop("gone");
  Put("fresh");
  api_.Compact();
  api_.HoldWatches(false);
  EXPECT_EQ(Settle(), "-gone+fresh~touched");
  EXPECT_TRUE(StoreIsTrue());
}

TEST_F(InformerTest, BookmarksKeepAQuietWatchFresh) {
  Put("a");
  Settle();
  // Other kinds move the revision on; without a bookmark ours would be compacted away.
  api_.Put(resources::kSecrets, kube::MakeObject(resources::kSecrets, {"default", "s"}));
  Settle();
  api_.SendBookmarks();
  Settle();
  api_.Compact();
  const auto reads = api_.reads();
  api_.DropWatches();
  Settle();
  Put("b");
  EXPECT_EQ(SettleAfter(std::chrono::seconds(2)), "+b");
  EXPECT_EQ(api_.reads(), reads) << "no list was needed";
}

TEST_F(InformerTest, AServerThatIsGoneIsAskedAgainWithGrowingWaits) {
  api_.SetReachable(false);
  int tries = 0;
  for (int second = 0; second < 120; ++second) {
    if (reflector_.Step(std::chrono::milliseconds(0))) ++tries;
    clock_.Advance(std::chrono::seconds(1));
  }
  EXPECT_GE(tries, 6);
  EXPECT_LE(tries, 15);
  EXPECT_FALSE(reflector_.synced());
  EXPECT_NE(reflector_.trouble(), "");
  api_.Resume();
  Put("a");
  EXPECT_EQ(SettleAfter(std::chrono::seconds(30)), "+a");
  EXPECT_EQ(reflector_.trouble(), "");
}

TEST_F(InformerTest, ListsAgainOnceInALongWhile) {
  Put("a");
  Settle();
  const auto reads = api_.reads();
  clock_.Advance(std::chrono::hours(9));  // the watch's own timeout ends it
  Settle();
  EXPECT_EQ(SettleAfter(std::chrono::seconds(1)), "") << "nothing changed, nothing told";
  EXPECT_GT(api_.reads(), reads);
}

TEST_F(InformerTest, ManagedFieldsAreNotKept) {
  Put("a");
  api_.Mutate(resources::kConfigMaps, {"default", "a"}, [](Json& object) {
    object["metadata"]["managedFields"] = {{{"manager", "x"}}};
  });
  Settle();
  EXPECT_FALSE((*store_.Get({"default", "a"}))["metadata"].contains("managedFields"));
}

TEST_F(InformerTest, RandomTroubleNeverLeavesAFalseCopy) {
  sim::Prng dice(99);
  for (int round = 0; round < 2000; ++round) {
    const std::string name(1, static_cast<char>('a' + dice.Below(8)));
    switch (dice.Below(12)) {
      case 0:
      case 1:
      case 2:
        if (api_.Peek(resources::kConfigMaps, {"default", name}).is_null()) Put(name);
        break;
      case 3:
      case 4:
        Touch(name);
        break;
      case 5:
        Drop(name);
        break;
      case 6:
        api_.DropWatches();
        break;
      case 7:
        api_.EndWatches();
        break;
      case 8:
        api_.Compact();
        break;
      case 9:
        api_.Inject({.method = "GET", .status = dice.Below(2) == 0 ? 0 : 500});
        break;
      case 10:
        api_.SendBookmarks();
        break;
      default:
        clock_.Advance(std::chrono::milliseconds(dice.Below(3000)));
    }
    if (dice.Below(3) == 0) reflector_.Step(std::chrono::milliseconds(0));
  }
  api_.ClearFaults();
  for (int i = 0; i < 3; ++i) SettleAfter(std::chrono::seconds(30));
  EXPECT_TRUE(StoreIsTrue());
}

}  // namespace
}  // namespace quorate::runtime
