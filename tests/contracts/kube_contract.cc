#include "contracts/kube_contract.h"

#include <gtest/gtest.h>

#include <set>

namespace quorate::test {
namespace {

using kube::Client;
using kube::Json;
using kube::ListOptions;
using kube::ObjectRef;
using kube::PatchType;
using kube::Reason;
using kube::Resource;
using kube::WatchEvent;
using kube::WatchOptions;
using kube::WatchStream;
namespace resources = kube::resources;

Json ConfigMap(const KubeWorld& world, const std::string& name, const std::string& value = "1") {
  Json object = kube::MakeObject(resources::kConfigMaps, {world.ns, name});
  object["data"]["key"] = value;
  return object;
}

Json Widget(const KubeWorld& world, const std::string& name, int size) {
  Json object = kube::MakeObject(kWidgets, {world.ns, name});
  object["spec"]["size"] = size;
  return object;
}

Json Pod(const KubeWorld& world, const std::string& name) {
  Json object = kube::MakeObject(resources::kPods, {world.ns, name});
  object["spec"]["containers"] = {{{"name", "main"}, {"image", "none"}}};
  return object;
}

// The value, or a failed test and an empty one.
template <typename T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : T{};
}

#define EXPECT_OK(expr)                                                         \
  do {                                                                          \
    const auto status_ = (expr);                                                \
    EXPECT_TRUE(status_.ok()) << (status_.ok() ? "" : status_.error().message); \
  } while (false)

#define EXPECT_REFUSED(reason, expr)                                         \
  do {                                                                       \
    const auto result_ = (expr);                                             \
    EXPECT_FALSE(result_.ok());                                              \
    if (!result_.ok()) {                                                     \
      EXPECT_EQ(ToString(kube::ReasonOf(result_.error())), ToString(reason)) \
          << result_.error().message;                                        \
    }                                                                        \
  } while (false)

// The next change, bookmarks left out; kIdle after five seconds without one.
WatchEvent NextChange(WatchStream& watch) {
  for (int i = 0; i < 50; ++i) {
    auto event = watch.Next(std::chrono::milliseconds(100));
    EXPECT_TRUE(event.ok()) << (event.ok() ? "" : event.error().message);
    if (!event.ok()) return {};
    if (event->kind != WatchEvent::Kind::kIdle && event->kind != WatchEvent::Kind::kBookmark) {
      return std::move(event).value();
    }
  }
  return {};
}

std::string VersionNow(KubeWorld& world, const Resource& resource) {
  return Must(world.client.ListAll(resource, world.ns, {})).resource_version;
}

std::unique_ptr<WatchStream> WatchFrom(KubeWorld& world, const Resource& resource,
                                       const std::string& version,
                                       const std::string& selector = "") {
  WatchOptions options;
  options.resource_version = version;
  options.label_selector = selector;
  return world.client.Watch(resource, world.ns, options);
}

void CreateGivesIdentity(KubeWorld& world) {
  const Json made = Must(world.client.Create(resources::kConfigMaps, ConfigMap(world, "a")));
  EXPECT_NE(kube::Uid(made), "");
  EXPECT_NE(kube::ResourceVersion(made), "");
  EXPECT_TRUE(kube::ParseTime(kube::Text(made, "/metadata/creationTimestamp")));
  EXPECT_EQ(kube::Text(made, "/data/key"), "1");
  const Json got = Must(world.client.Get(resources::kConfigMaps, {world.ns, "a"}));
  EXPECT_EQ(kube::Uid(got), kube::Uid(made));
  EXPECT_REFUSED(Reason::kAlreadyExists,
                 world.client.Create(resources::kConfigMaps, ConfigMap(world, "a")));
}

void GeneratedNamesDiffer(KubeWorld& world) {
  std::set<std::string> names;
  for (int i = 0; i < 3; ++i) {
    Json object = ConfigMap(world, "");
    object["metadata"].erase("name");
    object["metadata"]["generateName"] = "gen-";
    names.insert(kube::Name(Must(world.client.Create(resources::kConfigMaps, object))));
  }
  EXPECT_EQ(names.size(), 3U);
  EXPECT_TRUE(names.begin()->starts_with("gen-"));
}

void NothingIsNotFound(KubeWorld& world) {
  const ObjectRef ref{world.ns, "nothing"};
  EXPECT_REFUSED(Reason::kNotFound, world.client.Get(resources::kPods, ref));
  EXPECT_REFUSED(Reason::kNotFound, world.client.Delete(resources::kPods, ref, {}));
  EXPECT_REFUSED(Reason::kNotFound,
                 world.client.Patch(resources::kPods, ref, PatchType::kMerge, Json::object(), {}));
  EXPECT_TRUE(Must(world.client.ListAll(resources::kPods, world.ns, {})).items.empty());
}

void RefusesWhatCannotBe(KubeWorld& world) {
  Json nameless = ConfigMap(world, "");
  nameless["metadata"].erase("name");
  EXPECT_REFUSED(Reason::kInvalid, world.client.Create(resources::kConfigMaps, nameless));
  Json versioned = ConfigMap(world, "b");
  versioned["metadata"]["resourceVersion"] = "5";
  EXPECT_REFUSED(Reason::kInternal, world.client.Create(resources::kConfigMaps, versioned));
  Json elsewhere = ConfigMap(world, "c");
  elsewhere["metadata"]["namespace"] = "no-such-namespace";
  EXPECT_REFUSED(Reason::kNotFound, world.client.Create(resources::kConfigMaps, elsewhere));
}

void StaleUpdateConflicts(KubeWorld& world) {
  const Json first = Must(world.client.Create(resources::kConfigMaps, ConfigMap(world, "a")));
  Json changed = first;
  changed["data"]["key"] = "2";
  const Json second = Must(world.client.Update(resources::kConfigMaps, changed));
  EXPECT_NE(kube::ResourceVersion(second), kube::ResourceVersion(first));
  changed["data"]["key"] = "3";
  EXPECT_REFUSED(Reason::kConflict, world.client.Update(resources::kConfigMaps, changed));
  const Json same = Must(world.client.Update(resources::kConfigMaps, second));
  EXPECT_EQ(kube::ResourceVersion(same), kube::ResourceVersion(second));
}

void CustomUpdateNeedsAVersion(KubeWorld& world) {
  EXPECT_OK(world.client.Create(kWidgets, Widget(world, "w", 1)));
  EXPECT_REFUSED(Reason::kInvalid, world.client.Update(kWidgets, Widget(world, "w", 2)));
  EXPECT_OK(world.client.Create(resources::kConfigMaps, ConfigMap(world, "a")));
  EXPECT_OK(world.client.Update(resources::kConfigMaps, ConfigMap(world, "a", "2")));
}

void StatusIsWrittenApart(KubeWorld& world) {
  Json object = Widget(world, "w", 1);
  object["status"]["ready"] = 7;
  const Json made = Must(world.client.Create(kWidgets, object));
  EXPECT_FALSE(made.contains("status"));
  EXPECT_EQ(kube::Number(made, "/metadata/generation"), 1);
  Json status = made;
  status["status"]["ready"] = 3;
  status["spec"]["size"] = 99;
  const Json told = Must(world.client.UpdateStatus(kWidgets, status));
  EXPECT_EQ(kube::Number(told, "/status/ready"), 3);
  EXPECT_EQ(kube::Number(told, "/spec/size"), 1);
  EXPECT_EQ(kube::Number(told, "/metadata/generation"), 1);
  Json spec = told;
  spec["spec"]["size"] = 2;
  spec.erase("status");
  const Json grown = Must(world.client.Update(kWidgets, spec));
  EXPECT_EQ(kube::Number(grown, "/status/ready"), 3);
  EXPECT_EQ(kube::Number(grown, "/metadata/generation"), 2);
}

void ListsInPages(KubeWorld& world) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    Json object = ConfigMap(world, name);
    object["metadata"]["labels"]["half"] = name[0] < 'c' ? "first" : "second";
    EXPECT_OK(world.client.Create(resources::kConfigMaps, object));
  }
  ListOptions options;
  options.limit = 2;
  options.label_selector = "half";
  const auto page = Must(world.client.ListPage(resources::kConfigMaps, world.ns, options));
  EXPECT_EQ(page.items.size(), 2U);
  EXPECT_NE(page.continue_token, "");
  const auto all = Must(world.client.ListAll(resources::kConfigMaps, world.ns, options));
  EXPECT_EQ(all.items.size(), 5U);
  EXPECT_EQ(kube::Text(all.items.at(0), "/kind"), "ConfigMap");
  const auto count = [&](const char* selector) {
    return Must(world.client.List(resources::kConfigMaps, world.ns, selector)).size();
  };
  EXPECT_EQ(count("half=first"), 2U);
  EXPECT_EQ(count("half,half!=first"), 3U);
  EXPECT_EQ(count("half in (first, second)"), 5U);
  EXPECT_EQ(count("half=third"), 0U);
  options.label_selector.clear();
  options.field_selector = "metadata.name=c";
  EXPECT_EQ(Must(world.client.ListAll(resources::kConfigMaps, world.ns, options)).items.size(), 1U);
}

