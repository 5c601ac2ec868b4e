#include "peer/headers.h"

#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "base/site.h"

namespace quorate::peer {
namespace {

// major.minor of a version text; {0, 0} when there is none.
std::pair<int, int> MajorMinor(std::string_view text) {
  std::pair<int, int> version{0, 0};
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.first);
  if (major.ec == std::errc{} && major.ptr != end && *major.ptr == '.') {
    std::from_chars(major.ptr + 1, end, version.second);
  }
  return version;
}

// A member that does not say is from before versions were said.
std::string_view OrOldest(std::string_view version) {
  return version.empty() ? "2.0.0" : version;
}

}  // namespace

net::Headers RequestHeaders(const Options& options) {
  net::Headers headers = AnswerHeaders(options);
  headers.Set(kFromHeader, ToHex(options.self.value));
  std::string urls;
  for (const std::string& url : options.peer_urls) urls += (urls.empty() ? "" : ",") + url;
  headers.Set(kPeerUrlsHeader, urls);
  return headers;
}

net::Headers AnswerHeaders(const Options& options) {
  return {{kClusterIdHeader, ToHex(options.cluster.value)},
          {kVersionHeader, options.version},
          {kMinVersionHeader, options.min_cluster_version}};
}

std::optional<std::string> Refusal(const Options& options, const net::Headers& request) {
  const auto remote = MajorMinor(OrOldest(request.Get(kVersionHeader)));
  const auto remote_min = MajorMinor(OrOldest(request.Get(kMinVersionHeader)));
  if (remote < MajorMinor(options.min_cluster_version) ||
      remote_min > MajorMinor(options.version)) {
    return kIncompatibleVersion;
  }
  if (request.Get(kClusterIdHeader) != ToHex(options.cluster.value)) return kClusterMismatch;
  return std::nullopt;
}

std::optional<std::string> StreamRefusal(const Options& options, const net::Headers& request) {
  if (QUORATE_PLANTED("peer.stream_for_another_member")) return std::nullopt;
  if (request.Get(kToHeader) != ToHex(options.self.value)) return kToMismatch;
  return std::nullopt;
}

Status CheckSnapshotSha256(std::string_view received, std::string_view expected) {
  if (QUORATE_PLANTED("peer.snapshot_changed_on_its_way")) return {};
  if (expected.empty()) return {};
  const std::string sha256 = ToHex(received);
  if (sha256 == expected) return {};
  return Error{Code::kDataLoss, "the database has the SHA-256 " + sha256 + ", but was sent with " +
                                    std::string(expected)};
}

}  // namespace quorate::peer
