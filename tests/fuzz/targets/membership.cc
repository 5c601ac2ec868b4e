// Texts about members: --initial-cluster, URL lists, versions, and the JSON that members, snapshots
// and configuration changes carry.
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "membership/initial_cluster.h"
#include "membership/member.h"
#include "membership/v2_store.h"
#include "membership/version.h"

namespace quorate::membership {
namespace {

void InitialCluster(const std::string& text) {
  const auto cluster = ParseInitialCluster(text);
  if (!cluster.ok()) return;
  CHECK(!cluster->empty());
  for (const auto& [name, urls] : *cluster) (void)CheckInitialCluster(*cluster, text, name, urls);
  const auto members = MakeMembers(*cluster, "token");
  CHECK(members.size() == cluster->size());
  (void)MatchExisting(members, members);
}

void Json(std::string_view text) {
  if (const auto member = ParseMember(text); member.ok()) {
    const auto again = ParseMember(ToJson(*member));
    CHECK(again.ok() && *again == *member);
  }
  if (const auto members = ParseMembers(text); members.ok()) {
    CHECK(ParseMembers(ToJson(*members)).ok());
  }
  if (const auto context = ParseChangeContext(text); context.ok()) {
    CHECK(ParseChangeContext(ToJson(*context)).ok());
  }
}

// A member whose name and URLs came in a raft entry, where nobody checks them.
void Written(fuzz::Feed feed) {
  Member member{.id = MemberId{1}, .peer_urls = {}};
  member.name = feed.Text();
  member.client_urls.emplace_back(feed.Text());
  member.peer_urls.emplace_back(feed.Rest());
  CHECK(ParseMember(ToJson(member)).ok());
  Roster roster;
  roster.members[member.id] = member;
  (void)ToV2Store(roster);
}

FUZZ_TARGET(membership) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(6);
  if (choice == 5) return Written(feed);
  const std::string bytes(choice == 4 ? feed.Nested() : feed.Rest());
  switch (choice) {
    case 0:
      return InitialCluster(bytes);
    case 1:
      (void)CheckUrl(bytes);
      (void)ParseUrls(bytes);
      return;
    case 2: {
      const auto version = ParseVersion(bytes);
      if (version) CHECK(ParseVersion(version->ToString()) == version);
      return;
    }
    default:
      return Json(bytes);
  }
}

}  // namespace
}  // namespace quorate::membership
