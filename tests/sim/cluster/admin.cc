#include "sim/cluster/admin.h"

#include <algorithm>

#include "apply/request.h"
#include "base/check.h"
#include "membership/ids.h"
#include "proto/rpc.pb.h"
#include "sim/cluster/clients.h"
#include "sim/cluster/cluster.h"
#include "snapshot/import.h"

namespace quorate::sim::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kLookPause = milliseconds(250);
constexpr auto kLongConnected = seconds(5);
constexpr std::size_t kMembersMax = 7;

void ProposeRequest(Member& member, apply::RequestField field, const std::string& message) {
  const std::uint64_t id = member.driver().NextRequestId();
  member.driver().Propose(id, apply::MakeRequest(field, message, id),
                          [](const Result<std::string>&) {});
}

}  // namespace

void Admin::Start() {
  cluster_.world().After(kLookPause, [this] {
    Look();
    Start();
  });
}

void Admin::Look() {
  StartAdded();
  if (Member* leader = cluster_.Leader()) Replace(*leader);
}

// Any member's list will do: who was added may be needed for there to be a leader.
void Admin::StartAdded() {
  for (auto at = pending_.begin(); at != pending_.end();) {
    const auto added = at++;
    for (Member* member : cluster_.Present()) {
      if (!member->up()) continue;
      const auto roster = member->machine().cluster().roster();
      if (roster->Find(added->first) == nullptr) continue;
      std::set<MemberId> known;
      for (const auto& [id, other] : roster->members) known.insert(id);
      known.erase(added->first);
      cluster_.Add(added->second, {}, std::move(known)).Boot();
      ++cluster_.counts().changes;
      pending_.erase(added);
      break;
    }
  }
}

// Members whose data is lost.
void Admin::Replace(Member& leader) {
  const auto roster = leader.machine().cluster().roster();
  for (Member* member : cluster_.Present()) {
    if (!member->unusable()) continue;
    if (roster->removed.contains(member->id())) {
      member->Retire();
      if (replaced_.insert(member->id()).second && !cluster_.healing()) Add(false);
      continue;
    }
    Time& asked = asked_out_[member->id()];
    if (cluster_.world().now() - asked < seconds(1) && asked.count() > 0) continue;
    asked = cluster_.world().now();
    Remove(member->id());
  }
}

membership::Liveness Admin::LivenessOf(Member& leader) {
  membership::Liveness liveness;
  liveness.self = leader.id();
  const auto now = leader.clock().Peek();
  for (const auto& [id, member] : leader.machine().cluster().roster()->members) {
    if (id == leader.id()) continue;
    const auto since = static_cast<const node::Network&>(leader).ConnectedSince(id);
    if (!since) continue;
    liveness.connected.insert(id);
    if (now - *since >= kLongConnected) liveness.long_connected.insert(id);
  }
  return liveness;
}

void Admin::Propose(Member& leader, raft::ConfChange change) {
  cluster_.world().Trace("change", static_cast<std::uint64_t>(change.type), change.member.value);
  leader.driver().ProposeConfChange(std::move(change), [](const Status&) {});
}

void Admin::Add(bool learner) {
  Member* leader = cluster_.Leader();
  if (leader == nullptr) return;
  const auto roster = leader->machine().cluster().roster();
  if (roster->members.size() + pending_.size() >= kMembersMax) return;
  membership::Member member;
  member.peer_urls = {"http://" + cluster_.NextName() + ":2380"};
  member.is_learner = learner;
  const auto wall = leader->clock().WallNow().time_since_epoch();
  member.id = membership::MakeMemberId(member.peer_urls, "",
                                       std::chrono::duration_cast<seconds>(wall).count());
  if (!learner && !membership::CheckAddVoter(roster->List(), LivenessOf(*leader)).ok()) return;
  pending_[member.id] = member;
  raft::ConfChange change;
  change.type = learner ? raft::ConfChangeType::kAddLearnerNode : raft::ConfChangeType::kAddNode;
  change.member = member.id;
  change.context = membership::ToJson(membership::ChangeContext{member, false});
  Propose(*leader, std::move(change));
}