void WatchTellsChangesInOrder(KubeWorld& world) {
  auto watch = WatchFrom(world, kWidgets, VersionNow(world, kWidgets));
  const Json made = Must(world.client.Create(kWidgets, Widget(world, "w", 1)));
  Json changed = made;
  changed["spec"]["size"] = 2;
  EXPECT_OK(world.client.Update(kWidgets, changed));
  EXPECT_OK(world.client.Delete(kWidgets, {world.ns, "w"}, {}));
  WatchEvent event = NextChange(*watch);
  EXPECT_EQ(event.kind, WatchEvent::Kind::kAdded);
  EXPECT_EQ(event.resource_version, kube::ResourceVersion(made));
  EXPECT_EQ(kube::Text(event.object, "/kind"), "Widget");
  event = NextChange(*watch);
  EXPECT_EQ(event.kind, WatchEvent::Kind::kModified);
  EXPECT_EQ(kube::Number(event.object, "/spec/size"), 2);
  event = NextChange(*watch);
  EXPECT_EQ(event.kind, WatchEvent::Kind::kDeleted);
  EXPECT_EQ(kube::Uid(event.object), kube::Uid(made));
  // A second watch from the middle tells the rest again.
  auto again = WatchFrom(world, kWidgets, kube::ResourceVersion(made));
  EXPECT_EQ(NextChange(*again).kind, WatchEvent::Kind::kModified);
  EXPECT_EQ(NextChange(*again).kind, WatchEvent::Kind::kDeleted);
}

