#include "app/ownership.h"

#include <map>

#include "apply/request.h"
#include "base/bytes.h"
#include "base/site.h"
#include "proto/membership.pb.h"
#include "wire/raftpb.h"

namespace quorate::app {
namespace {

using Names = std::map<MemberId, std::string>;

void TakeEntry(const raft::Entry& entry, Names& names) {
  if (entry.type == raft::EntryType::kConfChange) {
    const auto change = wire::DecodeConfChange(entry.data.view());
    if (!change.ok()) return;
    if (change->type == raft::ConfChangeType::kRemoveNode) {
      names.erase(change->member);
    } else {
      names.try_emplace(change->member);
    }
    return;
  }
  const auto message =
      apply::MessageOf(entry.data.view(), apply::RequestField::kClusterMemberAttrSet);
  membershippb::ClusterMemberAttrSetRequest request;
  if (!message || !request.ParseFromArray(message->data(), static_cast<int>(message->size()))) {
    return;
  }
  const auto member = names.find(MemberId{request.member_id()});
  if (member != names.end()) member->second = request.member_attributes().name();
}

// As the store has them, and as the committed entries say that it does not hold yet.
Names NamesOf(const membership::Roster& roster, const raft::Start& start) {
  Names names;
  for (const auto& [id, member] : roster.members) names[id] = member.name;
  for (const raft::Entry& entry : start.entries) {
    if (entry.index > start.applied && entry.index <= start.hard_state.commit) {
      TakeEntry(entry, names);
    }
  }
  return names;
}

}  // namespace

Result<std::unique_ptr<io::File>> LockDirectory(io::Disk& disk,
                                                const std::string& member_directory) {
  auto lock = TRY(disk.Open(member_directory + "/LOCK", io::OpenMode::kCreate));
  if (TRY(lock->TryLock()) || QUORATE_PLANTED("app.two_in_one_directory")) return lock;
  return std::unique_ptr<io::File>();
}

std::optional<Ending> OwnerCluster(std::optional<ClusterId> expected, ClusterId cluster,
                                   std::string_view data_dir) {
  if (!expected || *expected == cluster) return std::nullopt;
  if (QUORATE_PLANTED("app.directory_of_another_cluster")) return std::nullopt;
  return Ending{ExitCode::kWrongIdentity,
                "the data directory " + std::string(data_dir) + " belongs to cluster " +
                    ToHex(cluster.value) + ", not to the expected " + ToHex(expected->value) +
                    "; mount the right volume, or mend --quorate-expected-cluster-id"};
}

std::optional<Ending> OwnerOfName(std::string_view name, const membership::Roster& roster,
                                  const raft::Start& start, MemberId self,
                                  std::string_view data_dir) {
  const auto names = NamesOf(roster, start);
  if (!names.contains(self)) return std::nullopt;
  for (const auto& [id, other] : names) {
    if (id == self || other != name) continue;
    if (QUORATE_PLANTED("app.directory_of_another_member")) continue;
    return Ending{ExitCode::kWrongIdentity,
                  "the data directory " + std::string(data_dir) + " belongs to member " +
                      ToHex(self.value) + ", but " + std::string(name) + " is member " +
                      ToHex(id.value) + "; mount that member's own volume, or mend --name"};
  }
  return std::nullopt;
}

}  // namespace quorate::app
