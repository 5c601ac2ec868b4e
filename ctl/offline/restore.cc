#include "offline/restore.h"

#include <algorithm>
#include <set>

#include "membership/ids.h"
#include "membership/initial_cluster.h"
#include "offline/restored_database.h"
#include "wal/writer.h"
#include "wire/raftpb.h"

namespace quorate::offline {
namespace {

constexpr Term kTerm{1};  // of everything in the log of a new cluster

struct Plan {
  Restored restored;
  raft::ConfState conf_state;
  LogIndex last;  // one entry a member
};

// Names, URLs and ids, in etcdutl's order of complaints.
Result<Plan> MakePlan(const RestoreOptions& options) {
  if ((options.bump_revision > 0) != options.mark_compacted) {
    return Error{Code::kInvalidArgument, "--mark-compacted required if --revision-bump > 0"};
  }
  const auto urls = TRY(membership::ParseInitialCluster(options.initial_cluster));
  const auto advertised = TRY(membership::ParseUrls(options.initial_advertise_peer_urls));
  TRY(membership::CheckInitialCluster(urls, options.initial_cluster, options.name, advertised));

  Plan plan;
  Restored& restored = plan.restored;
  restored.members = membership::MakeMembers(urls, options.initial_cluster_token);
  std::vector<MemberId> ids;
  for (const membership::Member& member : restored.members) {
    ids.push_back(member.id);
    if (member.name == options.name) restored.self = member.id;
  }
  restored.cluster = membership::MakeClusterId(ids);
  plan.conf_state.voters = std::move(ids);
  plan.last = LogIndex{restored.members.size()};
  restored.data_directory =
      options.data_directory.empty() ? options.name + ".etcd" : options.data_directory;
  restored.wal_directory = options.wal_directory.empty()
                               ? io::JoinPath(restored.data_directory, "member/wal")
                               : options.wal_directory;
  return plan;
}

// Nothing of anybody's may be where we write; our own unfinished work, the snapshot that a backup
// was fetched to and a volume's lost+found are nobody's.
Status CheckDirectories(io::Disk& disk, const Restored& restored) {
  auto names = disk.List(restored.data_directory);
  if (names.ok()) {
    std::erase(*names, "member.restoring");
    std::erase(*names, kFetchedSnapshotName);
    std::erase(*names, "lost+found");
  }
  const bool absent = !names.ok() && names.error().code == Code::kNotFound;
  if (!absent && (!names.ok() || !names->empty())) {
    return Error{Code::kFailedPrecondition,
                 "data-dir \"" + restored.data_directory + "\" not empty or could not be read"};
  }
  if (TRY(io::Exists(disk, restored.wal_directory))) {
    return Error{Code::kFailedPrecondition, "wal-dir \"" + restored.wal_directory + "\" exists"};
  }
  return {};
}

// What every member of a new cluster finds in its log: all members, added and committed.
Status WriteLog(io::Disk& disk, const std::string& directory, const Plan& plan) {
  TRY(disk.MakeDirectories(io::ParentOf(directory)));
  const auto writer =
      TRY(wal::Writer::Create(disk, directory, {plan.restored.self, plan.restored.cluster}));
  std::vector<raft::Entry> entries;
  for (const membership::Member& member : plan.restored.members) {
    const raft::ConfChange change{0, raft::ConfChangeType::kAddNode, member.id,
                                  membership::ToJson(member)};
    entries.push_back({raft::EntryType::kConfChange, kTerm, LogIndex{entries.size() + 1},
                       raft::Payload(wire::EncodeConfChange(change))});
  }
  const raft::HardState state{kTerm, plan.restored.members.front().id, plan.last};
  writer->Append(entries, &state);
  writer->Mark({plan.last, kTerm, plan.conf_state});
  return writer->Sync();
}

}  // namespace

Result<Restored> RestoreSnapshot(io::Disk& disk, std::string_view path,
                                 const RestoreOptions& options) {
  Plan plan = TRY(MakePlan(options));
  Restored& restored = plan.restored;
  TRY(CheckDirectories(disk, restored));
  if (!options.skip_hash_check) TRY(CheckDigest(disk, path));

  const std::string member = io::JoinPath(restored.data_directory, "member");
  const std::string building = member + ".restoring";
  TRY(io::RemoveTree(disk, building));
  TRY(disk.MakeDirectories(building + "/snap"));
  const DatabaseChanges changes{restored.members, plan.conf_state, plan.last, kTerm,
                                options.bump_revision};
  const Revisions revisions =
      TRY(WriteRestoredDatabase(disk, path, building + "/snap/db", changes));
  restored.revision = revisions.latest;
  restored.revision_bumped = revisions.bumped;
  TRY(disk.SyncDirectory(building + "/snap"));

  // The log may live elsewhere; then it is complete before the database gets its name.
  const bool apart = !options.wal_directory.empty();
  const std::string log = apart ? restored.wal_directory + ".restoring" : building + "/wal";
  TRY(io::RemoveTree(disk, log));
  TRY(WriteLog(disk, log, plan));
  if (apart) {
    TRY(disk.Rename(log, restored.wal_directory));
    TRY(disk.SyncDirectory(io::ParentOf(restored.wal_directory)));
  }
  TRY(disk.Rename(building, member));
  TRY(disk.SyncDirectory(restored.data_directory));
  return std::move(restored);
}

}  // namespace quorate::offline