void WatchWithoutVersionStartsWithWhatIs(KubeWorld& world) {
  EXPECT_OK(world.client.Create(kWidgets, Widget(world, "w", 1)));
  auto watch = WatchFrom(world, kWidgets, "");
  const WatchEvent event = NextChange(*watch);
  EXPECT_EQ(event.kind, WatchEvent::Kind::kAdded);
  EXPECT_EQ(kube::Name(event.object), "w");
}

void WatchFollowsASelector(KubeWorld& world) {
  auto watch = WatchFrom(world, kWidgets, VersionNow(world, kWidgets), "in=yes");
  Json object = Must(world.client.Create(kWidgets, Widget(world, "w", 1)));
  object["metadata"]["labels"]["in"] = "yes";
  object = Must(world.client.Update(kWidgets, object));
  object["metadata"]["labels"]["in"] = "no";
  EXPECT_OK(world.client.Update(kWidgets, object));
  EXPECT_EQ(NextChange(*watch).kind, WatchEvent::Kind::kAdded);
  EXPECT_EQ(NextChange(*watch).kind, WatchEvent::Kind::kDeleted);
}

void WatchEndsCleanlyAtItsTimeout(KubeWorld& world) {
  WatchOptions options;
  options.resource_version = VersionNow(world, kWidgets);
  options.timeout = std::chrono::seconds(1);
  auto watch = world.client.Watch(kWidgets, world.ns, options);
  world.pass_time(std::chrono::seconds(2));
  EXPECT_EQ(NextChange(*watch).kind, WatchEvent::Kind::kEnd);
}

