#include "operator/act/operated_cluster.h"

#include "api/json.h"
#include "kube/resource.h"
#include "status/cluster_status.h"

namespace quorate::act {
namespace {

using kube::Json;
namespace resources = kube::resources;

const kube::ObjectRef kRef{"db", "a"};

observe::Connector ConnectorTo(sim::EtcdWorld& etcd) {
  return
      [&etcd](std::vector<std::string> endpoints) -> Result<std::unique_ptr<etcdclient::Client>> {
        return etcd.Connect(std::move(endpoints));
      };
}

}  // namespace

OperatedCluster::OperatedCluster(std::uint64_t seed, int replicas)
    : api(clock, seed),
      nodes(api, etcd, clock, {"node-1", "node-2", "node-3"}),
      random_(seed),
      client_(api, clock, {}),
      observer_(ConnectorTo(etcd), random_, {.by_pod_ip = false}),
      actor_(client_, ConnectorTo(etcd), clock, {}) {
  api.Put(resources::kNamespaces, kube::MakeObject(resources::kNamespaces, {"", kRef.ns}));
  Json cluster = kube::MakeObject(resources::kEtcdClusters, kRef);
  cluster["spec"] = {{"replicas", replicas}, {"version", "0.1.0"}, {"tls", {{"mode", "None"}}}};
  api.Put(resources::kEtcdClusters, cluster);
}

void OperatedCluster::Pass() {
  if (!api.stopped()) Operate();
  nodes.Tick();
  clock.Advance(std::chrono::seconds(1));
}

void OperatedCluster::Operate() {
  const auto object = client_.Get(resources::kEtcdClusters, kRef);
  if (!object.ok()) return;
  const auto cluster = api::FromJson<api::EtcdCluster>(*object);
  const auto desired = plan::MakeDesired(*cluster, "registry/quorate");
  const auto observed = observer_.Observe(*desired, client_);
  if (!observed.ok()) {
    errors.push_back(observed.error().message);
    return;
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.WallNow());
  const plan::Plan plan = plan::MakePlan(*desired, *observed, now);
  if (plan.next) {
    steps.push_back(plan::Describe(*plan.next));
    const auto done = actor_.Act(*desired, *observed, *plan.next);
    if (!done.ok()) errors.push_back(steps.back() + ": " + done.error().message);
  }
  Tell(*desired, *observed, plan);
}

void OperatedCluster::Tell(const plan::Desired& desired, const plan::Observed& observed,
                           const plan::Plan& plan) {
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.WallNow());
  kube::PatchOptions status;
  status.subresource = "status";
  for (const plan::Slot& slot : observed.slots) {
    api::EtcdMember told = slot.object;
    told.status = status::MakeMemberStatus(desired, observed, told.meta.name, now);
    if (told.status == slot.object.status) continue;
    static_cast<void>(client_.Apply(resources::kEtcdMembers, api::StatusToJson(told), status));
  }
  api::EtcdCluster told = desired.cluster;
  told.status = status::MakeStatus(desired, observed, plan, {}, {}, now);
  if (told.status == desired.cluster.status) return;
  static_cast<void>(client_.Apply(resources::kEtcdClusters, api::StatusToJson(told), status));
}

bool OperatedCluster::IsReady() {
  const Json status = Status();
  for (const Json& condition : status.value("conditions", Json::array())) {
    if (kube::Text(condition, "/type") != "Ready") continue;
    const Json object = api.Peek(resources::kEtcdClusters, kRef);
    return kube::Text(condition, "/status") == "True" &&
           kube::Number(status, "/readyReplicas") == kube::Number(object, "/spec/replicas");
  }
  return false;
}

bool OperatedCluster::Converge(int passes) {
  for (int i = 0; i < passes; ++i) {
    Pass();
    if (IsReady()) return true;
  }
  return false;
}

void OperatedCluster::ChangeSpec(const std::function<void(Json& spec)>& change) {
  api.Mutate(resources::kEtcdClusters, kRef, [&](Json& object) {
    change(object["spec"]);
    object["metadata"]["generation"] = kube::Number(object, "/metadata/generation") + 1;
  });
  Pass();  // the status must not be Ready for the spec before
}

std::vector<std::string> OperatedCluster::MemberNames() const {
  std::vector<std::string> names;
  for (const Json& pod : api.All(resources::kPods, "db")) names.push_back(kube::Name(pod));
  return names;
}

Json OperatedCluster::Pod(const std::string& name) const {
  return api.Peek(resources::kPods, {"db", name});
}

Json OperatedCluster::Status() const {
  const Json object = api.Peek(resources::kEtcdClusters, kRef);
  return object.is_object() && object.contains("status") ? object["status"] : Json::object();
}

std::string OperatedCluster::Trouble() const {
  std::string text;
  for (const std::string& violation : etcd.violations()) text += "violation: " + violation + "\n";
  for (std::size_t i = steps.size() > 15 ? steps.size() - 15 : 0; i < steps.size(); ++i) {
    text += "step: " + steps[i] + "\n";
  }
  for (std::size_t i = errors.size() > 5 ? errors.size() - 5 : 0; i < errors.size(); ++i) {
    text += "error: " + errors[i] + "\n";
  }
  return text + Status().dump(1);
}

}  // namespace quorate::act
