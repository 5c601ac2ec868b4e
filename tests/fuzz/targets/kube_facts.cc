// Objects of Kubernetes that say anything, as the planner is told of them: pods with the last words
// of their containers, volume claims, nodes, services.
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "observe/facts.h"

namespace quorate::observe {
namespace {

using kube::Json;

constexpr std::size_t kReadable = 1000;

void Read(const Json& object) {
  plan::Desired desired;
  desired.cluster.meta.uid = "u";
  desired.cluster.spec.services.client.labels = {{"a", "b"}};
  (void)PodFactsOf(object);
  (void)VolumeFactsOf(object);
  (void)NodeSilentSince(object);
  (void)IsPeerServiceRight(desired, object);
  (void)IsClientServiceRight(desired, object);
}

// A container that ended with these words: what a person is told of them is short.
void LastWords(std::string_view words) {
  const Json pod = {{"status",
                     {{"containerStatuses",
                       {{{"name", "server"},
                         {"state", {{"terminated", {{"exitCode", 11}, {"message", words}}}}}}}}}}};
  const plan::PodFacts facts = PodFactsOf(pod);
  CHECK(facts.last_exit && facts.last_exit->code == 11);
  CHECK(facts.last_exit->message.size() <= kReadable);
}

FUZZ_TARGET(kube_facts) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(4);
  if (choice == 0) return LastWords(feed.Rest());
  const std::string text(choice == 1 ? feed.Nested() : feed.Rest());
  const Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return;
  if (choice == 1) return Read(object);
  Read({{"metadata", object}, {"spec", object}, {"status", object}});
  Read({{"status", {{"containerStatuses", {object}}, {"conditions", {object}}}},
        {"spec", {{"ports", {object}}}}});
  Read(object);
}

}  // namespace
}  // namespace quorate::observe
