#include "app/cluster_version.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "apply/request.h"
#include "base/log.h"
#include "proto/membership.pb.h"

namespace quorate::app {
namespace {

constexpr auto kUndecidedInterval = std::chrono::milliseconds(500);
constexpr auto kInterval = std::chrono::seconds(4);

}  // namespace

// Poll: the answers of one round.
struct ClusterVersion::Poll {
  std::size_t waiting = 0;
  bool complete = true;  // every member has answered
  membership::Version lowest = membership::kEtcdVersion;
};

ClusterVersion::ClusterVersion(net::EventLoop& loop, PeerClient& peers, node::Node& node,
                               const membership::Cluster& cluster, MemberId self)
    : timer_(loop), peers_(peers), node_(node), cluster_(cluster), self_(self) {}

void ClusterVersion::Start() {
  Check();
}

void ClusterVersion::Stop() {
  timer_.Cancel();
  alive_.reset();
}

void ClusterVersion::Check() {
  const auto roster = cluster_.roster();
  timer_.Set(roster->version ? std::chrono::nanoseconds(kInterval) : kUndecidedInterval,
             [this] { Check(); });
  if (node_.leader() != self_) return;
  auto poll = std::make_shared<Poll>();
  poll->waiting = 1;  // this function
  for (const auto& [id, member] : roster->members) {
    if (id == self_) continue;
    ++poll->waiting;
    peers_.AskVersion(member.peer_urls, [this, poll, alive = std::weak_ptr<int>(alive_)](
                                            const Result<RemoteVersion>& version) {
      if (alive.expired()) return;
      if (version.ok()) {
        poll->lowest = std::min(poll->lowest, version->server);
      } else {
        poll->complete = false;
      }
      if (--poll->waiting == 0) Decide(*poll);
    });
  }
  if (--poll->waiting == 0) Decide(*poll);
}

void ClusterVersion::Decide(const Poll& poll) {
  const auto current = cluster_.roster()->version;
  const membership::Version wanted =
      poll.complete ? poll.lowest.Minor() : membership::kMinClusterVersion;
  if (current && wanted <= *current) return;
  membershippb::ClusterVersionSetRequest request;
  request.set_ver(wanted.ToString());
  log::Info(current ? "updating cluster version" : "setting up initial cluster version",
            {{"cluster-version", wanted.ToString()}});
  const std::uint64_t id = node_.NextRequestId();
  node_.Propose(
      id,
      apply::MakeRequest(apply::RequestField::kClusterVersionSet, request.SerializeAsString(), id),
      [](const Result<std::string>& done) {
        if (!done.ok()) {
          log::Warn("failed to update cluster version", {{"error", done.error().message}});
        }
      });
}

}  // namespace quorate::app
