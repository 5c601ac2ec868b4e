// What the operator sees of the World, and what its steps do to it.
#include <algorithm>
#include <utility>

#include "api/names.h"
#include "base/bytes.h"
#include "operator/plan/world.h"
#include "plan/view.h"

namespace quorate::plan {

PodFacts World::FactsOf(const std::string& name, const Pod& pod) const {
  PodFacts facts;
  facts.name = name;
  facts.uid = pod.uid;
  facts.phase = pod.placed ? PodPhase::kRunning : PodPhase::kPending;
  facts.terminating = pod.terminating;
  facts.ready = pod.running && !pod.silent;
  facts.node = pod.placed ? "node" : "";
  facts.revision = pod.revision;
  facts.starts_new = pod.starts_new;
  facts.initial_cluster = pod.initial_cluster;
  facts.role = pod.role;
  facts.restarts = pod.restarts;
  facts.last_exit = pod.exit;
  return facts;
}

VolumeFacts World::FactsOf(const std::string& name, const Volume& volume) const {
  VolumeFacts facts;
  facts.name = api::VolumeName(name);
  facts.uid = volume.uid;
  facts.member = name;
  facts.bound = volume.bound;
  facts.cluster_id = volume.cluster_id;
  facts.member_id = volume.member_id;
  facts.retained = volume.retained;
  return facts;
}

std::optional<ServerFacts> World::ServerOf(const std::string& name, const Pod& pod) const {
  if (!pod.running || pod.silent) return std::nullopt;
  const Data& data = *volumes_.at(name).data;
  ServerFacts facts;
  facts.id = data.member;
  facts.cluster_id = data.cluster;
  const Member* leader = LeaderOf();
  facts.leader = leader ? leader->id : MemberId{};
  facts.applied = LogIndex{data.index};
  return facts;
}

// What the status room keeps for the planner.
void World::KeepStatus(Slot& slot) {
  api::MemberStatus& status = slots_[slot.object.meta.name].status;
  const Member* listed = Listed(slot.object.meta.name);
  if (listed && HasQuorum()) status.member_id = ToHex(listed->id.value);
  if (slot.volume && status.pvc_uid.empty() && !slot.volume->member_id.empty()) {
    status.pvc_uid = slot.volume->uid;
  }
  const bool healthy = slot.server && slot.server->leader.value != 0;
  if (healthy || !listed) {
    status.unhealthy_since.reset();
  } else if (!status.unhealthy_since) {
    status.unhealthy_since = now;
  }
  slot.object.status = status;
}

Observed World::Look() {
  Observed seen;
  for (const auto& [name, object] : slots_) {
    Slot slot;
    slot.object = object;
    if (pods_.contains(name)) slot.pod = FactsOf(name, pods_.at(name));
    if (volumes_.contains(name)) slot.volume = FactsOf(name, volumes_.at(name));
    if (slot.pod && volumes_.contains(name)) slot.server = ServerOf(name, pods_.at(name));
    KeepStatus(slot);
    seen.slots.push_back(std::move(slot));
  }
  for (const auto& [name, pod] : pods_) {
    if (!slots_.contains(name)) seen.stray_pods.push_back(FactsOf(name, pod));
  }
  for (const auto& [name, volume] : volumes_) {
    if (!slots_.contains(name)) seen.stray_volumes.push_back(FactsOf(name, volume));
  }
  if (HasQuorum()) {
    seen.members.emplace();
    for (const Member& m : members_) {
      seen.members->push_back({m.id, m.name, {Url(m.slot)}, {}, m.learner});
    }
  }
  seen.annotated_cluster_id = annotation_;
  seen.has_finalizer = finalizer_;
  seen.peer_service = seen.client_service = services_;
  seen.budget = budget_;
  seen.fresh_name = "a-s" + std::to_string(serial_ + 1);
  cluster.status.cluster_id = annotation_;
  return seen;
}

bool World::Do(const Step& step, bool fresh) {
  return std::visit([&](const auto& s) { return Act(s, fresh); }, step);
}

bool World::Act(const CreateSlot& step, bool) {
  if (slots_.contains(step.slot)) return false;
  ++serial_;
  api::EtcdMember slot;
  slot.meta.name = step.slot;
  slot.meta.created = now;
  slot.spec.join_mode = step.join_mode;
  slot.spec.reason = step.reason;
  slot.spec.replaces = step.replaces;
  slots_[step.slot] = slot;
  names.push_back(step.slot);
  return true;
}

bool World::Act(const MarkLeaving& step, bool) {
  const auto slot = slots_.find(step.slot);
  if (slot == slots_.end() || slot->second.spec.leave) return false;
  slot->second.spec.leave =
      api::LeaveSpec{step.reason, step.message, step.id.value ? ToHex(step.id.value) : "", now};
  return true;
}

bool World::Act(const DeleteSlot& step, bool fresh) {
  Forbid(fresh && Listed(step.slot) != nullptr && !cluster.meta.deleted,
         "the slot of a listed member was deleted: " + step.slot);
  if (Listed(step.slot) && !cluster.meta.deleted) return false;
  std::erase(names, step.slot);
  return slots_.erase(step.slot) > 0;
}

bool World::Act(const CreateVolume& step, bool) {
  const auto slot = slots_.find(step.slot);
  if (slot == slots_.end() || slot->second.spec.leave || volumes_.contains(step.slot)) return false;
  volumes_[step.slot].uid = "v" + std::to_string(++serial_);
  return true;
}

bool World::Act(const BindVolume& step, bool) {
  const auto volume = volumes_.find(step.slot);
  if (volume == volumes_.end() || volume->second.uid != step.uid) return false;
  Forbid(volume->second.data && volume->second.data->member != step.member_id,
         "a volume was bound to a member whose data it does not hold");
  volume->second.member_id = ToHex(step.member_id.value);
  volume->second.cluster_id = ToHex(step.cluster_id.value);
  return true;
}

bool World::Act(const RetainVolume& step, bool) {
  for (auto& [name, volume] : volumes_) {
    if (volume.uid == step.uid) volume.retained = true;
  }
  return true;
}

// act/ reads the live member list again before it deletes data.
bool World::Act(const DeleteVolume& step, bool fresh) {
  for (const auto& [name, volume] : volumes_) {
    if (volume.uid != step.uid) continue;
    const bool listed = Listed(name) != nullptr;
    const bool redundant = !volume.data || (!listed && HasQuorum());
    Forbid(fresh && !redundant && !cluster.meta.deleted,
           "data was deleted that is not proven redundant: " + name);
    if (!redundant && !cluster.meta.deleted) return false;
    volumes_.erase(name);
    return true;
  }
  return false;
}

// act/ reads the cluster again before it makes a pod that may form one.
bool World::Act(const CreatePod& step, bool fresh) {
  const auto slot = slots_.find(step.slot);
  if (slot == slots_.end() || pods_.contains(step.slot)) return false;
  Forbid(fresh && step.start != Start::kExisting && !annotation_.empty(),
         "a pod that may form a cluster was made after the cluster id was on record");
  if (step.start != Start::kExisting && !annotation_.empty()) return false;
  Pod pod;
  pod.uid = "p" + std::to_string(++serial_);
  pod.starts_new = step.start != Start::kExisting;
  pod.initial_cluster = step.initial_cluster;
  pod.role = step.role;
  pod.revision = WhatIsDesired().revision;
  pods_[step.slot] = pod;
  return true;
}

bool World::Act(const plan::DeletePod& step, bool fresh) {
  const auto pod = pods_.find(step.pod);
  if (pod == pods_.end() || pod->second.uid != step.uid) return false;
  const Member* listed = Listed(step.pod);
  if (fresh && listed && !listed->learner && IsUp(*listed) && !cluster.meta.deleted &&
      cluster.spec.replicas > 0) {
    const auto voters = static_cast<int>(std::count_if(members_.begin(), members_.end(),
                                                       [](const Member& m) { return !m.learner; }));
    Forbid(voters > 2 && HealthyVoters() - 1 < View::Quorum(voters),
           "a restart took the quorum away: " + step.pod);
  }
  pod->second.terminating = true;
  pod->second.running = false;
  return true;
}

bool World::Act(const LabelPod& step, bool) {
  const auto pod = pods_.find(step.pod);
  if (pod == pods_.end() || pod->second.uid != step.uid) return false;
  pod->second.role = step.role;
  return true;
}

// act/ reads the slot again before it adds: one that leaves, or that was added once, is not added.
// A repeat finds the address in the list.
bool World::Act(const MemberAdd& step, bool fresh) {
  const auto slot = slots_.find(step.slot);
  if (slot == slots_.end() || slot->second.spec.leave || Listed(step.slot)) return false;
  if (!slot->second.status.member_id.empty()) return false;
  if (!HasQuorum() || HealthyVoters() + 0 < static_cast<int>(members_.size())) return false;
  const bool learner =
      std::any_of(members_.begin(), members_.end(), [](const Member& m) { return m.learner; });
  Forbid(fresh && learner, "a second learner was added");
  if (learner) return false;
  members_.push_back(Member{MemberId{++serial_}, "", step.slot, true});
  return true;
}

bool World::Act(const MemberRemove& step, bool fresh) {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const Member& m) { return m.id == step.id; });
  const auto slot = slots_.find(step.slot);
  const bool meant = slot != slots_.end() && slot->second.spec.leave;
  if (found == members_.end() || !meant || !HasQuorum()) return false;
  const auto voters = static_cast<int>(
      std::count_if(members_.begin(), members_.end(), [](const Member& m) { return !m.learner; }));
  const int others = HealthyVoters() - (!found->learner && IsUp(*found) ? 1 : 0);
  const bool safe = found->learner || (voters > 1 && others >= View::Quorum(voters - 1));
  Forbid(fresh && !safe, "a removal took the quorum away: " + step.slot);
  if (!safe) return false;
  if (pods_.contains(found->slot)) pods_[found->slot].running = false;
  members_.erase(found);
  return true;
}

