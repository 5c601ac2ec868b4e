#include "sim/kube_nodes.h"

#include <algorithm>
#include <utility>

namespace quorate::sim {
namespace {

using kube::Json;
using kube::ObjectRef;
namespace resources = kube::resources;

// Sets one condition of a status; its time moves only when it flips.
void SetCondition(Json& object, const std::string& type, bool value, const std::string& now) {
  Json& conditions = object["status"]["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  const std::string status = value ? "True" : "False";
  for (Json& condition : conditions) {
    if (condition["type"] != type) continue;
    if (condition["status"] == status) return;
    condition["status"] = status;
    condition["lastTransitionTime"] = now;
    return;
  }
  conditions.push_back({{"type", type}, {"status", status}, {"lastTransitionTime", now}});
}

}  // namespace

KubeNodes::KubeNodes(KubeApi& api, EtcdWorld& etcd, const io::Clock& clock,
                     std::vector<std::string> nodes)
    : api_(api), etcd_(etcd), clock_(clock), nodes_(nodes.begin(), nodes.end()) {
  is_member = [this](const Json& pod) { return !ClaimOf(pod).empty(); };
  for (const std::string& node : nodes_) {
    api_.Put(resources::kNodes, kube::MakeObject(resources::kNodes, {"", node}));
    StartNode(node);
  }
}

void KubeNodes::Tick() {
  BindClaims();
  for (const Json& pod : api_.All(resources::kPods, "")) RunPod(pod);
  for (const auto& [uid, exit] : etcd_.Tick()) {
    for (const Json& pod : api_.All(resources::kPods, "")) {
      if (kube::Uid(pod) != uid) continue;
      api_.Mutate(resources::kPods, kube::RefOf(pod), [&exit = exit](Json& object) {
        object["status"]["containerStatuses"][0]["state"] = {
            {"terminated", {{"exitCode", exit.code}, {"message", exit.message}}}};
      });
    }
  }
  for (const Json& pod : api_.All(resources::kPods, "")) {
    if (kube::Text(pod, "/status/phase") == "Running" && is_member(pod) &&
        !silent_.contains(kube::Text(pod, "/spec/nodeName"))) {
      SetReady(pod, etcd_.Ready(kube::Uid(pod)));
    }
  }
  api_.CollectGarbage();
}

void KubeNodes::BindClaims() {
  for (const Json& claim : api_.All(resources::kPersistentVolumeClaims, "")) {
    if (kube::Text(claim, "/status/phase") != "Pending" || kube::IsDeleting(claim)) continue;
    api_.Mutate(resources::kPersistentVolumeClaims, kube::RefOf(claim), [](Json& object) {
      object["spec"]["volumeName"] = "pv-" + kube::Uid(object);
      object["status"]["phase"] = "Bound";
      if (object["spec"].contains("resources")) {
        object["status"]["capacity"] = object["spec"]["resources"]["requests"];
      }
    });
  }
}

void KubeNodes::RunPod(const Json& pod) {
  const std::string node = kube::Text(pod, "/spec/nodeName");
  if (node.empty()) {
    Schedule(pod);
    return;
  }
  if (silent_.contains(node)) return;
  if (kube::IsDeleting(pod)) {
    EndPod(pod);
    return;
  }
  const std::string phase = kube::Text(pod, "/status/phase");
  if (phase == "Succeeded" || phase == "Failed") return;
  if (is_member(pod)) {
    if (!etcd_.Running(kube::Uid(pod))) StartMember(pod);
    return;
  }
  const auto exit = run_job ? run_job(pod) : std::nullopt;
  const std::string now = kube::FormatTime(clock_.WallNow());
  api_.Mutate(resources::kPods, kube::RefOf(pod), [&](Json& object) {
    object["status"]["phase"] = !exit ? "Running" : exit->code == 0 ? "Succeeded" : "Failed";
    if (!exit) return;
    Json state{{"terminated",
                {{"exitCode", exit->code}, {"message", exit->message}, {"finishedAt", now}}}};
    object["status"]["containerStatuses"] =
        Json::array({{{"name", object["spec"]["containers"][0]["name"]}, {"state", state}}});
  });
}

void KubeNodes::Schedule(const Json& pod) {
  const std::string claim = ClaimOf(pod);
  const Json bound = api_.Peek(resources::kPersistentVolumeClaims, {kube::Namespace(pod), claim});
  if (!claim.empty() && kube::Text(bound, "/status/phase") != "Bound") return;
  std::vector<std::string> able;
  std::ranges::set_difference(nodes_, silent_, std::back_inserter(able));
  if (able.empty()) return;
  const std::string node = able[turn_++ % able.size()];
  const std::string now = kube::FormatTime(clock_.WallNow());
  api_.Mutate(resources::kPods, kube::RefOf(pod), [&](Json& object) {
    object["spec"]["nodeName"] = node;
    SetCondition(object, "PodScheduled", true, now);
  });
}

void KubeNodes::StartMember(const Json& pod) {
  const Json claim =
      api_.Peek(resources::kPersistentVolumeClaims, {kube::Namespace(pod), ClaimOf(pod)});
  if (kube::Text(claim, "/status/phase") != "Bound") return;
  const auto exit = etcd_.Start(pod, kube::Uid(claim));
  const std::string now = kube::FormatTime(clock_.WallNow());
  api_.Mutate(resources::kPods, kube::RefOf(pod), [&](Json& object) {
    object["status"]["phase"] = "Running";
    object["status"]["podIP"] = "10.0.0." + std::to_string(1 + turn_ % 250);
    Json& status = object["status"]["containerStatuses"][0];
    status["name"] = object["spec"]["containers"][0]["name"];
    if (status.contains("state")) {
      status["restartCount"] = kube::Number(status, "/restartCount") + 1;
      if (status["state"].contains("terminated")) {
        status["lastState"]["terminated"] = status["state"]["terminated"];
      }
    }
    if (exit) {
      status["state"] = {{"terminated", {{"exitCode", exit->code}, {"message", exit->message}}}};
    } else {
      status["state"] = {{"running", {{"startedAt", now}}}};
    }
    SetCondition(object, "Ready", false, now);
  });
}

void KubeNodes::EndPod(const Json& pod) {
  etcd_.Stop(kube::Uid(pod));
  const Json* finalizers = kube::Find(pod, "/metadata/finalizers");
  if (finalizers == nullptr || finalizers->empty()) {
    api_.Remove(resources::kPods, kube::RefOf(pod));
  }
}

void KubeNodes::SetReady(const Json& pod, bool ready) {
  const std::string now = kube::FormatTime(clock_.WallNow());
  api_.Mutate(resources::kPods, kube::RefOf(pod), [&](Json& object) {
    SetCondition(object, "Ready", ready, now);
    object["status"]["containerStatuses"][0]["ready"] = ready;
  });
}

std::string KubeNodes::ClaimOf(const Json& pod) const {
  for (const Json& volume : pod["spec"].value("volumes", Json::array())) {
    const std::string claim = kube::Text(volume, "/persistentVolumeClaim/claimName");
    if (!claim.empty() && kube::Text(volume, "/name") == "data") return claim;
  }
  return {};
}

void KubeNodes::LoseVolume(const ObjectRef& claim) {
  const Json object = api_.Peek(resources::kPersistentVolumeClaims, claim);
  etcd_.EraseVolume(kube::Uid(object));
  api_.Mutate(resources::kPersistentVolumeClaims, claim,
              [](Json& lost) { lost["status"]["phase"] = "Lost"; });
}

void KubeNodes::StopNode(const std::string& node) {
  silent_.insert(node);
  const std::string now = kube::FormatTime(clock_.WallNow());
  api_.Mutate(resources::kNodes, {"", node},
              [&](Json& object) { SetCondition(object, "Ready", false, now); });
  for (const Json& pod : api_.All(resources::kPods, "")) {
    if (kube::Text(pod, "/spec/nodeName") != node) continue;
    etcd_.Stop(kube::Uid(pod));
    SetReady(pod, false);
  }
}

void KubeNodes::StartNode(const std::string& node) {
  silent_.erase(node);
  const std::string now = kube::FormatTime(clock_.WallNow());
  api_.Mutate(resources::kNodes, {"", node},
              [&](Json& object) { SetCondition(object, "Ready", true, now); });
}

void KubeNodes::RemoveNode(const std::string& node) {
  StopNode(node);
  nodes_.erase(node);
  api_.Remove(resources::kNodes, {"", node});
}

}  // namespace quorate::sim
