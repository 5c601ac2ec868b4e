#include "operator/plan/world.h"

#include <algorithm>

#include "api/names.h"
#include "base/bytes.h"
#include "base/check.h"
#include "plan/view.h"

namespace quorate::plan {

using std::chrono::seconds;

World::World(std::int32_t replicas) : now(seconds(1'800'000'000)) {
  cluster.meta.name = "a";
  cluster.meta.namespace_name = "db";
  cluster.meta.uid = "uid-of-a";
  cluster.spec.version = "0.1.0";
  cluster.spec.replicas = replicas;
}

const Desired& World::WhatIsDesired() {
  if (desired_.revision.empty() || desired_.spec() != cluster.spec) {
    auto desired = MakeDesired(cluster, "quorate/quorate");
    CHECK(desired.ok());
    desired_ = *desired;
  }
  desired_.cluster.meta = cluster.meta;
  desired_.cluster.status = cluster.status;
  return desired_;
}

std::string World::Url(const std::string& slot) const {
  return api::PeerUrl(slot, "a", "db");
}

World::Member* World::Listed(const std::string& slot) {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const Member& m) { return m.slot == slot; });
  return found == members_.end() ? nullptr : &*found;
}

bool World::IsUp(const Member& member) const {
  const auto pod = pods_.find(member.slot);
  return pod != pods_.end() && pod->second.running && !pod->second.silent;
}

int World::HealthyVoters() const {
  return static_cast<int>(std::count_if(members_.begin(), members_.end(),
                                        [&](const Member& m) { return !m.learner && IsUp(m); }));
}

bool World::HasQuorum() const {
  const auto voters =
      std::count_if(members_.begin(), members_.end(), [](const Member& m) { return !m.learner; });
  return voters > 0 && HealthyVoters() >= View::Quorum(static_cast<int>(voters));
}

const World::Member* World::LeaderOf() const {
  if (!HasQuorum()) return nullptr;
  for (const Member& member : members_) {
    if (member.id == led_by_ && !member.learner && IsUp(member)) return &member;
  }
  return nullptr;
}

// The members' names and addresses as a joining server must be told them.
std::string World::RightCluster() const {
  std::vector<std::string> entries;
  for (const Member& member : members_) entries.push_back(member.slot + "=" + Url(member.slot));
  std::sort(entries.begin(), entries.end());
  std::string text;
  for (const std::string& entry : entries) text += (text.empty() ? "" : ",") + entry;
  return text;
}

// What a server does when its container starts.
void World::Start(const std::string& name, Pod& pod) {
  const auto fail = [&](std::int32_t code, const char* why) {
    pod.running = false;
    ++pod.restarts;
    pod.exit = Exit{code, why};
  };
  Volume& volume = volumes_[name];
  Member* listed = Listed(name);
  if (volume.data) {
    if (volume.data->corrupt) return fail(11, "wal: crc mismatch");
    if (volume.data->cluster != formed_) return fail(12, "another cluster");
    if (listed == nullptr || listed->id != volume.data->member) return fail(10, "removed");
    pod.running = true;
    return;
  }
  if (pod.starts_new) {
    Forbid(formed_.value != 0 && HasQuorum(), "a second cluster was formed by " + name);
    Forbid(formed_.value != 0 && !annotation_.empty(),
           "a cluster was formed by " + name + " although its id was on record");
    formed_ = ClusterId{0xc0de0000 + ++serial_};
    members_ = {Member{MemberId{++serial_}, name, name, false}};
    volume.data = Data{formed_, members_.front().id, ++committed_, false};
    pod.running = true;
    return;
  }
  if (listed == nullptr || !HasQuorum()) return fail(1, "member count is unequal");
  if (!listed->name.empty()) return fail(15, "member has already been bootstrapped");
  if (pod.initial_cluster != RightCluster()) return fail(1, "member count is unequal");
  listed->name = name;
  volume.data = Data{formed_, listed->id, 0, false};
  pod.running = true;
}

