#include "app/boot.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/force_new_cluster.h"
#include "base/bytes.h"
#include "base/log.h"
#include "raft/core.h"
#include "snapshot/conf_state.h"
#include "snapshot/import.h"
#include "snapshot/snap_file.h"
#include "storage/rocks_backend.h"
#include "wal/reader.h"
#include "wal/repair.h"
#include "wal/segment.h"
#include "wire/raftpb.h"

namespace quorate::app {
namespace {

using membership::Member;
using Step = std::optional<Ending>;  // nothing: go on

std::string MemberDirectory(const config::Options& options) {
  return options.data_dir + "/member";
}

// The committed entries with which every member of a new cluster begins: one addition each, by id.
std::vector<raft::Entry> MakeBootstrapEntries(const std::vector<Member>& members) {
  std::vector<raft::Entry> entries;
  for (const Member& member : members) {
    raft::Entry entry;
    entry.type = raft::EntryType::kConfChange;
    entry.term = Term{1};
    entry.index = LogIndex{entries.size() + 1};
    entry.data = raft::Payload(wire::EncodeConfChange({.type = raft::ConfChangeType::kAddNode,
                                                       .member = member.id,
                                                       .context = membership::ToJson(member)}));
    entries.push_back(std::move(entry));
  }
  return entries;
}

class Booting {
 public:
  Booting(const config::Options& options, io::Disk& disk, const AskMembers& ask)
      : options_(options), disk_(disk), ask_(ask) {}

  std::variant<Boot, Ending> Run() {
    Result<Step> outcome = Go();
    if (!outcome.ok()) return ToEnding(outcome.error());
    if (*outcome) return **outcome;
    return std::move(boot_);
  }

 private:
  Result<Step> Go() {
    if (Step step = TRY(Lock())) return step;
    const bool has_log = TRY(wal::HasLog(disk_, options_.wal_dir));
    if (!has_log) {
      if (Step step = TRY(RefuseOrphans())) return step;
      if (Step step = TRY(CreateLog())) return step;
    }
    TRY(OpenStore());
    if (Step step = TRY(ReplayLog())) return step;
    if (Step step = CheckIdentity()) return step;
    if (IsBlank()) {
      if (Step step = TRY(FinishFormation())) return step;
    }
    if (options_.force_new_cluster) TRY(Force());
    boot_.start.applied = boot_.backend->position().index;
    return Step();
  }

  Result<Step> Lock() {
    TRY(disk_.MakeDirectories(SnapshotDirectory(options_)));
    const std::string path = MemberDirectory(options_) + "/LOCK";
    boot_.lock = TRY(disk_.Open(path, io::OpenMode::kCreate));
    if (TRY(boot_.lock->TryLock())) return Step();
    return Step(
        Ending{ExitCode::kStartFailed, "the data directory " + options_.data_dir +
                                           " is in use by another process; stop that one first"});
  }

  // A store or an etcd database without a log is not a new member's directory.
  Result<Step> RefuseOrphans() {
    for (const std::string& path :
         {StorePath(), SnapshotDirectory(options_) + "/db", options_.wal_dir + ".broken"}) {
      if (!TRY(io::Exists(disk_, path))) continue;
      return Step(Ending{ExitCode::kDataUnusable,
                         "there is " + path + " but no log in " + options_.wal_dir +
                             "; bring the log back, or start with an empty data directory as a "
                             "member newly added"});
    }
    return Step();
  }

  Result<Step> CreateLog() {
    auto formed = Form(options_, ask_);
    if (auto* ending = std::get_if<Ending>(&formed)) return Step(*ending);
    formation_ = std::move(std::get<Formation>(formed));
    TRY(disk_.MakeDirectories(io::ParentOf(options_.wal_dir)));
    auto writer =
        TRY(wal::Writer::Create(disk_, options_.wal_dir, {formation_->self, formation_->cluster}));
    log::Info("starting local member", {{"local-member-id", ToHex(formation_->self.value)},
                                        {"cluster-id", ToHex(formation_->cluster.value)},
                                        {"joins", formation_->joins}});
    return Step();
  }

  Status OpenStore() {
    storage::Options store;
    boot_.backend = TRY(storage::OpenRocksBackend(StorePath(), store));
    const auto marks = TRY(wal::ValidSnapshots(disk_, options_.wal_dir));
    raft::SnapshotMetadata newest;
    if (!marks.empty()) {
      newest.index = marks.back().index;
      newest.term = marks.back().term;
      newest.conf_state = marks.back().conf_state.value_or(raft::ConfState{});
    }
    const auto imported =
        TRY(snapshot::TakeOverEtcd(disk_, MemberDirectory(options_), newest, *boot_.backend));
    if (imported) {
      log::Info("took over the data of etcd",
                {{"index", imported->position.index}, {"rows", imported->rows}});
      for (const std::string& bucket : imported->ignored) {
        log::Warn("left out a bucket that is not known", {{"bucket", bucket}});
      }
    }
    return {};
  }

  // A crash between the durable mark of a received snapshot and its installation: install it now,
  // the log begins behind it.
  Status InstallReceived(const std::vector<wal::SnapshotMark>& marks) {
    if (marks.empty() || marks.back().index <= boot_.backend->position().index) return {};
    const wal::SnapshotMark& newest = marks.back();
    const std::string path =
        SnapshotDirectory(options_) + "/" + snapshot::ReceivedFileName(newest.index);
    if (!TRY(io::Exists(disk_, path))) return {};
    log::Info("installing a snapshot that was received before the last stop",
              {{"index", newest.index}});
    TRY(snapshot::ImportDatabase(disk_, path, *boot_.backend, newest.conf_state));
    return disk_.Remove(path);
  }