void WatchFromTooOldAVersionIsGone(KubeWorld& world) {
  auto watch = WatchFrom(world, kWidgets, "1");  // from before the kind was there
  for (int i = 0; i < 50; ++i) {
    auto event = watch->Next(std::chrono::milliseconds(100));
    if (event.ok() && event->kind == WatchEvent::Kind::kIdle) continue;
    EXPECT_REFUSED(Reason::kGone, std::move(event));
    return;
  }
  ADD_FAILURE() << "no answer";
}

void CancelledWatchReturnsAtOnce(KubeWorld& world) {
  auto watch = WatchFrom(world, kWidgets, VersionNow(world, kWidgets));
  EXPECT_EQ(Must(watch->Next(std::chrono::milliseconds(50))).kind, WatchEvent::Kind::kIdle);
  watch->Cancel();
  EXPECT_REFUSED(Reason::kCancelled, watch->Next(std::chrono::seconds(30)));
}

void MergePatchChangesAndRemoves(KubeWorld& world) {
  const Json made = Must(world.client.Create(resources::kConfigMaps, ConfigMap(world, "a")));
  const ObjectRef ref{world.ns, "a"};
  const Json patched = Must(world.client.Patch(resources::kConfigMaps, ref, PatchType::kMerge,
                                               {{"data", {{"key", nullptr}, {"other", "2"}}}}, {}));
  EXPECT_EQ(kube::Text(patched, "/data/other"), "2");
  EXPECT_EQ(kube::Find(patched, "/data/key"), nullptr);
  EXPECT_REFUSED(
      Reason::kConflict,
      world.client.Patch(resources::kConfigMaps, ref, PatchType::kMerge,
                         {{"metadata", {{"resourceVersion", kube::ResourceVersion(made)}}},
                          {"data", {{"other", "3"}}}},
                         {}));
}

void JsonPatchTests(KubeWorld& world) {
  EXPECT_OK(world.client.Create(resources::kConfigMaps, ConfigMap(world, "a")));
  const ObjectRef ref{world.ns, "a"};
  Json patch = Json::array({{{"op", "test"}, {"path", "/data/key"}, {"value", "1"}},
                            {{"op", "replace"}, {"path", "/data/key"}, {"value", "2"}}});
  const auto apply = [&] {
    return world.client.Patch(resources::kConfigMaps, ref, PatchType::kJson, patch, {});
  };
  EXPECT_EQ(kube::Text(Must(apply()), "/data/key"), "2");
  EXPECT_REFUSED(Reason::kInvalid, apply());
}

void ApplyOwnsWhatItNames(KubeWorld& world) {
  Json object = Widget(world, "w", 1);
  object["metadata"]["labels"]["team"] = "blue";
  const Json made = Must(world.client.Apply(kWidgets, object, {}));
  const Json same = Must(world.client.Apply(kWidgets, object, {}));
  EXPECT_EQ(kube::ResourceVersion(same), kube::ResourceVersion(made));
  // Somebody else adds a field; our next apply leaves it, and takes back what it no longer names.
  EXPECT_OK(world.client.Patch(kWidgets, {world.ns, "w"}, PatchType::kMerge,
                               {{"spec", {{"color", "red"}}}}, {"", "someone", true, false}));
  object["metadata"].erase("labels");
  object["spec"]["size"] = 2;
  const Json next = Must(world.client.Apply(kWidgets, object, {}));
  EXPECT_EQ(kube::Label(next, "team"), "");
  EXPECT_EQ(kube::Text(next, "/spec/color"), "red");
  EXPECT_EQ(kube::Number(next, "/spec/size"), 2);
  EXPECT_EQ(kube::Uid(next), kube::Uid(made));
}

void ApplyConflictsUnlessForced(KubeWorld& world) {
  EXPECT_OK(world.client.Apply(kWidgets, Widget(world, "w", 1), {"", "first", false, false}));
  EXPECT_REFUSED(Reason::kConflict,
                 world.client.Apply(kWidgets, Widget(world, "w", 2), {"", "second", false, false}));
  const Json taken =
      Must(world.client.Apply(kWidgets, Widget(world, "w", 2), {"", "second", true, false}));
  EXPECT_EQ(kube::Number(taken, "/spec/size"), 2);
  // The same value from the first owner is shared ownership, not a conflict.
  EXPECT_OK(world.client.Apply(kWidgets, Widget(world, "w", 2), {"", "first", false, false}));
}