void World::Replicate() {
  if (!HasQuorum()) return;
  if (LeaderOf() == nullptr) {
    const Member* best = nullptr;
    for (const Member& member : members_) {
      if (member.learner || !IsUp(member)) continue;
      if (!best || volumes_[member.slot].data->index > volumes_[best->slot].data->index) {
        best = &member;
      }
    }
    led_by_ = best->id;
    Forbid(volumes_[best->slot].data->index < committed_ && majorities_lost_ == 0,
           "a leader was elected without committed entries");
  }
  ++committed_;
  for (const Member& member : members_) {
    if (IsUp(member)) volumes_[member.slot].data->index = committed_;
  }
  if (std::all_of(members_.begin(), members_.end(), [&](const Member& m) { return IsUp(m); })) {
    lost_since_whole_ = 0;
  }
}

void World::Breathe(std::uint64_t choice) {
  std::vector<std::string> movable;
  for (auto& [name, pod] : pods_) {
    if (pod.terminating || !pod.placed || (!pod.running && volumes_.contains(name))) {
      movable.push_back(name);
    }
  }
  const std::size_t pick = static_cast<std::size_t>(choice % (movable.size() + 1));
  if (pick == movable.size()) return Replicate();
  const std::string& name = movable[pick];
  Pod& pod = pods_[name];
  if (pod.terminating) {
    pods_.erase(name);
  } else if (!volumes_.contains(name)) {
    return;
  } else if (!pod.placed) {
    pod.placed = true;
    volumes_[name].bound = true;
  } else {
    Start(name, pod);
  }
}

void World::Settle() {
  for (std::uint64_t i = 0; i < 40; ++i) Breathe(i);
  Replicate();
}

void World::Forbid(bool violated, const std::string& what) {
  if (violated) violations_.push_back(what);
}

bool World::DeletePod(const std::string& name) {
  return pods_.erase(name) > 0;
}

bool World::LoseVolume(const std::string& name) {
  if (!volumes_.contains(name)) return false;
  const Member* listed = Listed(name);
  if (volumes_[name].data && listed && !listed->learner) {
    const auto voters =
        std::count_if(members_.begin(), members_.end(), [](const Member& m) { return !m.learner; });
    if (++lost_since_whole_ > (voters - 1) / 2) ++majorities_lost_;
  }
  volumes_.erase(name);
  pods_.erase(name);
  return true;
}

bool World::CorruptData(const std::string& name) {
  const auto volume = volumes_.find(name);
  if (volume == volumes_.end() || !volume->second.data) return false;
  volume->second.data->corrupt = true;
  pods_[name].running = false;
  if (pods_[name].uid.empty()) pods_.erase(name);
  return true;
}

bool World::Silence(const std::string& name) {
  if (!pods_.contains(name)) return false;
  pods_[name].silent = true;
  return true;
}

void World::Unsilence() {
  for (auto& [name, pod] : pods_) pod.silent = false;
}

bool World::RemoveByHand(const std::string& name) {
  const Member* listed = Listed(name);
  if (listed == nullptr || !HasQuorum() || members_.size() < 3) return false;
  const bool up = IsUp(*listed);
  if (HealthyVoters() - (up ? 1 : 0) < 2) return false;
  members_.erase(members_.begin() + (listed - members_.data()));
  if (pods_.contains(name)) pods_[name].running = false;
  return true;
}

bool World::LoseSlotRecord(const std::string& name) {
  if (!volumes_.contains(name))
    return false;  // without record and volume it is nobody's, and left alone
  if (slots_.erase(name) == 0) return false;
  std::erase(names, name);
  return true;
}

void World::WipeStatus() {
  cluster.status = {};
  for (auto& [name, slot] : slots_) slot.status = {};
}

std::string World::Describe() const {
  std::string text = "cluster " + ToHex(formed_.value) + "\n";
  for (const Member& m : members_) {
    text += "  listed " + m.slot + " " + ToHex(m.id.value) + (m.learner ? " learner" : " voter") +
            (IsUp(m) ? " up" : " down") + "\n";
  }
  for (const auto& [name, slot] : slots_) {
    text += "  slot " + name + (slot.spec.leave ? " leaving" : "") +
            (pods_.contains(name) ? " pod" : "") + (volumes_.contains(name) ? " volume" : "") +
            "\n";
  }
  return text;
}

bool World::IsConverged() {
  if (HealthyVoters() != cluster.spec.replicas ||
      members_.size() != static_cast<std::size_t>(cluster.spec.replicas)) {
    return false;
  }
  const Plan plan = MakePlan(WhatIsDesired(), Look(), now);
  return !plan.next && plan.waiting_for.empty();
}

}  // namespace quorate::plan
