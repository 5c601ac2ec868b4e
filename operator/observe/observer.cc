#include "observe/observer.h"

#include <algorithm>
#include <utility>

#include "api/json.h"
#include "api/names.h"
#include "kube/api_error.h"
#include "kube/resource.h"
#include "observe/facts.h"
#include "observe/restore_source.h"

namespace quorate::observe {
namespace {

using kube::Json;
using kube::ObjectRef;
namespace resources = kube::resources;

// The object, or nullopt when there is none.
Result<std::optional<Json>> Find(kube::Reader& reader, const kube::Resource& resource,
                                 const ObjectRef& ref) {
  auto object = reader.Get(resource, ref);
  if (object.ok()) return std::optional<Json>(*std::move(object));
  if (kube::IsNotFound(object.error())) return std::optional<Json>();
  return Annotate(object.error(), "get " + std::string(resource.plural) + " " + ToString(ref));
}

Result<std::vector<kube::ObjectPtr>> ListOf(kube::Reader& reader, const kube::Resource& resource,
                                            const plan::Desired& desired) {
  auto list = reader.List(resource, desired.ns(), api::MemberSelector(desired.uid()));
  if (!list.ok()) return Annotate(list.error(), "list " + std::string(resource.plural));
  return list;
}

// The slot of this name; nullptr: none.
plan::Slot* SlotOf(plan::Observed& observed, const std::string& name) {
  for (plan::Slot& slot : observed.slots) {
    if (slot.object.meta.name == name) return &slot;
  }
  return nullptr;
}

Status ReadSlots(const plan::Desired& desired, kube::Reader& reader, plan::Observed& observed) {
  for (const kube::ObjectPtr& object : TRY(ListOf(reader, resources::kEtcdMembers, desired))) {
    if (kube::IsDeleting(*object)) continue;  // as good as gone: its pod and volume are strays
    plan::Slot slot;
    slot.object = TRY(api::FromJson<api::EtcdMember>(*object));
    observed.slots.push_back(std::move(slot));
  }
  std::sort(observed.slots.begin(), observed.slots.end(),
            [](const auto& a, const auto& b) { return a.object.meta.name < b.object.meta.name; });
  return {};
}

// What the node of a pod that is not ready says.
Status ReadNode(kube::Reader& reader, plan::PodFacts& pod) {
  if (pod.node.empty() || pod.ready) return {};
  const auto node = TRY(Find(reader, resources::kNodes, {"", pod.node}));
  pod.node_silent_since = node ? NodeSilentSince(*node) : pod.ready_changed;
  return {};
}

Status ReadPods(const plan::Desired& desired, kube::Reader& reader, bool by_pod_ip,
                plan::Observed& observed) {
  for (const kube::ObjectPtr& object : TRY(ListOf(reader, resources::kPods, desired))) {
    plan::PodFacts pod = PodFactsOf(*object);
    TRY(ReadNode(reader, pod));
    const std::string ip = kube::Text(*object, "/status/podIP");
    const bool v6 = ip.find(':') != std::string::npos;
    if (!ip.empty() && pod.phase == plan::PodPhase::kRunning && !pod.terminating) {
      pod.endpoint = by_pod_ip ? "http://" + (v6 ? "[" + ip + "]" : ip) + ":" +
                                     std::to_string(api::kClientPort)
                               : api::ClientUrl(pod.name, desired.name(), desired.ns());
    }
    plan::Slot* slot = SlotOf(observed, pod.name);
    if (slot) {
      slot->pod = std::move(pod);
    } else {
      observed.stray_pods.push_back(std::move(pod));
    }
  }
  return {};
}

// The nodes a volume is tied to; empty: none.
std::vector<std::string> NodesOf(const Json& volume) {
  std::vector<std::string> nodes;
  static const Json kNone = Json::array();
  const auto list = [](const Json& object, std::string_view pointer) -> const Json& {
    const Json* found = kube::Find(object, pointer);
    return found != nullptr && found->is_array() ? *found : kNone;
  };
  for (const Json& term : list(volume, "/spec/nodeAffinity/required/nodeSelectorTerms")) {
    for (const Json& rule : list(term, "/matchExpressions")) {
      if (kube::Text(rule, "/key") != "kubernetes.io/hostname") continue;
      if (kube::Text(rule, "/operator") != "In") continue;
      for (const Json& value : list(rule, "/values")) {
        if (value.is_string()) nodes.push_back(value.get<std::string>());
      }
    }
  }
  return nodes;
}

// Looked up only for a member whose pod has no place: a local volume whose node is gone.
Result<bool> IsNodeGone(kube::Reader& reader, const Json& claim) {
  const std::string name = kube::Text(claim, "/spec/volumeName");
  if (name.empty()) return false;
  const auto volume = TRY(Find(reader, resources::kPersistentVolumes, {"", name}));
  if (!volume) return false;
  const std::vector<std::string> nodes = NodesOf(*volume);
  for (const std::string& node : nodes) {
    if (TRY(Find(reader, resources::kNodes, {"", node}))) return false;
  }
  return !nodes.empty();
}

Status ReadVolumes(const plan::Desired& desired, kube::Reader& reader, plan::Observed& observed) {
  for (const kube::ObjectPtr& object :
       TRY(ListOf(reader, resources::kPersistentVolumeClaims, desired))) {
    plan::VolumeFacts volume = VolumeFactsOf(*object);
    plan::Slot* slot = SlotOf(observed, volume.member);
    if (slot == nullptr || volume.name != api::VolumeName(volume.member)) {
      observed.stray_volumes.push_back(std::move(volume));
      continue;
    }
    if (volume.bound && (!slot->pod || slot->pod->node.empty())) {
      volume.node_gone = TRY(IsNodeGone(reader, *object));
    }
    slot->volume = std::move(volume);
  }
  return {};
}

Status ReadServices(const plan::Desired& desired, kube::Reader& reader, plan::Observed& observed) {
  const auto look = [&](const std::string& name, auto is_right, bool& right) -> Status {
    const auto service = TRY(Find(reader, resources::kServices, {desired.ns(), name}));
    if (!service) return {};
    if (!IsOurs(desired, *service)) {
      observed.service_problem = "service " + name + " belongs to somebody else";
    }
    right = is_right(desired, *service) && !kube::IsDeleting(*service);
    return {};
  };
  TRY(look(api::PeerServiceName(desired.name()), IsPeerServiceRight, observed.peer_service));
  TRY(look(api::ClientServiceName(desired.name()), IsClientServiceRight, observed.client_service));
  return {};
}

Status ReadBudget(const plan::Desired& desired, kube::Reader& reader, plan::Observed& observed) {
  const auto budget = TRY(Find(reader, resources::kPodDisruptionBudgets,
                               {desired.ns(), api::DisruptionBudgetName(desired.name())}));
  if (budget && IsOurs(desired, *budget)) {
    observed.budget = static_cast<std::int32_t>(kube::Number(*budget, "/spec/minAvailable"));
  }
  return {};
}

// etcd lists alarms as "memberID:123 alarm:NOSPACE ".
std::vector<std::string> AlarmsOf(const etcdserverpb::StatusResponse& status) {
  std::vector<std::string> alarms;
  for (const std::string& error : status.errors()) {
    for (const char* alarm : {"NOSPACE", "CORRUPT"}) {
      if (error.find(alarm) == std::string::npos) continue;
      if (std::find(alarms.begin(), alarms.end(), alarm) == alarms.end())
        alarms.emplace_back(alarm);
    }
  }
  return alarms;
}

plan::ServerFacts FactsOf(const etcdserverpb::StatusResponse& status) {
  plan::ServerFacts facts;
  facts.id = MemberId{status.header().member_id()};
  facts.cluster_id = ClusterId{status.header().cluster_id()};
  facts.leader = MemberId{status.leader()};
  facts.term = Term{status.raftterm()};
  facts.applied = LogIndex{status.raftappliedindex()};
  facts.learner = status.islearner();
  facts.version = status.version();
  facts.alarms = AlarmsOf(status);
  return facts;
}

plan::ListedMember ListedOf(const etcdserverpb::Member& member) {
  plan::ListedMember listed;
  listed.id = MemberId{member.id()};
  listed.name = member.name();
  listed.peer_urls.assign(member.peerurls().begin(), member.peerurls().end());
  listed.client_urls.assign(member.clienturls().begin(), member.clienturls().end());
  listed.learner = member.islearner();
  return listed;
}

}  // namespace

Observer::Observer(Connector connect, io::Random& random, Options options)
    : connect_(std::move(connect)), random_(random), options_(options) {}

Result<plan::Observed> Observer::Observe(const plan::Desired& desired, kube::Reader& reader) {
  plan::Observed observed;
  const api::ObjectMeta& meta = desired.cluster.meta;
  const auto annotation = meta.annotations.find(std::string(api::kAnnotationClusterId));
  if (annotation != meta.annotations.end()) observed.annotated_cluster_id = annotation->second;
  observed.has_finalizer = std::find(meta.finalizers.begin(), meta.finalizers.end(),
                                     api::kFinalizer) != meta.finalizers.end();
  TRY(ReadSlots(desired, reader, observed));
  TRY(ReadPods(desired, reader, options_.by_pod_ip, observed));
  TRY(ReadVolumes(desired, reader, observed));
  TRY(ReadServices(desired, reader, observed));
  TRY(ReadBudget(desired, reader, observed));
  const bool formed =
      !observed.annotated_cluster_id.empty() || !desired.cluster.status.cluster_id.empty();
  if (!formed) observed.restore = TRY(FindRestoreSource(desired, reader));
  observed.fresh_name = FreshName(desired.name(), observed);
  if (desired.deleted()) {
    MutexLock lock(mutex_);
    clients_.erase(desired.uid());
    return observed;
  }
  AskMembers(desired, observed);
  return observed;
}

void Observer::AskMembers(const plan::Desired& desired, plan::Observed& observed) {
  std::vector<std::string> endpoints;
  for (const plan::Slot& slot : observed.slots) {
    if (slot.pod && !slot.pod->endpoint.empty()) endpoints.push_back(slot.pod->endpoint);
  }
  if (endpoints.empty()) {
    observed.members_error = "no member's pod runs";
    return;
  }
  const auto client = ClientFor(desired.uid(), endpoints);
  if (!client) {
    observed.members_error = "no member can be asked";
    return;
  }
  etcdclient::CallOptions options;
  options.timeout = options_.patience;
  options.one_round = true;
  const auto answers = client->StatusOfAll(endpoints, options);
  std::size_t next = 0;
  for (plan::Slot& slot : observed.slots) {
    if (!slot.pod || slot.pod->endpoint.empty()) continue;
    const auto& status = answers[next++];
    if (!status.ok()) continue;
    slot.server = FactsOf(*status);
    if (slot.server->leader.value != 0 && !slot.server->learner) {
      options.endpoint = slot.pod->endpoint;
    }
  }
  if (options.endpoint.empty()) {
    observed.members_error = "no member knows a leader";
    return;
  }
  const auto list = client->MemberList(/*linearizable=*/true, options);
  if (!list.ok()) {
    observed.members_error = list.error().message;
    return;
  }
  observed.members.emplace();
  for (const etcdserverpb::Member& member : list->members()) {
    observed.members->push_back(ListedOf(member));
  }
}

std::shared_ptr<etcdclient::Client> Observer::ClientFor(const std::string& cluster_uid,
                                                        const std::vector<std::string>& endpoints) {
  MutexLock lock(mutex_);
  std::shared_ptr<etcdclient::Client>& client = clients_[cluster_uid];
  if (client && client->endpoints() == endpoints) return client;
  auto made = connect_(endpoints);
  client = made.ok() ? std::shared_ptr<etcdclient::Client>(*std::move(made)) : nullptr;
  return client;
}

// "<cluster>-" and five letters or digits that nothing of this cluster is called by.
std::string Observer::FreshName(const std::string& cluster, const plan::Observed& observed) {
  constexpr std::string_view kLetters = "bcdfghjkmnpqrstvwxz23456789";  // no words, no look-alikes
  while (true) {
    std::string name = cluster + "-";
    for (int i = 0; i < 5; ++i) {
      name += kLetters[static_cast<std::size_t>(random_.Below(kLetters.size()))];
    }
    const auto is_taken = [&](const auto& things, auto name_of) {
      return std::any_of(things.begin(), things.end(),
                         [&](const auto& thing) { return name_of(thing) == name; });
    };
    if (is_taken(observed.slots, [](const plan::Slot& s) { return s.object.meta.name; })) continue;
    if (is_taken(observed.stray_volumes, [](const plan::VolumeFacts& v) { return v.member; })) {
      continue;
    }
    return name;
  }
}

}  // namespace quorate::observe
