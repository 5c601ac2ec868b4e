#include "api/info.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "membership/version.h"
#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

using Json = nlohmann::ordered_json;
using ExchangePtr = std::shared_ptr<net::HttpExchange>;

constexpr auto kLookInterval = std::chrono::milliseconds(100);
constexpr int kLooks = 300;  // half a minute
constexpr std::size_t kLongPollsMax = 64;

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

// What a program waits for, as one short text: it differs whenever any of it changed.
std::string StateOf(const Context& context) {
  const node::Status status = context.node->status();
  const auto roster = context.cluster->roster();
  Json members = Json::array();
  for (const membership::Member& member : roster->List()) {
    members.push_back(membership::ToJson(member));
  }
  const Json facts = {std::string(raft::ToString(status.role)),
                      status.leader.value,
                      status.term.value,
                      status.is_learner,
                      roster->removed.contains(context.identity.member),
                      roster->version ? roster->version->ToString() : "",
                      AlarmsOf(context),
                      members};
  const std::string text = facts.dump(-1, ' ', false, Json::error_handler_t::replace);
  return ToHex(Crc32c(0, AsBytes(text)));
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
               {"state", StateOf(context)},
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

// LongPolls: questions that wait for a change. On the raft+apply loop.
class LongPolls : public std::enable_shared_from_this<LongPolls> {
 public:
  explicit LongPolls(const Context& context) : context_(context) {}

  // Answers when the state is another than `since`, or after a while all the same.
  void Wait(ExchangePtr exchange, std::string since) {
    if (waiting_ >= kLongPollsMax) return Answer(exchange);
    ++waiting_;
    Look(std::move(exchange), std::move(since), kLooks);
  }
  void Answer(const ExchangePtr& exchange) const {
    exchange->Respond(net::HttpResponse::Json(200, StatusJson(context_)));
  }

 private:
  void Look(ExchangePtr exchange, std::string since, int looks) {
    if (looks == 0 || StateOf(context_) != since) {
      --waiting_;
      return Answer(exchange);
    }
    context_.environment->After(
        kLookInterval,
        [self = shared_from_this(), exchange = std::move(exchange), since = std::move(since),
         looks] { self->Look(exchange, since, looks - 1); });
  }

  const Context& context_;
  std::size_t waiting_ = 0;
};

std::string_view SinceOf(std::string_view query) {
  constexpr std::string_view kName = "since=";
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.starts_with(kName)) return pair.substr(kName.size());
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  return {};
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
  router.Http("/quorate/status", [&context, polls = std::make_shared<LongPolls>(context)](
                                     const ExchangePtr& exchange) {
    context.node->Post(
        [polls, exchange, since = std::string(SinceOf(exchange->request().query()))] {
          if (since.empty()) return polls->Answer(exchange);
          polls->Wait(exchange, since);
        });
  });
}

}  // namespace quorate::api
