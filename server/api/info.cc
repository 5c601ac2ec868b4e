#include "api/info.h"

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "membership/version.h"
#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

using Json = nlohmann::ordered_json;
using ExchangePtr = std::shared_ptr<net::HttpExchange>;

Json AlarmsOf(const Context& context) {
  Json alarms = Json::array();
  for (const auto& [member, kind] : context.applier->alarms().List(apply::AlarmKind::kNone)) {
    alarms.push_back(
        {{"member", ToHex(member.value)},
         {"alarm", etcdserverpb::AlarmType_Name(static_cast<etcdserverpb::AlarmType>(kind))}});
  }
  return alarms;
}

Json MembersOf(const Context& context, const node::Status& status) {
  Json members = Json::array();
  for (const membership::Member& member : context.cluster->roster()->List()) {
    Json json = {{"id", ToHex(member.id.value)},
                 {"name", member.name},
                 {"learner", member.is_learner},
                 {"peerURLs", member.peer_urls},
                 {"clientURLs", member.client_urls}};
    for (const auto& progress : status.progress) {
      if (progress.member != member.id) continue;
      json["match"] = progress.match.value;
      json["active"] = progress.active;
    }
    members.push_back(std::move(json));
  }
  return members;
}

// On the raft+apply loop.
std::string StatusJson(const Context& context) {
  const node::Status status = context.node->status();
  const SystemFacts facts = context.environment->facts();
  const storage::Sizes sizes = context.environment->sizes();
  const auto roster = context.cluster->roster();
  const membership::Member* self = roster->Find(context.identity.member);
  Json json = {{"version", membership::kEtcdVersion.ToString()},
               {"quorateVersion", kQuorateVersion},
               {"clusterID", ToHex(context.identity.cluster.value)},
               {"memberID", ToHex(context.identity.member.value)},
               {"name", self == nullptr ? "" : self->name},
               {"role", std::string(raft::ToString(status.role))},
               {"learner", status.is_learner},
               {"removed", roster->removed.contains(context.identity.member)},
               {"leader", ToHex(status.leader.value)},
               {"term", status.term.value},
               {"committedIndex", status.committed.value},
               {"appliedIndex", status.applied.value},
               {"durableIndex", status.durable.value},
               {"revision", context.store->revision().value},
               {"compactRevision", context.store->compact_revision().value},
               {"keys", context.store->key_count()},
               {"leases", context.lessor->size()},
               {"dbSizeBytes", sizes.bytes_total},
               {"dbSizeInUseBytes", sizes.bytes_in_use},
               {"quotaBytes", context.applier->quota().limit()},
               {"diskFreeBytes", facts.disk_free_bytes},
               {"diskTotalBytes", facts.disk_total_bytes},
               {"dataDir", facts.data_dir},
               {"startedUnixSeconds", facts.started_unix_seconds},
               {"clusterVersion", roster->version ? roster->version->ToString() : "not_decided"},
               {"alarms", AlarmsOf(context)},
               {"members", MembersOf(context, status)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string VersionJson(const membership::Cluster& cluster) {
  const auto roster = cluster.roster();
  const bool decided = roster->version.has_value();
  const Json json = {{"etcdserver", membership::kEtcdVersion.ToString()},
                     {"etcdcluster", decided ? roster->version->ToString() : "not_decided"},
                     {"storage", decided ? std::string(membership::kStorageVersion) : "unknown"},
                     {"quorate", kQuorateVersion}};
  return json.dump();
}

void RegisterInfo(rpc::Router& router, const Context& context) {
  router.Http("/version", [&context](const ExchangePtr& exchange) {
    exchange->Respond(net::HttpResponse::Json(200, VersionJson(*context.cluster)));
  });
  router.Http("/quorate/status", [&context](const ExchangePtr& exchange) {
    context.node->Post([&context, exchange] {
      exchange->Respond(net::HttpResponse::Json(200, StatusJson(context)));
    });
  });
}

}  // namespace quorate::api
