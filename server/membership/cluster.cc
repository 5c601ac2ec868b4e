#include "membership/cluster.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/site.h"

namespace quorate::membership {
namespace {

using raft::ConfChangeType;
using storage::Family;

constexpr std::string_view kRemovedValue = "removed";

Error NotFound() {
  return Error{Code::kNotFound, "etcdserver: member not found"};
}
Error Refused(const char* text) {
  return Error{Code::kFailedPrecondition, text};
}

std::string MemberKey(MemberId id) {
  return std::string(storage::kMemberPrefix) + ToHex(id.value);
}
std::string RemovedKey(MemberId id) {
  return std::string(storage::kRemovedMemberPrefix) + ToHex(id.value);
}

bool SharesPeerUrl(const Roster& roster, const Member& member) {
  for (const auto& [id, other] : roster.members) {
    if (id == member.id) continue;
    for (const std::string& url : member.peer_urls) {
      if (std::find(other.peer_urls.begin(), other.peer_urls.end(), url) != other.peer_urls.end()) {
        return true;
      }
    }
  }
  return false;
}

Status ValidateAdd(const Roster& roster, const raft::ConfChange& change,
                   const ChangeContext& context, std::size_t max_learners) {
  const Member* existing = roster.Find(change.member);
  if (context.is_promote) {
    if (existing == nullptr) return NotFound();
    if (!existing->is_learner) return Refused("etcdserver: can only promote a learner member");
    return {};
  }
  if (existing != nullptr) return Refused("etcdserver: member ID already exist");
  if (SharesPeerUrl(roster, context.member)) {
    return Refused("etcdserver: Peer URLs already exists");
  }
  if (context.member.is_learner) {
    const auto learners = std::count_if(roster.members.begin(), roster.members.end(),
                                        [](const auto& m) { return m.second.is_learner; });
    if (static_cast<std::size_t>(learners) >= max_learners) {
      return Refused("etcdserver: too many learner members in cluster");
    }
  }
  return {};
}

}  // namespace

const Member* Roster::Find(MemberId id) const {
  const auto found = members.find(id);
  return found == members.end() ? nullptr : &found->second;
}

bool Roster::TellsRemoved(MemberId self) const {
  if (QUORATE_PLANTED("membership.learner_tells_the_removed")) return true;
  const Member* member = Find(self);
  return member != nullptr && !member->is_learner;
}

std::vector<Member> Roster::List() const {
  std::vector<Member> list;
  list.reserve(members.size());
  for (const auto& [id, member] : members) list.push_back(member);
  return list;
}

Cluster::Cluster(ClusterId id, std::size_t max_learners) : max_learners_(max_learners) {
  auto roster = std::make_shared<Roster>();
  roster->cluster_id = id;
  roster_ = std::move(roster);
}

Status Cluster::Load(const storage::Reader& store) {
  auto next = std::make_shared<Roster>();
  next->cluster_id = roster()->cluster_id;
  const auto cursor = store.Scan(Family::kMember, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    const std::string_view key = cursor->key();
    if (key.starts_with(storage::kMemberPrefix)) {
      auto member = ParseMember(cursor->value());
      if (!member.ok()) return Error{Code::kDataLoss, member.error().message};
      next->members[member->id] = std::move(*member);
    } else if (key.starts_with(storage::kRemovedMemberPrefix)) {
      const auto id = ParseHex(key.substr(storage::kRemovedMemberPrefix.size()));
      if (!id) return Error{Code::kDataLoss, "removed member: bad id " + std::string(key)};
      next->removed.insert(MemberId{*id});
    } else if (key == storage::kClusterVersion) {
      next->version = ParseVersion(cursor->value());
    }
  }
  TRY(cursor->status());
  Publish(std::move(next));
  return {};
}

Status Cluster::Validate(const raft::ConfChange& change, const ChangeContext& context) const {
  const auto current = roster();
  if (current->removed.contains(change.member)) return NotFound();
  switch (change.type) {
    case ConfChangeType::kAddNode:
    case ConfChangeType::kAddLearnerNode:
      return ValidateAdd(*current, change, context, max_learners_);
    case ConfChangeType::kRemoveNode:
      return current->Find(change.member) == nullptr ? Status(NotFound()) : Status();
    case ConfChangeType::kUpdateNode:
      if (current->Find(change.member) == nullptr) return NotFound();
      if (SharesPeerUrl(*current, context.member)) {
        return Refused("etcdserver: Peer URLs already exists");
      }
      return {};
  }
  return Error{Code::kInternal, "unknown membership change"};
}

void Cluster::Apply(const raft::ConfChange& change, const ChangeContext& context,
                    storage::Batch& batch) {
  auto next = std::make_shared<Roster>(*roster());
  const MemberId id = change.member;
  if (change.type == ConfChangeType::kRemoveNode) {
    next->members.erase(id);
    if (!QUORATE_PLANTED("membership.removed_id_returns")) next->removed.insert(id);
    batch.Delete(Family::kMember, MemberKey(id));
    batch.Put(Family::kMember, RemovedKey(id), kRemovedValue);
  } else if (!next->removed.contains(id)) {
    Member& member = next->members[id];
    if (context.is_promote) {
      member.is_learner = QUORATE_PLANTED("membership.promotion_not_stored");
    } else if (change.type == ConfChangeType::kUpdateNode) {
      member.peer_urls = context.member.peer_urls;
      if (QUORATE_PLANTED("membership.update_promotes")) member.is_learner = false;
    } else {
      member = context.member;
      member.is_learner = change.type == ConfChangeType::kAddLearnerNode;
    }
    member.id = id;
    batch.Put(Family::kMember, MemberKey(id), ToJson(member));
  }
  Publish(std::move(next));
}

void Cluster::SetAttributes(MemberId id, const std::string& name,
                            const std::vector<std::string>& client_urls, storage::Batch& batch) {
  auto next = std::make_shared<Roster>(*roster());
  const auto found = next->members.find(id);
  if (found == next->members.end()) return;
  found->second.name = name;
  found->second.client_urls = client_urls;
  batch.Put(Family::kMember, MemberKey(id), ToJson(found->second));
  Publish(std::move(next));
}

void Cluster::SetVersion(Version version, storage::Batch& batch) {
  auto next = std::make_shared<Roster>(*roster());
  next->version = version;
  batch.Put(Family::kMember, storage::kClusterVersion, version.ToString());
  Publish(std::move(next));
}

std::shared_ptr<const Roster> Cluster::roster() const {
  MutexLock lock(mutex_);
  return roster_;
}

void Cluster::Publish(std::shared_ptr<const Roster> next) {
  MutexLock lock(mutex_);
  roster_ = std::move(next);
}

}  // namespace quorate::membership
