#include "app/publication.h"

#include <utility>

#include "app/wiring.h"
#include "apply/request.h"
#include "base/bytes.h"
#include "base/log.h"
#include "proto/membership.pb.h"

namespace quorate::app {
namespace {

constexpr auto kAgainAfter = std::chrono::milliseconds(100);
constexpr auto kKnownPoll = std::chrono::milliseconds(50);

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

}  // namespace

Publication::Publication(Parts parts) : parts_(std::move(parts)) {}

void Publication::Begin() {
  if (!Known()) parts_.loop->Post([this] { WaitUntilKnown(); });
  Propose();
}

void Publication::Propose() {
  membershippb::ClusterMemberAttrSetRequest request;
  request.set_member_id(parts_.self.value);
  request.mutable_member_attributes()->set_name(parts_.name);
  for (const std::string& url : parts_.client_urls) {
    request.mutable_member_attributes()->add_client_urls(url);
  }
  const std::uint64_t id = parts_.driver->NextRequestId();
  const std::string entry = apply::MakeRequest(apply::RequestField::kClusterMemberAttrSet,
                                               request.SerializeAsString(), id);
  parts_.driver->Propose(id, entry, [this](const Result<std::string>& done) {
    if (done.ok()) return parts_.loop->Post([this] { End(); });
    if (ended_) return;
    log::Warn("failed to publish local member to cluster through raft",
              {{"error", done.error().message}});
    if (done.error().message == "etcdserver: server stopped") return;
    RunAfter(*parts_.loop, kAgainAfter, [this] { Propose(); });
  });
}

void Publication::WaitUntilKnown() {
  if (ended_) return;
  if (Known()) return End();
  RunAfter(*parts_.loop, kKnownPoll, [this] { WaitUntilKnown(); });
}

bool Publication::Known() const {
  const auto roster = parts_.cluster->roster();
  const membership::Member* self = roster->Find(parts_.self);
  return self != nullptr && self->name == parts_.name && self->client_urls == parts_.client_urls;
}

// On the loop; the first call counts.
void Publication::End() {
  if (ended_.exchange(true)) return;
  log::Info("published local member to cluster through raft",
            {{"local-member-id", ToHex(parts_.self.value)},
             {"cluster-id", ToHex(parts_.cluster_id.value)},
             {"name", parts_.name},
             {"advertise-client-urls", Join(parts_.client_urls)}});
  parts_.done();
}

}  // namespace quorate::app