void ApplyWritesStatusApart(KubeWorld& world) {
  EXPECT_OK(world.client.Create(kWidgets, Widget(world, "w", 1)));
  Json status = kube::MakeObject(kWidgets, {world.ns, "w"});
  status["status"]["ready"] = 1;
  status["status"]["conditions"] = {{{"type", "Ready"}, {"status", "True"}}};
  Json told = Must(world.client.Apply(kWidgets, status, {"status", "", true, false}));
  EXPECT_EQ(kube::Number(told, "/status/ready"), 1);
  EXPECT_EQ(kube::Number(told, "/spec/size"), 1);
  status["status"].erase("ready");
  told = Must(world.client.Apply(kWidgets, status, {"status", "", true, false}));
  EXPECT_EQ(kube::Find(told, "/status/ready"), nullptr);
  EXPECT_EQ(kube::Text(told, "/status/conditions/0/status"), "True");
  status["metadata"]["name"] = "nothing";
  EXPECT_REFUSED(Reason::kNotFound,
                 world.client.Apply(kWidgets, status, {"status", "", true, false}));
}

void DryRunStoresNothing(KubeWorld& world) {
  EXPECT_OK(world.client.Apply(kWidgets, Widget(world, "w", 1), {"", "", true, true}));
  EXPECT_REFUSED(Reason::kNotFound, world.client.Get(kWidgets, {world.ns, "w"}));
}

void DeleteObeysPreconditions(KubeWorld& world) {
  const Json made = Must(world.client.Create(resources::kConfigMaps, ConfigMap(world, "a")));
  const ObjectRef ref{world.ns, "a"};
  kube::DeleteOptions options;
  options.uid = "00000000-0000-0000-0000-000000000000";
  EXPECT_REFUSED(Reason::kConflict, world.client.Delete(resources::kConfigMaps, ref, options));
  options.uid = kube::Uid(made);
  options.resource_version = "1";
  EXPECT_REFUSED(Reason::kConflict, world.client.Delete(resources::kConfigMaps, ref, options));
  options.resource_version = kube::ResourceVersion(made);
  EXPECT_OK(world.client.Delete(resources::kConfigMaps, ref, options));
  EXPECT_REFUSED(Reason::kNotFound, world.client.Get(resources::kConfigMaps, ref));
}

void FinalizersKeepAnObject(KubeWorld& world) {
  Json object = Widget(world, "w", 1);
  object["metadata"]["finalizers"] = {"contract.quorate.dev/hold"};
  object = Must(world.client.Create(kWidgets, object));
  auto watch = WatchFrom(world, kWidgets, kube::ResourceVersion(object));
  EXPECT_OK(world.client.Delete(kWidgets, {world.ns, "w"}, {}));
  Json held = Must(world.client.Get(kWidgets, {world.ns, "w"}));
  EXPECT_TRUE(kube::IsDeleting(held));
  EXPECT_EQ(kube::Number(held, "/metadata/generation"), 2);
  Json more = held;
  more["metadata"]["finalizers"].push_back("contract.quorate.dev/another");
  EXPECT_REFUSED(Reason::kInvalid, world.client.Update(kWidgets, more));
  held["metadata"].erase("finalizers");
  EXPECT_OK(world.client.Update(kWidgets, held));
  EXPECT_REFUSED(Reason::kNotFound, world.client.Get(kWidgets, {world.ns, "w"}));
  EXPECT_EQ(NextChange(*watch).kind, WatchEvent::Kind::kModified);
  EXPECT_EQ(NextChange(*watch).kind, WatchEvent::Kind::kDeleted);
}

void ForegroundDeletionWaits(KubeWorld& world) {
  EXPECT_OK(world.client.Create(kWidgets, Widget(world, "w", 1)));
  kube::DeleteOptions options;
  options.propagation = kube::Propagation::kForeground;
  EXPECT_OK(world.client.Delete(kWidgets, {world.ns, "w"}, options));
  EXPECT_TRUE(
      kube::HasFinalizer(Must(world.client.Get(kWidgets, {world.ns, "w"})), "foregroundDeletion"));
}

