#include "sim/etcd_world.h"

#include <algorithm>
#include <utility>

namespace quorate::sim {
namespace {

using etcdclient::Method;
using google::protobuf::MessageLite;
using kube::Json;

constexpr int kCatchUpTicks = 3;

// The value of "--flag=value" among a container's command and arguments, or of ETCD_FLAG.
std::optional<std::string> FlagOf(const Json& container, const std::string& flag) {
  for (const char* list : {"command", "args"}) {
    const auto words = container.find(list);
    if (words == container.end()) continue;
    for (const Json& word : *words) {
      const std::string text = word.get<std::string>();
      if (text.starts_with("--" + flag + "=")) return text.substr(flag.size() + 3);
      if (text == "--" + flag) return "true";
    }
  }
  std::string variable = (flag.starts_with("quorate-") ? "" : "ETCD_") + flag;
  for (char& c : variable) {
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  for (const Json& one : container.value("env", Json::array())) {
    if (kube::Text(one, "/name") == variable) return kube::Text(one, "/value");
  }
  return std::nullopt;
}

std::uint64_t Hash(const std::string& text) {
  std::uint64_t hash = 1469598103934665603U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash == 0 ? 1 : hash;
}

// "a=http://x:1,b=http://y:1" -> {"a": "http://x:1", ...}
std::map<std::string, std::string> ParseInitialCluster(const std::string& text) {
  std::map<std::string, std::string> out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    const std::size_t equals = one.find('=');
    if (equals != std::string::npos) out[one.substr(0, equals)] = one.substr(equals + 1);
    begin = end + 1;
  }
  return out;
}

// "https://a.b.c.svc:2379" -> "a.b.c.svc"
std::string HostOf(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  return url.substr(begin, url.find(':', begin) - begin);
}

template <typename T>
const T& As(const MessageLite& message) {
  return static_cast<const T&>(message);
}
template <typename T>
T& As(MessageLite& message) {
  return static_cast<T&>(message);
}

void Describe(const EtcdWorld::MemberInfo& info, etcdserverpb::Member& out) {
  out.set_id(info.id);
  out.set_name(info.name);
  out.add_peerurls(info.peer_url);
  if (!info.name.empty()) {
    std::string client = info.peer_url;
    if (const auto at = client.find(":2380"); at != std::string::npos) {
      client.replace(at, 5, ":2379");
    }
    out.add_clienturls(client);
  }
  out.set_islearner(info.learner);
}

}  // namespace

// What a pod's container asks its server to do.
struct EtcdWorld::Launch {
  std::string name;
  std::string initial_cluster;
  std::string peer_url;
  bool may_form = false;
  std::optional<std::uint64_t> expected_cluster;
};

class EtcdWorld::Client final : public etcdclient::Client {
 public:
  Client(EtcdWorld& world, std::vector<std::string> endpoints)
      : world_(world), endpoints_(std::move(endpoints)) {}

  Status Unary(const Method& method, const MessageLite& request, MessageLite& response,
               const etcdclient::CallOptions& options) override {
    ++world_.calls_;
    if (world_.lost_answers_ > 0 && !method.repeatable) {
      --world_.lost_answers_;
      if (world_.lost_after_) {
        std::unique_ptr<MessageLite> unseen(response.New());
        static_cast<void>(world_.Serve(method, request, *unseen, Targets(options)));
      }
      return Error{Code::kUnavailable, "the answer was lost"};
    }
    return world_.Serve(method, request, response, Targets(options));
  }
  Result<std::unique_ptr<etcdclient::Stream>> Open(const Method& /*method*/,
                                                   const etcdclient::CallOptions&) override {
    return Error{Code::kUnimplemented, "the simulated etcd has no streams"};
  }
  std::vector<std::string> endpoints() const override { return endpoints_; }
  void SetEndpoints(std::vector<std::string> endpoints) override {
    endpoints_ = std::move(endpoints);
  }

 private:
  std::vector<std::string> Targets(const etcdclient::CallOptions& options) const {
    if (!options.endpoint.empty()) return {options.endpoint};
    return endpoints_;
  }

