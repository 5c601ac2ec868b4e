#include "plan/view.h"

#include <algorithm>

#include "api/names.h"
#include "base/bytes.h"

namespace quorate::plan {
namespace {

ClusterId ParseClusterId(const std::string& hex) {
  return {ParseHex(hex).value_or(0)};
}

bool HasUrl(const ListedMember& listed, const std::string& url) {
  return std::find(listed.peer_urls.begin(), listed.peer_urls.end(), url) != listed.peer_urls.end();
}

// The id that slot and volume have on record; 0: none.
MemberId RecordedId(const Slot& slot) {
  if (slot.volume && !slot.volume->member_id.empty()) {
    return {ParseHex(slot.volume->member_id).value_or(0)};
  }
  return {ParseHex(slot.object.status.member_id).value_or(0)};
}

bool IsHealthy(const MemberView& member) {
  const ServerFacts* server = member.server();
  return member.listed != nullptr && server != nullptr && server->id == member.listed->id &&
         server->leader.value != 0 && member.pod() != nullptr && !member.pod()->terminating;
}

// Asked of a formed cluster only. The seed is a member from the start, before its volume has its
// name.
bool HasJoined(const MemberView& member, bool list_known) {
  if (member.listed != nullptr && !member.listed->name.empty()) return true;
  if (member.slot == nullptr) return false;
  if (member.volume() != nullptr && !member.volume()->member_id.empty()) return true;
  const api::EtcdMember& object = member.slot->object;
  const bool seed = object.spec.join_mode != api::JoinMode::kLearner;
  return !list_known && (seed || !object.status.member_id.empty());
}

std::optional<Time> UnhealthySince(const MemberView& member, Time now) {
  if (!member.joined || member.healthy || member.slot == nullptr) return std::nullopt;
  if (const auto& since = member.slot->object.status.unhealthy_since) return since;
  const PodFacts* pod = member.pod();
  if (pod != nullptr && !pod->ready && pod->ready_changed) return pod->ready_changed;
  return now;
}

}  // namespace

View::View(const Desired& desired, const Observed& observed, Time now)
    : desired_(desired), observed_(observed), now_(now) {
  LatchId();
  JoinMembers();
  Count();
  FindConflict();
}

void View::LatchId() {
  cluster_id_ = ParseClusterId(observed_.annotated_cluster_id);
  if (cluster_id_.value == 0) cluster_id_ = ParseClusterId(desired_.cluster.status.cluster_id);
  for (const Slot& slot : observed_.slots) {
    if (cluster_id_.value == 0 && slot.volume)
      cluster_id_ = ParseClusterId(slot.volume->cluster_id);
  }
}

void View::JoinMembers() {
  std::vector<const ListedMember*> unclaimed;
  if (observed_.members) {
    for (const ListedMember& listed : *observed_.members) unclaimed.push_back(&listed);
  }
  for (const Slot& slot : observed_.slots) {
    MemberView member;
    member.name = slot.object.meta.name;
    member.slot = &slot;
    member.leaving = slot.object.spec.leave.has_value();
    const std::string url = PeerUrl(member.name);
    const auto found = std::find_if(unclaimed.begin(), unclaimed.end(),
                                    [&](const ListedMember* l) { return HasUrl(*l, url); });
    if (found != unclaimed.end()) {
      member.listed = *found;
      unclaimed.erase(found);
    }
    members_.push_back(member);
  }
  for (const ListedMember* listed : unclaimed) {
    MemberView member;
    member.name = listed->name.empty() ? ToHex(listed->id.value) : listed->name;
    member.listed = listed;
    members_.push_back(member);
  }
  for (MemberView& member : members_) {
    member.joined = formed() && HasJoined(member, list_known());
    member.healthy = IsHealthy(member);
    member.leader = member.healthy && member.server()->leader == member.listed->id;
    member.unhealthy_since = UnhealthySince(member, now_);
  }
}

void View::Count() {
  for (const MemberView& member : members_) {
    if (member.voter()) ++voters_;
    if (member.voter() && member.healthy) ++healthy_voters_;
    if (member.learner()) ++learners_;
    if (!member.leaving) ++active_;
  }
  if (list_known()) return;
  for (const MemberView& member : members_) {  // what was known last
    const bool gone = member.leaving && (!member.volume() || member.volume()->retained);
    if (member.joined && !gone) ++voters_;
  }
}

void View::FindConflict() {
  const ClusterId in_status = ParseClusterId(desired_.cluster.status.cluster_id);
  const std::string ours = ToHex(cluster_id_.value);
  if (in_status.value != 0 && in_status != cluster_id_) {
    conflict_ = "status.clusterID says " + ToHex(in_status.value) + ", the annotation says " + ours;
  }
  for (const VolumeFacts& volume : observed_.stray_volumes) {
    if (!formed() && !volume.cluster_id.empty()) {
      conflict_ = "volume claim " + volume.name + " holds data of cluster " + volume.cluster_id +
                  ", but nothing records that this cluster was formed";
    }
  }
  for (const MemberView& member : members_) {
    const VolumeFacts* volume = member.volume();
    if (volume && !volume->cluster_id.empty() &&
        ParseClusterId(volume->cluster_id) != cluster_id_) {
      conflict_ = "volume claim " + volume->name + " holds data of cluster " + volume->cluster_id +
                  ", this is cluster " + ours;
    }
    const ServerFacts* server = member.server();
    if (formed() && server && server->cluster_id != cluster_id_) {
      conflict_ = member.name + " runs in cluster " + ToHex(server->cluster_id.value) +
                  ", this is cluster " + ours;
    }
    if (member.slot == nullptr || member.listed == nullptr) continue;
    const MemberId recorded = RecordedId(*member.slot);
    if (recorded.value != 0 && recorded != member.listed->id) {
      conflict_ = member.name + " is on record as member " + ToHex(recorded.value) +
                  ", the member list has " + ToHex(member.listed->id.value) + " at its address";
    }
  }
}

bool View::HasQuorum() const {
  return list_known() && voters_ > 0 && healthy_voters_ >= Quorum(voters_);
}

bool View::ToBeSealed() const {
  return formed() && active() == 1 &&
         std::any_of(members_.begin(), members_.end(), [](const MemberView& member) {
           return member.pod() != nullptr && member.pod()->starts_new;
         });
}

const MemberView* View::Sealing() const {
  if (!formed() || active() != 1) return nullptr;
  if (desired_.cluster.status.plan.operation != api::Operation::kBootstrap) return nullptr;
  for (const MemberView& member : members_) {
    if (member.slot == nullptr || member.leaving) continue;
    const bool seed = member.slot->object.spec.join_mode != api::JoinMode::kLearner;
    const bool on_its_way = seed && !member.healthy && FailureEvidence(member).empty();
    return on_its_way ? &member : nullptr;
  }
  return nullptr;
}

const MemberView* View::Joining() const {
  for (const MemberView& member : members_) {
    if (member.slot && !member.leaving && !member.voter() && (list_known() || !member.joined)) {
      return &member;
    }
  }
  return nullptr;
}

const MemberView* View::Leader() const {
  for (const MemberView& member : members_) {
    if (member.leader) return &member;
  }
  return nullptr;
}

const MemberView* View::BestVoterBut(const MemberView& other) const {
  const MemberView* best = nullptr;
  for (const MemberView& member : members_) {
    if (!member.voter() || !member.healthy || member.leaving || &member == &other) continue;
    if (best == nullptr || member.server()->applied > best->server()->applied) best = &member;
  }
  return best;
}

bool View::MaySpare(const MemberView& member) const {
  if (!HasQuorum()) return false;
  if (!member.voter()) return true;
  if (voters_ <= 2) return healthy_voters_ == voters_;
  return healthy_voters_ - (member.healthy ? 1 : 0) >= Quorum(voters_);
}

bool View::MayRemove(const MemberView& member) const {
  if (!HasQuorum()) return false;
  if (!member.voter()) return true;
  const int others = healthy_voters_ - (member.healthy ? 1 : 0);
  return voters_ > 1 && others >= Quorum(voters_ - 1);
}

bool View::AllQuiet() const {
  if (!HasQuorum() || healthy_voters_ != voters_ || learners_ != 0 || Joining()) return false;
  return std::none_of(members_.begin(), members_.end(),
                      [](const MemberView& m) { return m.leaving && m.listed != nullptr; });
}

std::string View::PeerUrl(std::string_view member) const {
  return api::PeerUrl(member, desired_.name(), desired_.ns());
}

std::string View::InitialCluster(std::string_view joining) const {
  std::vector<std::string> entries;
  bool seen = false;
  for (const MemberView& member : members_) {
    if (member.listed == nullptr) continue;
    seen = seen || member.name == joining;
    for (const std::string& url : member.listed->peer_urls)
      entries.push_back(member.name + "=" + url);
  }
  if (!seen) entries.push_back(std::string(joining) + "=" + PeerUrl(joining));
  std::sort(entries.begin(), entries.end());  // the same members, the same text
  std::string text;
  for (const std::string& entry : entries) text += (text.empty() ? "" : ",") + entry;
  return text;
}

}  // namespace quorate::plan