void ClaimsAreProtected(KubeWorld& world) {
  Json claim = kube::MakeObject(resources::kPersistentVolumeClaims, {world.ns, "data"});
  claim["spec"] = {{"accessModes", {"ReadWriteOnce"}},
                   {"resources", {{"requests", {{"storage", "1Gi"}}}}}};
  const Json made = Must(world.client.Create(resources::kPersistentVolumeClaims, claim));
  EXPECT_EQ(kube::Text(made, "/status/phase"), "Pending");
  EXPECT_OK(world.client.Delete(resources::kPersistentVolumeClaims, {world.ns, "data"}, {}));
  EXPECT_TRUE(kube::IsDeleting(
      Must(world.client.Get(resources::kPersistentVolumeClaims, {world.ns, "data"}))));
}

void UnscheduledPodsGoAtOnce(KubeWorld& world) {
  const Json made = Must(world.client.Create(resources::kPods, Pod(world, "p")));
  EXPECT_EQ(kube::Text(made, "/status/phase"), "Pending");
  EXPECT_OK(world.client.Delete(resources::kPods, {world.ns, "p"}, {}));
  EXPECT_REFUSED(Reason::kNotFound, world.client.Get(resources::kPods, {world.ns, "p"}));
}

void BoundPodsGoWhenTheKubeletSaysSo(KubeWorld& world) {
  Json pod = Pod(world, "p");
  pod["spec"]["nodeName"] = "no-such-node";
  pod = Must(world.client.Create(resources::kPods, pod));
  const ObjectRef ref{world.ns, "p"};
  EXPECT_OK(world.client.Delete(resources::kPods, ref, {}));
  EXPECT_TRUE(kube::IsDeleting(Must(world.client.Get(resources::kPods, ref))));
  kube::DeleteOptions now;
  now.uid = kube::Uid(pod);
  now.grace_seconds = 0;
  EXPECT_OK(world.client.Delete(resources::kPods, ref, now));
  EXPECT_REFUSED(Reason::kNotFound, world.client.Get(resources::kPods, ref));
}

void SecretsTakeText(KubeWorld& world) {
  Json secret = kube::MakeObject(resources::kSecrets, {world.ns, "s"});
  secret["stringData"]["password"] = "open sesame!";
  const Json made = Must(world.client.Create(resources::kSecrets, secret));
  EXPECT_EQ(kube::Text(made, "/data/password"), "b3BlbiBzZXNhbWUh");
  EXPECT_FALSE(made.contains("stringData"));
}

void ServicesGetAnAddress(KubeWorld& world) {
  Json service = kube::MakeObject(resources::kServices, {world.ns, "s"});
  service["spec"]["ports"] = {{{"name", "client"}, {"port", 2379}}};
  const Json made = Must(world.client.Create(resources::kServices, service));
  EXPECT_NE(kube::Text(made, "/spec/clusterIP"), "");
  service["metadata"]["name"] = "headless";
  service["spec"]["clusterIP"] = "None";
  const Json headless = Must(world.client.Create(resources::kServices, service));
  EXPECT_EQ(kube::Text(headless, "/spec/clusterIP"), "None");
}

void OneHolderOfALease(KubeWorld& world) {
  Json lease = kube::MakeObject(resources::kLeases, {world.ns, "leader"});
  lease["spec"] = {{"holderIdentity", "a"}, {"leaseDurationSeconds", 15}};
  const Json made = Must(world.client.Create(resources::kLeases, lease));
  Json mine = made;
  Json theirs = made;
  mine["spec"]["holderIdentity"] = "b";
  theirs["spec"]["holderIdentity"] = "c";
  EXPECT_OK(world.client.Update(resources::kLeases, mine));
  EXPECT_REFUSED(Reason::kConflict, world.client.Update(resources::kLeases, theirs));
}

