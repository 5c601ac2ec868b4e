#include "app/boot.h"

#include <optional>
#include <utility>

#include "app/force_new_cluster.h"
#include "app/ownership.h"
#include "app/replay.h"
#include "base/bytes.h"
#include "base/log.h"
#include "raft/core.h"
#include "snapshot/import.h"
#include "storage/rocks_backend.h"
#include "wal/reader.h"
#include "wal/segment.h"

namespace quorate::app {
namespace {

using membership::Member;
using Step = std::optional<Ending>;  // nothing: go on

std::string MemberDirectory(const config::Options& options) {
  return options.data_dir + "/member";
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
    boot_.recollection =
        TRY(Recollection::Open(disk_, MemberDirectory(options_) + "/recollection.json"));
    if (Step verdict = boot_.recollection->verdict()) return verdict;
    TRY(RemoveTemporary());
    const bool has_log = TRY(wal::HasLog(disk_, options_.wal_dir));
    if (!has_log) {
      if (Step step = TRY(RefuseOrphans())) return step;
      if (Step step = TRY(CreateLog())) return step;
    }
    TRY(OpenStore());
    TRY(ReplayAll());
    if (Step step = OwnerCluster(options_.expected_cluster_id, boot_.cluster, options_.data_dir)) {
      return step;
    }
    if (blank_) {
      if (Step step = TRY(FinishFormation())) return step;
    }
    boot_.mark = replayed_.mark;
    boot_.start = std::move(replayed_.start);
    boot_.writer = std::move(replayed_.writer);
    if (options_.force_new_cluster) TRY(Force());
    boot_.start.applied = boot_.backend->position().index;
    return Step();
  }

  Result<Step> Lock() {
    TRY(disk_.MakeDirectories(SnapshotDirectory(options_)));
    boot_.lock = TRY(LockDirectory(disk_, MemberDirectory(options_)));
    if (boot_.lock != nullptr) {
      boot_.reserve = std::make_shared<DiskReserve>(disk_, MemberDirectory(options_),
                                                    options_.disk_reserve_bytes);
      TRY(boot_.reserve->Prepare());
      return Step();
    }
    return Step(
        Ending{ExitCode::kStartFailed, "the data directory " + options_.data_dir +
                                           " is in use by another process; stop that one first"});
  }

  // What a crash left of snapshots that were being received or sent.
  Status RemoveTemporary() {
    for (const std::string& name : TRY(disk_.List(SnapshotDirectory(options_)))) {
      if (name.starts_with("tmp-")) TRY(disk_.Remove(SnapshotDirectory(options_) + "/" + name));
    }
    return {};
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
    const bool of_etcd = TRY(io::Exists(disk_, SnapshotDirectory(options_) + "/db"));
    if (!of_etcd) return {};
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

  Status ReplayAll() {
    Replayed replayed =
        TRY(ReplayLog(disk_, options_.wal_dir, SnapshotDirectory(options_), *boot_.backend));
    blank_ = IsBlank(replayed, *boot_.backend);
    boot_.self = replayed.identity.member;
    boot_.cluster = replayed.identity.cluster;
    replayed_ = std::move(replayed);
    return {};
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
    TRY(Bootstrap(formation_->members, replayed_));
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
  Replayed replayed_;
  bool blank_ = false;  // the log was created but nothing has happened in it yet
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
      return {ExitCode::kDiskFull, error.message + "; make room on the volume and start again"};
    case Code::kDataLoss:
      return {ExitCode::kDataUnusable, error.message};
    case Code::kUnimplemented:
      return {ExitCode::kDataUnusable, error.message};
    default:
      return {ExitCode::kStartFailed, error.message};
  }
}

}  // namespace quorate::app
