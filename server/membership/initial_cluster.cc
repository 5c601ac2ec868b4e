#include "membership/initial_cluster.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "membership/ids.h"

namespace quorate::membership {
namespace {

Error Bad(std::string text) {
  return Error{Code::kInvalidArgument, std::move(text)};
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ',';
    out += part;
  }
  return out;
}

std::vector<std::string_view> SplitCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool IsPort(std::string_view text) {
  unsigned port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() && port <= 65535;
}

std::vector<std::string> Missing(const std::vector<std::string>& wanted,
                                 const std::vector<std::string>& present) {
  std::vector<std::string> missing;
  std::set_difference(wanted.begin(), wanted.end(), present.begin(), present.end(),
                      std::back_inserter(missing));
  return missing;
}

bool ShareAUrl(const Member& a, const Member& b) {
  return std::any_of(a.peer_urls.begin(), a.peer_urls.end(), [&b](const std::string& url) {
    return std::find(b.peer_urls.begin(), b.peer_urls.end(), url) != b.peer_urls.end();
  });
}

}  // namespace

Status CheckUrl(std::string_view url) {
  const std::string quoted(url);
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) {
    return Bad("URL scheme must be http, https, unix, or unixs: " + quoted);
  }
  const std::string_view scheme = url.substr(0, colon);
  const std::string_view rest = url.substr(colon + 3);
  if (scheme == "unix" || scheme == "unixs") {
    return rest.empty() ? Status(Bad("URL address does not name a socket: " + quoted)) : Status();
  }
  if (scheme != "http" && scheme != "https") {
    return Bad("URL scheme must be http, https, unix, or unixs: " + quoted);
  }
  if (rest.find('/') != std::string_view::npos)
    return Bad("URL must not contain a path: " + quoted);
  const std::size_t port = rest.rfind(':');
  if (port == std::string_view::npos || port == 0 || !IsPort(rest.substr(port + 1))) {
    return Bad("URL address does not have the form \"host:port\": " + quoted);
  }
  return {};
}

Result<std::vector<std::string>> ParseUrls(std::string_view comma_list) {
  std::vector<std::string> urls;
  for (std::string_view part : SplitCommas(comma_list)) {
    part = Trim(part);
    TRY(CheckUrl(part));
    urls.emplace_back(part);
  }
  std::sort(urls.begin(), urls.end());
  return urls;
}

Result<UrlsByName> ParseInitialCluster(std::string_view text) {
  UrlsByName cluster;
  for (const std::string_view part : SplitCommas(text)) {
    const std::size_t equals = part.find('=');
    const std::string_view name = Trim(part.substr(0, equals));
    if (equals == std::string_view::npos || name.empty() || equals + 1 == part.size()) {
      return Bad("empty URL given for \"" + std::string(name) +
                 "\"; write --initial-cluster as name=http://host:port,...");
    }
    const std::string_view url = Trim(part.substr(equals + 1));
    TRY(CheckUrl(url));
    cluster[std::string(name)].emplace_back(url);
  }
  for (auto& [name, urls] : cluster) std::sort(urls.begin(), urls.end());
  return cluster;
}

Status CheckInitialCluster(const UrlsByName& cluster, std::string_view text,
                           const std::string& name,
                           const std::vector<std::string>& advertised_peer_urls) {
  const auto own = cluster.find(name);
  if (own == cluster.end()) {
    return Bad("couldn't find local name \"" + name + "\" in the initial cluster configuration");
  }
  std::set<std::string> seen;
  for (const auto& [other, urls] : cluster) {
    for (const std::string& url : urls) {
      if (!seen.insert(url).second) {
        return Bad("initial cluster " + std::string(text) + " has duplicate url");
      }
    }
  }
  const auto only_in_cluster = Missing(own->second, advertised_peer_urls);
  if (!only_in_cluster.empty()) {
    return Bad("--initial-cluster has " + name + "=" + Join(only_in_cluster) +
               " but missing from --initial-advertise-peer-urls=" + Join(advertised_peer_urls));
  }
  const auto only_advertised = Missing(advertised_peer_urls, own->second);
  if (!only_advertised.empty()) {
    return Bad("--initial-advertise-peer-urls has " + Join(only_advertised) +
               " but missing from --initial-cluster=" + std::string(text));
  }
  return {};
}

std::vector<Member> MakeMembers(const UrlsByName& cluster, const std::string& token) {
  std::vector<Member> members;
  for (const auto& [name, urls] : cluster) {
    Member member;
    member.id = MakeMemberId(urls, token);
    member.peer_urls = urls;
    member.name = name;
    members.push_back(std::move(member));
  }
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  return members;
}

Result<std::vector<Member>> MatchExisting(const std::vector<Member>& local,
                                          const std::vector<Member>& running) {
  if (local.size() != running.size()) return Bad("member count is unequal");
  std::vector<Member> matched;
  for (const Member& mine : local) {
    const auto theirs = std::find_if(running.begin(), running.end(),
                                     [&mine](const Member& m) { return ShareAUrl(mine, m); });
    if (theirs == running.end()) {
      return Bad("PeerURLs: no match found for existing member (" + Join(mine.peer_urls) + ")");
    }
    Member member = *theirs;
    member.name = mine.name;
    matched.push_back(std::move(member));
  }
  return matched;
}

}  // namespace quorate::membership
