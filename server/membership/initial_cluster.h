// InitialCluster: the --initial-cluster text as a map, and the checks that etcd makes before a
// member may start from it.
//
//   "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,b=http://10.1.0.2:2380"  ->  {a: [..], b: [..,
//   ..]}
//
// Errors are etcd's texts, word for word; operators and people search for them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "membership/member.h"

namespace quorate::membership {

using UrlsByName = std::map<std::string, std::vector<std::string>>;  // URLs sorted

// Refuses an entry without a name or a URL, and URLs that are not scheme://host:port.
Result<UrlsByName> ParseInitialCluster(std::string_view text);

// A peer or client URL: http, https (host:port, no path) or unix, unixs.
Status CheckUrl(std::string_view url);

// Splits a comma list, and checks and sorts its URLs.
Result<std::vector<std::string>> ParseUrls(std::string_view comma_list);

// The name is in the map, no URL stands twice, and the member's entry equals what it advertises.
Status CheckInitialCluster(const UrlsByName& cluster, std::string_view text,
                           const std::string& name,
                           const std::vector<std::string>& advertised_peer_urls);

// The members of a new cluster, ids from URLs and token, sorted by id.
std::vector<Member> MakeMembers(const UrlsByName& cluster, const std::string& token);

// Joining: gives the local entries the ids of the running cluster's members, matched by peer URL.
// Both lists must name the same members ("member count is unequal").
Result<std::vector<Member>> MatchExisting(const std::vector<Member>& local,
                                          const std::vector<Member>& running);

}  // namespace quorate::membership