bool World::Act(const MemberPromote& step, bool) {
  for (Member& member : members_) {
    if (member.id != step.id || !HasQuorum()) continue;
    if (!IsUp(member) || volumes_[member.slot].data->index + 10 < committed_) return false;
    member.learner = false;
    return true;
  }
  return false;
}

bool World::Act(const MoveLeader& step, bool) {
  for (const Member& member : members_) {
    if (member.id == step.to_id && IsUp(member) && !member.learner) led_by_ = member.id;
  }
  return true;
}

bool World::Act(const LatchClusterId& step, bool) {
  Forbid(!annotation_.empty() && annotation_ != ToHex(step.cluster_id.value),
         "the cluster id on record changed");
  if (!annotation_.empty()) return false;
  annotation_ = ToHex(step.cluster_id.value);
  return true;
}

bool World::Act(const AddFinalizer&, bool) {
  return finalizer_ = true;
}
bool World::Act(const RemoveFinalizer&, bool) {
  Forbid(!pods_.empty(), "the finalizer was removed while pods run");
  finalizer_ = false;
  return true;
}
bool World::Act(const EnsureServices&, bool) {
  return services_ = true;
}
bool World::Act(const SetDisruptionBudget& step, bool) {
  budget_ = step.min_available;
  return true;
}

}  // namespace quorate::plan
