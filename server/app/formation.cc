#include "app/formation.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/log.h"
#include "membership/ids.h"
#include "membership/initial_cluster.h"

namespace quorate::app {
namespace {

using membership::Member;
using membership::UrlsByName;

constexpr auto kBootstrappedPatience = std::chrono::seconds(1);
constexpr auto kJoinPatience = std::chrono::seconds(10);

Ending BadConfiguration(const Error& error) {
  return {ExitCode::kBadConfiguration, error.message};
}

// The peer URLs of everybody else, sorted.
std::vector<std::string> OtherUrls(const UrlsByName& cluster, const std::string& self) {
  std::vector<std::string> urls;
  for (const auto& [name, member_urls] : cluster) {
    if (name != self) urls.insert(urls.end(), member_urls.begin(), member_urls.end());
  }
  std::sort(urls.begin(), urls.end());
  return urls;
}

const Member* FindNamed(const std::vector<Member>& members, const std::string& name) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&name](const Member& m) { return m.name == name; });
  return found == members.end() ? nullptr : &*found;
}

const Member* FindId(const std::vector<Member>& members, MemberId id) {
  const auto found =
      std::find_if(members.begin(), members.end(), [id](const Member& m) { return m.id == id; });
  return found == members.end() ? nullptr : &*found;
}

std::optional<Ending> CheckExpected(const config::Options& options, ClusterId cluster) {
  if (!options.expected_cluster_id || *options.expected_cluster_id == cluster) return std::nullopt;
  return Ending{ExitCode::kWrongIdentity, "cluster " + ToHex(cluster.value) +
                                              " is not the expected cluster " +
                                              ToHex(options.expected_cluster_id->value) +
                                              "; point --initial-cluster at the right one, or mend "
                                              "--quorate-expected-cluster-id"};
}

std::variant<Formation, Ending> FormNew(const config::Options& options, const UrlsByName& cluster,
                                        const AskMembers& ask) {
  Formation formation;
  formation.members = membership::MakeMembers(cluster, options.initial_cluster_token);
  std::vector<MemberId> ids;
  for (const Member& member : formation.members) ids.push_back(member.id);
  formation.cluster = membership::MakeClusterId(ids);
  formation.self = FindNamed(formation.members, options.name)->id;
  if (options.forbid_bootstrap) {
    return Ending{ExitCode::kBootstrapForbidden,
                  "the data directory " + options.data_dir +
                      " is empty and --quorate-forbid-bootstrap is set: a new cluster is never "
                      "formed here; join the running one with --initial-cluster-state=existing"};
  }
  if (auto ending = CheckExpected(options, formation.cluster)) return *ending;
  for (const std::string& url : OtherUrls(cluster, options.name)) {
    const Result<RemoteCluster> remote = ask(url, kBootstrappedPatience);
    if (!remote.ok()) continue;
    const Member* self = FindId(remote->members, formation.self);
    if (self != nullptr && !self->client_urls.empty()) {
      return Ending{
          ExitCode::kStartFailed,
          "member " + ToHex(formation.self.value) +
              " has already been bootstrapped; its data is lost: remove it from the "
              "cluster, add it again, and start it with --initial-cluster-state=existing"};
    }
    break;
  }
  return formation;
}

std::variant<Formation, Ending> Join(const config::Options& options, const UrlsByName& cluster,
                                     const AskMembers& ask) {
  const std::vector<Member> local = membership::MakeMembers(cluster, options.initial_cluster_token);
  std::string last_error = "no other member in --initial-cluster";
  for (const std::string& url : OtherUrls(cluster, options.name)) {
    const Result<RemoteCluster> remote = ask(url, kJoinPatience);
    if (!remote.ok()) {
      log::Warn("failed to get cluster response",
                {{"address", url + "/members"}, {"error", remote.error().message}});
      last_error = remote.error().message;
      continue;
    }
    auto matched = membership::MatchExisting(local, remote->members);
    if (!matched.ok()) {
      return Ending{ExitCode::kBadConfiguration,
                    "error validating peerURLs: " + matched.error().message +
                        "; --initial-cluster must name exactly the members that `member list` "
                        "shows, this one added"};
    }
    if (auto ending = CheckExpected(options, remote->id)) return *ending;
    Formation formation;
    formation.cluster = remote->id;
    formation.self = FindNamed(*matched, options.name)->id;
    // It would vote again in terms it has voted in. etcd lets it; who forbids a bootstrap does not
    // mean that either.
    const Member* before = FindId(remote->members, formation.self);
    if (options.forbid_bootstrap && before != nullptr && !before->client_urls.empty()) {
      return Ending{ExitCode::kDataUnusable,
                    "member " + ToHex(formation.self.value) +
                        " has already been started, and now its data directory " +
                        options.data_dir +
                        " is empty: its data is lost; remove it from the "
                        "cluster and add a fresh member"};
    }
    formation.members = remote->members;
    formation.joins = true;
    return formation;
  }
  return Ending{ExitCode::kStartFailed,
                "cannot fetch cluster info from peer urls: could not retrieve cluster information "
                "from the given URLs (" +
                    last_error + ")"};
}

}  // namespace

std::variant<Formation, Ending> Form(const config::Options& options, const AskMembers& ask) {
  const auto cluster = membership::ParseInitialCluster(options.initial_cluster);
  if (!cluster.ok()) return BadConfiguration(cluster.error());
  const Status checked = membership::CheckInitialCluster(
      *cluster, options.initial_cluster, options.name, options.initial_advertise_peer_urls);
  if (!checked.ok()) return BadConfiguration(checked.error());
  return options.initial_cluster_existing ? Join(options, *cluster, ask)
                                          : FormNew(options, *cluster, ask);
}

}  // namespace quorate::app