// As the api does: a learner that holds nine tenths of what the leader holds.
void Admin::Promote(std::uint64_t choice) {
  Member* leader = cluster_.Leader();
  if (leader == nullptr) return;
  std::vector<raft::MemberProgress> ready;
  const double whole = static_cast<double>(leader->driver().core().last_index().value);
  for (const raft::MemberProgress& progress : leader->driver().core().Members()) {
    const bool holds = static_cast<double>(progress.match.value) >= 0.9 * whole;
    if (progress.learner && progress.recent_active && holds) ready.push_back(progress);
  }
  if (ready.empty()) return;
  if (!membership::CheckPromote(leader->machine().cluster().roster()->List()).ok()) return;
  membership::Member member;
  member.id = ready[choice % ready.size()].id;
  raft::ConfChange change;
  change.type = raft::ConfChangeType::kAddNode;
  change.member = member.id;
  change.context = membership::ToJson(membership::ChangeContext{member, true});
  Propose(*leader, std::move(change));
}

void Admin::Remove(MemberId member) {
  Member* leader = cluster_.Leader();
  if (leader == nullptr) return;
  const auto members = leader->machine().cluster().roster()->List();
  if (leader->machine().cluster().roster()->Find(member) == nullptr) return;
  if (!membership::CheckRemove(members, member, LivenessOf(*leader)).ok()) return;
  raft::ConfChange change;
  change.type = raft::ConfChangeType::kRemoveNode;
  change.member = member;
  Propose(*leader, std::move(change));
}

void Admin::Update(MemberId id) {
  Member* leader = cluster_.Leader();
  if (leader == nullptr || leader->machine().cluster().roster()->Find(id) == nullptr) return;
  membership::Member member;
  member.id = id;
  member.peer_urls = {"http://" + cluster_.NextName() + ":2380"};
  raft::ConfChange change;
  change.type = raft::ConfChangeType::kUpdateNode;
  change.member = id;
  change.context = membership::ToJson(membership::ChangeContext{member, false});
  Propose(*leader, std::move(change));
}

void Admin::MoveLeader(MemberId to) {
  Member* leader = cluster_.Leader();
  if (leader == nullptr) return;
  leader->driver().TransferLeadership(to, [](const Status&) {});
}

void Admin::Backup(MemberId id, Time lasts) {
  Member* member = cluster_.Find(id);
  if (!member->up()) return;
  const LogIndex applied = member->machine().backend().position().index;
  auto source = member->machine().OpenSnapshot();
  if (!source.ok()) return;
  ReadBackup(*member, member->Hold(std::move(*source)), applied, lasts);
}

// As app::ClientSnapshots: ends at once when the member replaces its store.
void Admin::ReadBackup(Member& from, std::uint64_t token, LogIndex applied, Time lasts) {
  const Time pause = std::min<Time>(lasts, kLookPause);
  from.Later(pause, [this, member = &from, token, applied, left = lasts - pause] {
    if (member->machine().installing()) return static_cast<void>(member->Release(token));
    if (left.count() > 0) return ReadBackup(*member, token, applied, left);
    const Result<std::string> bytes = ReadAll(*member->Release(token));
    member->NoticeDisk();
    if (!bytes.ok()) return;  // the disk is full or failing
    Disk disk(1);
    storage::MemoryBackend restored(std::make_shared<storage::MemoryStorage>());
    CHECK(io::WriteFile(disk, "/backup", AsBytes(*bytes)).ok());
    const auto imported = snapshot::ReadDatabase(disk, "/backup", restored, {}, applied);
    if (!imported.ok() || imported->position.index != applied) {
      return cluster_.world().Fail("backup: not what it was taken of: " +
                                   (imported.ok() ? "another index" : imported.error().message));
    }
    cluster_.checks().StoreReplaced(member->id(), restored);
    ++cluster_.counts().backups;
  });
}

void Admin::Compact(std::uint64_t choice, bool physical) {
  Member* member = cluster_.Pick(choice);
  if (member == nullptr || !member->up()) return;
  const std::int64_t newest = member->machine().store().revision().value;
  etcdserverpb::CompactionRequest request;
  request.set_revision(newest - static_cast<std::int64_t>((choice >> 8U) % 50));
  request.set_physical(physical);
  if (request.revision() > 1) {
    cluster_.clients().NoteCompaction(request.revision());
    ProposeRequest(*member, apply::RequestField::kCompaction, request.SerializeAsString());
  }
}

void Admin::Alarm(MemberId id, bool raised) {
  Member* leader = cluster_.Leader();
  if (leader == nullptr) return;
  etcdserverpb::AlarmRequest request;
  request.set_action(raised ? etcdserverpb::AlarmRequest::ACTIVATE
                            : etcdserverpb::AlarmRequest::DEACTIVATE);
  request.set_memberid(id.value);
  request.set_alarm(etcdserverpb::NOSPACE);
  ProposeRequest(*leader, apply::RequestField::kAlarm, request.SerializeAsString());
}

}  // namespace quorate::sim::cluster
