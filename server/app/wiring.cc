#include "app/wiring.h"

#include <utility>

#include "app/process_facts.h"
#include "apply/request.h"
#include "base/bytes.h"
#include "base/log.h"
#include "proto/rpc.pb.h"

namespace quorate::app {
namespace {

// A connection counts for the strict rules of membership changes when it has held this long.
constexpr auto kLongConnected = std::chrono::seconds(5);

// The reserve is looked after so often, but not made at once: many a start is a short one.
constexpr auto kReserveInterval = std::chrono::seconds(1);
constexpr auto kReserveFirst = std::chrono::seconds(10);

// SourceBody: the node's snapshot as the transport wants it.
class SourceBody final : public peer::SnapshotBody {
 public:
  explicit SourceBody(std::shared_ptr<node::SnapshotSource> source) : source_(std::move(source)) {}
  std::uint64_t size() override { return source_->size(); }
  std::string sha256() override { return source_->sha256(); }
  Result<std::size_t> Read(std::span<std::byte> out) override { return source_->Read(out); }

 private:
  const std::shared_ptr<node::SnapshotSource> source_;
};

void LookAfterReserve(net::EventLoop& loop, Background& background, apply::Quota& quota,
                      const std::shared_ptr<DiskReserve>& reserve,
                      const std::function<void()>& on_scarce) {
  const auto later = [&loop, &background, &quota, reserve, on_scarce] {
    RunAfter(loop, kReserveInterval, [&loop, &background, &quota, reserve, on_scarce] {
      LookAfterReserve(loop, background, quota, reserve, on_scarce);
    });
  };
  const bool accepted = background.Run([&quota, reserve, on_scarce, later] {
    const Status looked = reserve->Look();
    if (!looked.ok()) {
      log::Warn("failed to keep a reserve on the disk", {{"error", looked.error().message}});
    }
    quota.SetDiskScarce(reserve->scarce());
    if (reserve->scarce()) on_scarce();
    later();
  });
  if (!accepted) later();
}

}  // namespace

void NodeNetwork::SendSnapshot(raft::Message message, std::shared_ptr<node::SnapshotSource> source,
                               std::function<void(bool)> done) {
  transport_.SendSnapshot(std::move(message), std::make_shared<SourceBody>(std::move(source)),
                          std::move(done));
}

void NodeNetwork::UpdatePeers(const node::PeerUrls& peers) {
  if (!peers.empty()) known_.clear();
  transport_.UpdatePeers(peers.empty() ? known_ : peers);
}

void RevokeWhileLeading(node::Node& node, LeaseId lease) {
  const auto revoke = [&node, lease, term = node.term()](const Status& confirmed) {
    if (!confirmed.ok() || node.term() != term || node.status().role != raft::Role::kLeader) return;
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(lease.value);
    const std::uint64_t id = node.NextRequestId();
    node.ProposeLeading(
        id, apply::MakeRequest(apply::RequestField::kLeaseRevoke, request.SerializeAsString(), id),
        [lease](const Result<std::string>& done) {
          if (!done.ok() && done.error().code != Code::kNotFound) {
            log::Warn("failed to revoke lease",
                      {{"lease-id", ToHex(static_cast<std::uint64_t>(lease.value))},
                       {"error", done.error().message}});
          }
        });
  };
  node.Read(node::Consistency::kLinearizable, revoke);
}

void PeerEvents::OnMessages(std::vector<raft::Message>& messages) {
  if (node::Driver* driver = driver_) driver->Deliver(messages);
}

void PeerEvents::OnUnreachable(MemberId member) {
  if (node::Driver* driver = driver_) driver->ReportUnreachable(member);
}

void PeerEvents::OnGone(MemberId member) {
  if (node::Driver* driver = driver_) driver->ReportGone(member);
}

bool PeerEvents::IsRemoved(MemberId member) const {
  return cluster_.roster()->removed.contains(member);
}

bool PeerEvents::TellsRemoved() const {
  return cluster_.roster()->TellsRemoved(self_);
}

ServerEnvironment::ServerEnvironment(const Parts& parts)
    : parts_(parts), started_(unix_seconds()) {}

membership::Liveness ServerEnvironment::liveness() const {
  membership::Liveness liveness;
  liveness.self = parts_.self;
  const auto now = parts_.clock->Now();
  for (const auto& [id, member] : parts_.machine->cluster().roster()->members) {
    const auto since = parts_.transport->ConnectedSince(id);
    if (!since) continue;
    liveness.connected.insert(id);
    if (now - *since >= kLongConnected) liveness.long_connected.insert(id);
  }
  return liveness;
}

std::int64_t ServerEnvironment::unix_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
             parts_.clock->WallNow().time_since_epoch())
      .count();
}

api::SystemFacts ServerEnvironment::facts() const {
  api::SystemFacts facts;
  facts.data_dir = parts_.data_dir;
  facts.started_unix_seconds = started_;
  if (const auto space = parts_.disk->FreeSpace(parts_.data_dir); space.ok()) {
    facts.disk_free_bytes = space->available;
    facts.disk_total_bytes = space->total;
  }
  return facts;
}

api::ProcessFacts ServerEnvironment::process() const {
  return ReadProcessFacts();
}

void ServerEnvironment::AskLeader(std::string path, std::string body, Answered done) {
  const auto roster = parts_.machine->cluster().roster();
  const membership::Member* leader = roster->Find(parts_.driver->leader());
  if (leader == nullptr) return done(Error{Code::kUnavailable, "etcdserver: no leader"});
  parts_.peers->PostTo(leader->peer_urls, std::move(path), std::move(body), std::move(done));
}

void ServerEnvironment::StreamSnapshot(std::shared_ptr<api::SnapshotReceiver> receiver) {
  parts_.client_snapshots->Stream(std::move(receiver));
}

void ServerEnvironment::After(std::chrono::nanoseconds delay, std::function<void()> task) {
  RunAfter(*parts_.loop, delay,
           [driver = parts_.driver, task = std::move(task)] { driver->Post(task); });
}

void KeepReserve(net::EventLoop& loop, Background& background, apply::Quota& quota,
                 std::shared_ptr<DiskReserve> reserve, std::function<void()> on_scarce) {
  quota.SetDiskScarce(reserve->scarce());
  RunAfter(
      loop, kReserveFirst,
      [&loop, &background, &quota, reserve = std::move(reserve), on_scarce = std::move(on_scarce)] {
        LookAfterReserve(loop, background, quota, reserve, on_scarce);
      });
}

void RunAfter(net::EventLoop& loop, std::chrono::nanoseconds delay, std::function<void()> task) {
  loop.Post([&loop, delay, task = std::move(task)] {
    auto timer = std::make_shared<net::Timer>(loop);
    timer->Set(delay, [timer, task] { task(); });
  });
}

}  // namespace quorate::app