void EventsAreTaken(KubeWorld& world) {
  Json event = kube::MakeObject(resources::kEvents, {world.ns, "w.1"});
  event.update({{"eventTime", "2026-11-21T07:30:00.000001Z"},
                {"reportingController", "quorate.dev/operator"},
                {"reportingInstance", "quorate-operator-0"},
                {"action", "MemberAdd"},
                {"reason", "MemberAdded"},
                {"type", "Normal"},
                {"note", "added a learner"},
                {"regarding",
                 {{"apiVersion", "contract.quorate.dev/v1"},
                  {"kind", "Widget"},
                  {"namespace", world.ns},
                  {"name", "w"}}}});
  EXPECT_OK(world.client.Create(resources::kEvents, event));
  EXPECT_OK(world.client.Patch(
      resources::kEvents, {world.ns, "w.1"}, PatchType::kMerge,
      {{"series", {{"count", 2}, {"lastObservedTime", "2026-11-21T07:31:00.000000Z"}}}}, {}));
}

void UnknownKindsAreNotFound(KubeWorld& world) {
  const Resource unknown{"contract.quorate.dev", "v1", "gadgets", "Gadget"};
  EXPECT_REFUSED(Reason::kNotFound, world.client.ListAll(unknown, world.ns, {}));
  auto watch = world.client.Watch(unknown, world.ns, {});
  EXPECT_REFUSED(Reason::kNotFound, watch->Next(std::chrono::seconds(10)));
}

}  // namespace

const std::vector<KubeCheck>& KubeContract() {
#define CHECK_OF(name) \
  { #name, name }
  static const std::vector<KubeCheck> kChecks = {
      CHECK_OF(CreateGivesIdentity),
      CHECK_OF(GeneratedNamesDiffer),
      CHECK_OF(NothingIsNotFound),
      CHECK_OF(RefusesWhatCannotBe),
      CHECK_OF(StaleUpdateConflicts),
      CHECK_OF(CustomUpdateNeedsAVersion),
      CHECK_OF(StatusIsWrittenApart),
      CHECK_OF(ListsInPages),
      CHECK_OF(WatchTellsChangesInOrder),
      CHECK_OF(WatchWithoutVersionStartsWithWhatIs),
      CHECK_OF(WatchFollowsASelector),
      CHECK_OF(WatchEndsCleanlyAtItsTimeout),
      CHECK_OF(WatchFromTooOldAVersionIsGone),
      CHECK_OF(CancelledWatchReturnsAtOnce),
      CHECK_OF(MergePatchChangesAndRemoves),
      CHECK_OF(JsonPatchTests),
      CHECK_OF(ApplyOwnsWhatItNames),
      CHECK_OF(ApplyConflictsUnlessForced),
      CHECK_OF(ApplyWritesStatusApart),
      CHECK_OF(DryRunStoresNothing),
      CHECK_OF(DeleteObeysPreconditions),
      CHECK_OF(FinalizersKeepAnObject),
      CHECK_OF(ForegroundDeletionWaits),
      CHECK_OF(ClaimsAreProtected),
      CHECK_OF(UnscheduledPodsGoAtOnce),
      CHECK_OF(BoundPodsGoWhenTheKubeletSaysSo),
      CHECK_OF(SecretsTakeText),
      CHECK_OF(ServicesGetAnAddress),
      CHECK_OF(OneHolderOfALease),
      CHECK_OF(EventsAreTaken),
      CHECK_OF(UnknownKindsAreNotFound),
  };
#undef CHECK_OF
  return kChecks;
}

kube::Json WidgetDefinition() {
  const Json open{{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  Json conditions{{"type", "array"},
                  {"items", open},
                  {"x-kubernetes-list-type", "map"},
                  {"x-kubernetes-list-map-keys", {"type"}}};
  conditions["items"]["properties"]["type"]["type"] = "string";
  conditions["items"]["required"] = {"type"};
  Json status = open;
  status["properties"]["conditions"] = conditions;
  Json object =
      kube::MakeObject(resources::kCustomResourceDefinitions, {"", "widgets.contract.quorate.dev"});
  object["spec"] = {
      {"group", std::string(kWidgets.group)},
      {"scope", "Namespaced"},
      {"names", {{"plural", "widgets"}, {"singular", "widget"}, {"kind", "Widget"}}},
      {"versions",
       Json::array(
           {{{"name", "v1"},
             {"served", true},
             {"storage", true},
             {"subresources", {{"status", Json::object()}}},
             {"schema",
              {{"openAPIV3Schema",
                {{"type", "object"}, {"properties", {{"spec", open}, {"status", status}}}}}}}}})}};
  return object;
}

}  // namespace quorate::test
