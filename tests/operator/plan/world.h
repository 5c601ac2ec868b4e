// World: an abstract cluster for the planner to work on: Kubernetes objects, volumes with data, an
// etcd member list.
//
// It plays everything the planner cannot see into: a kubelet that starts pods, servers that refuse
// what the real server refuses, a leader that commits entries, volumes that keep or lose them. Step
// acts exactly as guarded as act/ does. Violations of the invariants of reliability.md 6.2 are
// collected as sentences.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace quorate::plan {

class World {
 public:
  explicit World(std::int32_t replicas);

  // ---- the operator's side
  const Desired& WhatIsDesired();
  Observed Look();
  // Carries out a step; false when a guard refused it. `fresh`: it was planned on this very state.
  bool Do(const Step& step, bool fresh = true);

  // ---- the environment's side
  // Lets one thing happen (a pod is placed, starts, stops; members replicate). `choice` picks
  // which.
  void Breathe(std::uint64_t choice);
  // Everything that can happen without the operator has happened.
  void Settle();
  void Pass(std::chrono::seconds time) { now += time; }

  // ---- faults; false when there was nothing to break
  bool DeletePod(const std::string& name);
  bool LoseVolume(const std::string& name);   // claim, data and pod are gone
  bool CorruptData(const std::string& name);  // the server ends with exit code 11 from now on
  bool Silence(const std::string& name);      // the server does not answer, until Unsilence
  void Unsilence();
  bool RemoveByHand(const std::string& name);
  bool LoseSlotRecord(const std::string& name);
  void WipeStatus();

  // ---- questions
  bool IsConverged();
  int HealthyVoters() const;
  bool HasQuorum() const;
  std::string Describe() const;
  const std::vector<std::string>& violations() const { return violations_; }

  Time now;
  api::EtcdCluster cluster;
  std::vector<std::string> names;  // of all slots there are

 private:
  struct Pod {
    std::string uid;
    bool placed = false;
    bool running = false;
    bool terminating = false;
    bool silent = false;
    bool starts_new = false;
    bool outdated = false;
    std::string initial_cluster;
    std::string role;
    std::string revision;
    std::int32_t restarts = 0;
    std::optional<Exit> exit;
  };
  struct Data {
    ClusterId cluster;
    MemberId member;
    std::uint64_t index = 0;
    bool corrupt = false;
  };
  struct Volume {
    std::string uid;
    std::optional<Data> data;
    std::string cluster_id;
    std::string member_id;
    bool bound = false;
    bool retained = false;
  };
  struct Member {
    MemberId id;
    std::string name;
    std::string slot;
    bool learner = true;
  };

  void Start(const std::string& name, Pod& pod);
  void Replicate();
  void Forbid(bool violated, const std::string& what);
  Member* Listed(const std::string& slot);
  const Member* LeaderOf() const;
  bool IsUp(const Member& member) const;
  std::string Url(const std::string& slot) const;
  std::string RightCluster() const;
  void KeepStatus(Slot& slot);
  PodFacts FactsOf(const std::string& name, const Pod& pod) const;
  VolumeFacts FactsOf(const std::string& name, const Volume& volume) const;
  std::optional<ServerFacts> ServerOf(const std::string& name, const Pod& pod) const;

  bool Act(const CreateSlot& step, bool fresh);
  bool Act(const MarkLeaving& step, bool fresh);
  bool Act(const DeleteSlot& step, bool fresh);
  bool Act(const CreateVolume& step, bool fresh);
  bool Act(const BindVolume& step, bool fresh);
  bool Act(const RetainVolume& step, bool fresh);
  bool Act(const DeleteVolume& step, bool fresh);
  bool Act(const CreatePod& step, bool fresh);
  bool Act(const plan::DeletePod& step, bool fresh);
  bool Act(const LabelPod& step, bool fresh);
  bool Act(const MemberAdd& step, bool fresh);
  bool Act(const MemberRemove& step, bool fresh);
  bool Act(const MemberPromote& step, bool fresh);
  bool Act(const MoveLeader& step, bool fresh);
  bool Act(const LatchClusterId& step, bool fresh);
  bool Act(const AddFinalizer& step, bool fresh);
  bool Act(const RemoveFinalizer& step, bool fresh);
  bool Act(const EnsureServices& step, bool fresh);
  bool Act(const SetDisruptionBudget& step, bool fresh);

  Desired desired_;
  std::map<std::string, api::EtcdMember> slots_;
  std::map<std::string, Pod> pods_;        // by slot name
  std::map<std::string, Volume> volumes_;  // by slot name
  std::vector<Member> members_;
  ClusterId formed_;
  MemberId led_by_;
  std::uint64_t committed_ = 0;
  std::uint64_t serial_ = 0;  // of everything that needs a fresh number
  int majorities_lost_ = 0;
  int lost_since_whole_ = 0;
  std::string annotation_;
  bool finalizer_ = false;
  bool services_ = false;
  std::optional<std::int32_t> budget_;
  std::vector<std::string> violations_;
};

}  // namespace quorate::plan