  EtcdWorld& world_;
  std::vector<std::string> endpoints_;
};

std::optional<EtcdWorld::Exit> EtcdWorld::Start(const Json& pod, const std::string& claim_uid) {
  const Json* container = kube::Find(pod, "/spec/containers/0");
  if (container == nullptr) return Exit{14, "no container"};
  Launch launch;
  launch.name = FlagOf(*container, "name").value_or("");
  launch.initial_cluster = FlagOf(*container, "initial-cluster").value_or("");
  launch.peer_url = FlagOf(*container, "initial-advertise-peer-urls").value_or("");
  launch.may_form = FlagOf(*container, "initial-cluster-state").value_or("new") == "new" &&
                    FlagOf(*container, "quorate-forbid-bootstrap").value_or("false") != "true";
  const std::string expected = FlagOf(*container, "quorate-expected-cluster-id").value_or("");
  if (!expected.empty()) launch.expected_cluster = std::stoull(expected, nullptr, 16);
  if (const auto data = data_.find(claim_uid); data != data_.end()) {
    if (launch.expected_cluster && *launch.expected_cluster != data->second.cluster) {
      return Exit{12, "the data directory belongs to another cluster"};
    }
    const Cluster* cluster = FindCluster(data->second.cluster);
    if (cluster->removed.contains(data->second.member)) {
      return Exit{10, "this member was removed from the cluster"};
    }
    for (const auto& [pod_uid, process] : processes_) {
      if (process.claim_uid == claim_uid) Violate("two servers on one volume: " + launch.name);
    }
  } else if (auto refused = StartFresh(launch, claim_uid)) {
    return refused;
  }
  Process process;
  process.claim_uid = claim_uid;
  const std::string subdomain = kube::Text(pod, "/spec/subdomain");
  process.host = kube::Name(pod) + "." + subdomain + "." + kube::Namespace(pod);
  const std::string image = kube::Text(*container, "/image");
  process.version = image.substr(image.rfind(':') + 1);
  processes_[kube::Uid(pod)] = process;
  return std::nullopt;
}

std::optional<EtcdWorld::Exit> EtcdWorld::StartFresh(const Launch& launch,
                                                     const std::string& claim_uid) {
  if (launch.may_form) return FormCluster(launch, claim_uid);
  for (const auto& cluster : clusters_) {
    for (auto& [id, member] : cluster->members) {
      if (member.peer_url != launch.peer_url) continue;
      if (!HasQuorum(*cluster)) return Exit{1, "could not get cluster response from given urls"};
      if (!member.name.empty()) {
        Violate("member " + launch.name + " was started on an empty volume under its old identity");
      }
      if (launch.expected_cluster && *launch.expected_cluster != cluster->id) {
        return Exit{12, "joined another cluster than expected"};
      }
      member.name = launch.name;
      data_[claim_uid] = {cluster->id, id, kCatchUpTicks};
      return std::nullopt;
    }
  }
  return Exit{15, "bootstrap is forbidden and no cluster knows this member"};
}

std::optional<EtcdWorld::Exit> EtcdWorld::FormCluster(const Launch& launch,
                                                      const std::string& claim_uid) {
  const auto initial = ParseInitialCluster(launch.initial_cluster);
  std::string urls;
  for (const auto& [name, url] : initial) urls += url + ",";
  const std::uint64_t id = Hash(urls);
  Cluster* cluster = FindCluster(id);
  if (cluster == nullptr) {
    if (!clusters_.empty()) Violate("bootstrapped twice, by " + launch.name);
    clusters_.push_back(std::make_unique<Cluster>());
    cluster = clusters_.back().get();
    cluster->id = id;
    for (const auto& [name, url] : initial) {
      cluster->members[Hash(url)] = {Hash(url), url, "", false};
    }
  }
  const auto self = cluster->members.find(Hash(launch.peer_url));
  if (self == cluster->members.end()) return Exit{14, "not in its own initial cluster"};
  if (!self->second.name.empty()) {
    Violate("member " + launch.name + " was started as new on an empty volume");
  }
  self->second.name = launch.name;
  data_[claim_uid] = {cluster->id, self->first, 0};
  return std::nullopt;
}

void EtcdWorld::Stop(const std::string& pod_uid) {
  processes_.erase(pod_uid);
}

bool EtcdWorld::Ready(const std::string& pod_uid) const {
  const auto process = processes_.find(pod_uid);
  if (process == processes_.end()) return false;
  const auto data = data_.find(process->second.claim_uid);
  if (data == data_.end()) return false;
  for (const auto& cluster : clusters_) {
    if (cluster->id == data->second.cluster) {
      return HasQuorum(*cluster) && data->second.behind == 0;
    }
  }
  return false;
}

std::map<std::string, EtcdWorld::Exit> EtcdWorld::Tick() {
  std::map<std::string, Exit> exits;
  for (const auto& [pod_uid, process] : processes_) {
    const auto data = data_.find(process.claim_uid);
    if (data == data_.end()) {
      exits[pod_uid] = {11, "the data directory is gone"};
      continue;
    }
    Cluster* cluster = FindCluster(data->second.cluster);
    if (cluster->removed.contains(data->second.member)) {
      exits[pod_uid] = {10, "this member was removed from the cluster"};
      continue;
    }
    if (data->second.behind > 0 && HasQuorum(*cluster)) --data->second.behind;
  }
  for (const auto& [pod_uid, exit] : exits) processes_.erase(pod_uid);
  for (const auto& cluster : clusters_) {
    if (HasQuorum(*cluster)) ++cluster->index;
    if (cluster->leader != 0 && Runs(cluster->id, cluster->leader) && HasQuorum(*cluster)) continue;
    cluster->leader = 0;
    for (const auto& [id, member] : cluster->members) {
      if (member.learner || !Runs(cluster->id, id) || !HasQuorum(*cluster)) continue;
      cluster->leader = id;
      ++cluster->term;
      break;
    }
  }
  return exits;
}

std::unique_ptr<etcdclient::Client> EtcdWorld::Connect(std::vector<std::string> endpoints) {
  return std::make_unique<Client>(*this, std::move(endpoints));
}

std::vector<EtcdWorld::MemberInfo> EtcdWorld::members() const {
  std::vector<MemberInfo> out;
  if (clusters_.empty()) return out;
  for (const auto& [id, member] : clusters_.front()->members) out.push_back(member);
  return out;
}

EtcdWorld::Cluster* EtcdWorld::FindCluster(std::uint64_t id) {
  const auto it = std::ranges::find(clusters_, id, [](const auto& one) { return one->id; });
  return it == clusters_.end() ? nullptr : it->get();
}

// The server an endpoint leads to; a Service's name leads to any that is ready.
const EtcdWorld::Process* EtcdWorld::Answering(const std::string& endpoint) const {
  const std::string host = HostOf(endpoint);
  for (const auto& [pod_uid, process] : processes_) {
    if (!data_.contains(process.claim_uid)) continue;  // about to end
    if (host == process.host || host.starts_with(process.host + ".")) return &process;
  }
  const bool service = host.find("-client.") != std::string::npos;
  for (const auto& [pod_uid, process] : processes_) {
    if (service && Ready(pod_uid)) return &process;
  }
  return nullptr;
}

bool EtcdWorld::Runs(std::uint64_t cluster, std::uint64_t member) const {
  return std::ranges::any_of(processes_, [&](const auto& entry) {
    const auto data = data_.find(entry.second.claim_uid);
    return data != data_.end() && data->second.cluster == cluster && data->second.member == member;
  });
}

bool EtcdWorld::HasQuorum(const Cluster& cluster, std::optional<std::uint64_t> without) const {
  std::size_t voters = 0;
  std::size_t running = 0;
  for (const auto& [id, member] : cluster.members) {
    if (member.learner || id == without) continue;
    ++voters;
    if (Runs(cluster.id, id)) ++running;
  }
  return voters > 0 && running > voters / 2;
}

Status EtcdWorld::Serve(const Method& method, const MessageLite& request, MessageLite& response,
                        const std::vector<std::string>& endpoints) {
  const Process* process = nullptr;
  for (const std::string& endpoint : endpoints) {
    if (process == nullptr) process = Answering(endpoint);
  }
  if (process == nullptr) {
    return Error{Code::kDeadlineExceeded, "context deadline exceeded: connection refused"};
  }
  const Data& data = data_.at(process->claim_uid);
  Cluster& cluster = *FindCluster(data.cluster);
  if (cluster.removed.contains(data.member)) {
    return Error{Code::kUnavailable, "etcdserver: server stopped"};  // it ends at the next Tick
  }
  const std::string path = method.path;
  if (path == etcdclient::kStatus.path) {
    auto& out = As<etcdserverpb::StatusResponse>(response);
    out.mutable_header()->set_cluster_id(cluster.id);
    out.mutable_header()->set_member_id(data.member);
    out.set_version(process->version);
    out.set_leader(HasQuorum(cluster) ? cluster.leader : 0);
    out.set_raftterm(cluster.term);
    out.set_raftindex(cluster.index);
    out.set_raftappliedindex(data.behind > 0 ? 1 : cluster.index);
    out.set_islearner(cluster.members.at(data.member).learner);
    out.set_dbsize(1 << 20);
    return {};
  }
  const bool local = path == etcdclient::kMemberList.path &&
                     !As<etcdserverpb::MemberListRequest>(request).linearizable();
  if (!local && (!HasQuorum(cluster) || cluster.leader == 0)) {
    return Error{Code::kUnavailable, "etcdserver: request timed out"};
  }
  const bool listing = path == etcdclient::kMemberList.path;
  if (cluster.members.at(data.member).learner && !listing) {
    return Error{Code::kUnavailable, "etcdserver: rpc not supported for learner"};
  }
  if (listing) {
    auto& out = As<etcdserverpb::MemberListResponse>(response);
    out.mutable_header()->set_cluster_id(cluster.id);
    for (const auto& [id, member] : cluster.members) Describe(member, *out.add_members());
    return {};
  }
  if (path == etcdclient::kAlarm.path) return {};
  return Change(cluster, method, request, response);
}

Status EtcdWorld::Change(Cluster& cluster, const Method& method, const MessageLite& request,
                         MessageLite& response) {
  const std::string path = method.path;
  if (path == etcdclient::kMemberAdd.path) {
    const auto& in = As<etcdserverpb::MemberAddRequest>(request);
    for (const auto& [id, member] : cluster.members) {
      if (member.peer_url == in.peerurls(0)) {
        return Error{Code::kFailedPrecondition, "etcdserver: Peer URLs already exists"};
      }
      if (in.islearner() && member.learner) {
        return Error{Code::kFailedPrecondition, "etcdserver: too many learner members in cluster"};
      }
    }
    if (!in.islearner()) Violate("a voter was added directly");
    const std::uint64_t id = next_id_++;
    cluster.members[id] = {id, in.peerurls(0), "", in.islearner()};
    auto& out = As<etcdserverpb::MemberAddResponse>(response);
    out.mutable_header()->set_cluster_id(cluster.id);
    Describe(cluster.members[id], *out.mutable_member());
    for (const auto& [each, member] : cluster.members) Describe(member, *out.add_members());
    return {};
  }
  const std::uint64_t target = path == etcdclient::kMemberRemove.path
                                   ? As<etcdserverpb::MemberRemoveRequest>(request).id()
                               : path == etcdclient::kMemberPromote.path
                                   ? As<etcdserverpb::MemberPromoteRequest>(request).id()
                               : path == etcdclient::kMoveLeader.path
                                   ? As<etcdserverpb::MoveLeaderRequest>(request).targetid()
                                   : 0;
  const auto member = cluster.members.find(target);
  if (member == cluster.members.end()) {
    return Error{Code::kNotFound, "etcdserver: member not found"};
  }
  if (path == etcdclient::kMemberRemove.path) {
    if (!member->second.learner && !HasQuorum(cluster, target)) {
      Violate("removing a member left the cluster without quorum");
    }
    cluster.removed.insert(target);
    cluster.members.erase(member);
    if (cluster.leader == target) cluster.leader = 0;
    return {};
  }
  if (path == etcdclient::kMoveLeader.path) {
    cluster.leader = target;
    return {};
  }
  if (!member->second.learner) {
    return Error{Code::kFailedPrecondition, "etcdserver: can only promote a learner member"};
  }
  const bool caught_up = std::ranges::any_of(data_, [&](const auto& entry) {
    return entry.second.cluster == cluster.id && entry.second.member == target &&
           entry.second.behind == 0 && Runs(cluster.id, target);
  });
  if (!caught_up) {
    return Error{Code::kFailedPrecondition,
                 "etcdserver: can only promote a learner member which is in sync with leader"};
  }
  member->second.learner = false;
  return {};
}

}  // namespace quorate::sim