  Result<Step> ReplayLog() {
    const auto marks = TRY(wal::ValidSnapshots(disk_, options_.wal_dir));
    TRY(InstallReceived(marks));
    const LogIndex applied = boot_.backend->position().index;
    const wal::SnapshotMark* best = nullptr;
    for (const wal::SnapshotMark& mark : marks) {
      if (mark.index <= applied && (best == nullptr || mark.index >= best->index)) best = &mark;
    }
    if (best == nullptr) {
      return Step(Ending{ExitCode::kDataUnusable,
                         "the store ends at index " + std::to_string(applied.value) +
                             " but the log begins later; remove this member and add it anew, or "
                             "restore a backup"});
    }
    boot_.mark = *best;
    wal::Contents contents = TRY(wal::Replay(disk_, options_.wal_dir, boot_.mark));
    if (contents.torn) {
      log::Warn("repairing a write that a crash cut short",
                {{"path", contents.torn->path}, {"offset", contents.torn->offset}});
      TRY(wal::RepairTail(disk_, *contents.torn));
      contents = TRY(wal::Replay(disk_, options_.wal_dir, boot_.mark));
    }
    boot_.self = contents.metadata.member;
    boot_.cluster = contents.metadata.cluster;
    boot_.writer = TRY(wal::Writer::Open(disk_, options_.wal_dir, contents));
    boot_.start.hard_state = contents.hard_state;
    boot_.start.entries = std::move(contents.entries);
    boot_.start.compacted = {boot_.mark.index, boot_.mark.term};
    boot_.start.conf_state = TRY(ConfStateOfStore());
    return Step();
  }

  Result<raft::ConfState> ConfStateOfStore() {
    std::string json;
    if (TRY(boot_.backend->Get(storage::Family::kMeta, storage::kConfState, &json))) {
      return snapshot::ParseConfState(json);
    }
    return boot_.mark.conf_state.value_or(raft::ConfState{});
  }

  Step CheckIdentity() const {
    if (!options_.expected_cluster_id || *options_.expected_cluster_id == boot_.cluster) {
      return std::nullopt;
    }
    return Ending{ExitCode::kWrongIdentity,
                  "the data directory " + options_.data_dir + " belongs to cluster " +
                      ToHex(boot_.cluster.value) + ", not to the expected " +
                      ToHex(options_.expected_cluster_id->value) +
                      "; mount the right volume, or mend --quorate-expected-cluster-id"};
  }

  // The log was created but nothing has happened in it yet.
  bool IsBlank() const {
    return boot_.start.entries.empty() && boot_.start.hard_state == raft::HardState{} &&
           boot_.mark.index == LogIndex{} && boot_.backend->position().index == LogIndex{};
  }

  Result<Step> FinishFormation() {
    if (!formation_) {
      // A start that was cut short: decide again, the ids must come out the same.
      auto formed = Form(options_, ask_);
      if (auto* ending = std::get_if<Ending>(&formed)) return Step(*ending);
      formation_ = std::move(std::get<Formation>(formed));
      if (formation_->self != boot_.self || formation_->cluster != boot_.cluster) {
        return Step(Ending{
            ExitCode::kWrongIdentity,
            "the data directory was begun as member " + ToHex(boot_.self.value) + " of cluster " +
                ToHex(boot_.cluster.value) + ", but the flags now make it " +
                ToHex(formation_->self.value) + " of " + ToHex(formation_->cluster.value) +
                "; empty the directory, which holds no data yet, or mend the flags"});
      }
    }
    boot_.known_members = formation_->members;
    if (formation_->joins) return Step();
    boot_.start.entries = MakeBootstrapEntries(formation_->members);
    boot_.start.hard_state.term = Term{1};
    boot_.start.hard_state.commit = LogIndex{boot_.start.entries.size()};
    boot_.writer->Append(boot_.start.entries, &boot_.start.hard_state);
    TRY(boot_.writer->Sync());
    return Step();
  }

  Status Force() {
    const storage::LogPosition position = boot_.backend->position();
    ForcedLog forced =
        TRY(ForceNewCluster(boot_.self, boot_.start.conf_state, position.index,
                            boot_.start.hard_state, boot_.start.entries, position.term));
    log::Warn("forcing a new cluster of this member alone",
              {{"commit-index", forced.hard_state.commit}});
    auto& entries = boot_.start.entries;
    entries.insert(entries.end(), forced.appended.begin(), forced.appended.end());
    boot_.start.hard_state = forced.hard_state;
    boot_.writer->Append(forced.appended, &forced.hard_state);
    return boot_.writer->Sync();
  }

  std::string StorePath() const { return MemberDirectory(options_) + "/store"; }

  const config::Options& options_;
  io::Disk& disk_;
  const AskMembers& ask_;
  std::optional<Formation> formation_;
  Boot boot_;
};

}  // namespace

std::variant<Boot, Ending> BootMember(const config::Options& options, io::Disk& disk,
                                      const AskMembers& ask) {
  return Booting(options, disk, ask).Run();
}

std::string SnapshotDirectory(const config::Options& options) {
  return MemberDirectory(options) + "/snap";
}

Ending ToEnding(const Error& error) {
  switch (error.code) {
    case Code::kResourceExhausted:
      return {ExitCode::kDiskFull, error.message + "; make room on the volume"};
    case Code::kDataLoss:
      return {ExitCode::kDataUnusable, error.message};
    case Code::kUnimplemented:
      return {ExitCode::kDataUnusable, error.message};
    default:
      return {ExitCode::kStartFailed, error.message};
  }
}

}  // namespace quorate::app
