// KubeNodes: the scheduler, the kubelets and the volumes of the simulated Kubernetes.
//
// Each Tick() does what they would do next: claims are bound, pods scheduled, started and made
// ready, deleted ones ended; exited containers restart. Member pods run EtcdWorld's servers; other
// pods are jobs that the test answers.
//
// Thread: one at a time.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/etcd_world.h"
#include "sim/kube_api.h"

namespace quorate::sim {

class KubeNodes {
 public:
  KubeNodes(KubeApi& api, EtcdWorld& etcd, const io::Clock& clock, std::vector<std::string> nodes);

  // One step of everything.
  void Tick();

  // Pods that no EtcdWorld server runs in: nullopt while they run, else exit code and message.
  std::function<std::optional<EtcdWorld::Exit>(const kube::Json& pod)> run_job;
  // Which pods are members. Default: a volume claim named data.
  std::function<bool(const kube::Json& pod)> is_member;

  // The volume behind a claim is gone, with its data.
  void LoseVolume(const kube::ObjectRef& claim);
  // The node's kubelet is silent: its pods' fate is unknown, their servers stop.
  void StopNode(const std::string& node);
  void StartNode(const std::string& node);
  void RemoveNode(const std::string& node);  // the Node object too

 private:
  void BindClaims();
  void RunPod(const kube::Json& pod);
  void Schedule(const kube::Json& pod);
  void StartMember(const kube::Json& pod);
  void EndPod(const kube::Json& pod);
  void SetReady(const kube::Json& pod, bool ready);
  std::string ClaimOf(const kube::Json& pod) const;  // name; empty: none

  KubeApi& api_;
  EtcdWorld& etcd_;
  const io::Clock& clock_;
  std::set<std::string> nodes_;
  std::set<std::string> silent_;
  std::size_t turn_ = 0;
};

}  // namespace quorate::sim
