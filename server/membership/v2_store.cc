#include "membership/v2_store.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"

namespace quorate::membership {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNever = "0001-01-01T00:00:00Z";
constexpr std::size_t kEventsMax = 1000;  // a ring that must have all its places

// A name need not be UTF-8.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Tree: nodes as etcd marshals them. A directory has Children, a file has none.
class Tree {
 public:
  Json Directory(const std::string& path, Json children = Json::object()) {
    Json node = Node(path, "");
    node["Children"] = std::move(children);
    return node;
  }
  Json File(const std::string& path, std::string value) {
    Json node = Node(path, std::move(value));
    node["Children"] = nullptr;
    return node;
  }
  std::uint64_t index() const { return index_; }

 private:
  Json Node(const std::string& path, std::string value) {
    ++index_;
    return {{"Path", path},
            {"CreatedIndex", index_},
            {"ModifiedIndex", index_},
            {"ExpireTime", kNever},
            {"Value", std::move(value)}};
  }

  std::uint64_t index_ = 0;
};

Json MembersOf(const Roster& roster, Tree& tree) {
  Json members = Json::object();
  for (const auto& [id, member] : roster.members) {
    const std::string path = "/0/members/" + ToHex(id.value);
    Json raft = {{"peerURLs", member.peer_urls}};
    if (member.is_learner) raft["isLearner"] = true;
    Json children = {{"raftAttributes", tree.File(path + "/raftAttributes", Dump(raft))}};
    if (member.started()) {
      const Json attributes = {{"name", member.name}, {"clientURLs", member.client_urls}};
      children["attributes"] = tree.File(path + "/attributes", Dump(attributes));
    }
    members[ToHex(id.value)] = tree.Directory(path, std::move(children));
  }
  return members;
}

}  // namespace

std::string ToV2Store(const Roster& roster) {
  Tree tree;
  Json removed = Json::object();
  for (const MemberId id : roster.removed) {
    removed[ToHex(id.value)] = tree.File("/0/removed_members/" + ToHex(id.value), "removed");
  }
  Json cluster = {{"members", tree.Directory("/0/members", MembersOf(roster, tree))}};
  if (!removed.empty()) {
    cluster["removed_members"] = tree.Directory("/0/removed_members", std::move(removed));
  }
  if (roster.version) {
    cluster["version"] = tree.File("/0/version", roster.version->ToString());
  }
  Json root = {{"0", tree.Directory("/0", std::move(cluster))}, {"1", tree.Directory("/1")}};
  const Json events = Json::array_t(kEventsMax, nullptr);
  const Json queue = {
      {"Events", events}, {"Size", 0}, {"Front", 0}, {"Back", 0}, {"Capacity", kEventsMax}};
  Json store = {{"Root", tree.Directory("/", std::move(root))}};
  store["WatcherHub"] = {
      {"EventHistory", {{"Queue", queue}, {"StartIndex", 0}, {"LastIndex", tree.index()}}}};
  store["CurrentIndex"] = tree.index();
  store["Stats"] = Json::object();
  store["CurrentVersion"] = 2;
  return Dump(store);
}

}  // namespace quorate::membership
