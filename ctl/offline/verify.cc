#include "offline/verify.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "offline/snapshot_status.h"
#include "snapshot/snap_file.h"
#include "storage/rocks_backend.h"
#include "wal/reader.h"
#include "wal/segment.h"

namespace quorate::offline {
namespace {

constexpr const char* kReplace =
    "keep a copy of the directory; remove this member from its cluster and add it again with an "
    "empty data directory; without a healthy cluster, restore a backup";

class Check {
 public:
  Check(io::Disk& disk, const VerifyOptions& options, const VerifyProgress& progress)
      : disk_(disk), options_(options), progress_(progress) {
    member_ = options.data_directory + "/member";
    if (options_.wal_directory.empty()) options_.wal_directory = member_ + "/wal";
  }

  Result<Verified> Run() {
    if (!TRY(io::Exists(disk_, member_)))
      return Error{
          Code::kNotFound,
          options_.data_directory + " is no data directory of a member: there is no " + member_};
    TRY(Lock());
    TRY(CheckStore());
    TRY(CheckLog());
    TRY(CheckSnapshots());
    return std::move(verified_);
  }

 private:
  Status Lock() {
    const std::string path = member_ + "/LOCK";
    if (!TRY(io::Exists(disk_, path))) return {};
    lock_ = TRY(disk_.Open(path, io::OpenMode::kReadWrite));
    if (TRY(lock_->TryLock())) return {};
    return Error{Code::kFailedPrecondition,
                 options_.data_directory + " is in use by a running member; stop it first"};
  }

  void Complain(std::string place, std::string text, std::string advice = kReplace) {
    verified_.problems.push_back({std::move(place), std::move(text), std::move(advice)});
  }

  // Damage is a problem; that nothing can be read at all is an Error.
  Status Judge(const std::string& place, Error error) {
    if (error.code == Code::kPermissionDenied) return error;
    Complain(place, std::move(error.message));
    return {};
  }

  Status CheckStore() {
    const std::string path = member_ + "/store";
    if (TRY(io::Exists(disk_, path + ".next")))
      verified_.notes.push_back("a received snapshot waits to be adopted; the next start does so");
    auto opened = storage::OpenRocksReader(path);
    if (!opened.ok()) {
      if (opened.error().code != Code::kNotFound) return Judge("store", std::move(opened).error());
      const bool etcds = TRY(io::Exists(disk_, member_ + "/snap/db"));
      verified_.notes.push_back(etcds ? "a directory of etcd that was not taken over yet"
                                      : "there is no store yet");
      return {};
    }
    auto facts = VerifyStore(**opened, progress_, verified_.problems);
    if (!facts.ok()) return Judge("store", std::move(facts).error());
    verified_.store = std::move(facts).value();
    return {};
  }

  Status CheckLog() {
    auto segments = wal::ListSegments(disk_, options_.wal_directory);
    if (!segments.ok()) return Judge("log", std::move(segments).error());
    verified_.log.segments = segments->size();
    for (const auto& segment : *segments)
      verified_.log.bytes +=
          TRY(disk_.Stat(io::JoinPath(options_.wal_directory, wal::ToFileName(segment)))).size;
    auto marks = wal::ValidSnapshots(disk_, options_.wal_directory);
    if (!marks.ok()) return Judge("log", std::move(marks).error());
    progress_(verified_.log.bytes);
    // Where a start would begin: the newest mark that the store has reached. What lies before it is
    // no longer needed; its checksums have been looked at.
    const LogIndex reached = verified_.store.position.index;
    const auto begin = std::find_if(marks->rbegin(), marks->rend(),
                                    [&](const auto& mark) { return mark.index <= reached; });
    if (begin == marks->rend()) {
      if (!marks->empty() && HasReceived(marks->back().index)) {
        verified_.notes.push_back("a received snapshot waits to be installed at the next start");
        return {};
      }
      Complain("index", "the store is at index " + std::to_string(reached.value) +
                            ", but the log begins later");
      return {};
    }
    auto contents = wal::Replay(disk_, options_.wal_directory, *begin);
    if (!contents.ok()) return Judge("log", std::move(contents).error());
    TakeLog(*contents, *begin);
    CheckPosition(*contents, *begin);
    return {};
  }

  void TakeLog(const wal::Contents& contents, const wal::SnapshotMark& begin) {
    verified_.cluster = contents.metadata.cluster;
    verified_.self = contents.metadata.member;
    LogFacts& log = verified_.log;
    log.first = LogIndex{begin.index.value + 1};
    log.last = contents.tail.last_index;
    log.commit = contents.hard_state.commit;
    log.term = contents.hard_state.term;
    if (contents.torn)
      verified_.notes.push_back("a crash cut the last write short (" + contents.torn->path +
                                " at offset " + std::to_string(contents.torn->offset) +
                                "); nobody was promised it, and the next start cuts it off");
    if (log.commit > log.last && log.last >= log.first)
      Complain("index", "committed are " + std::to_string(log.commit.value) +
                            " entries, but the log ends at " + std::to_string(log.last.value));
  }

  // The store is at a place of this log.
  void CheckPosition(const wal::Contents& contents, const wal::SnapshotMark& begin) {
    if (!verified_.store.present) return;
    const auto [index, term] = verified_.store.position;
    if (index > contents.tail.last_index)
      return Complain("index", "the store is at index " + std::to_string(index.value) +
                                   ", but the log ends at " +
                                   std::to_string(contents.tail.last_index.value));
    if (index > contents.hard_state.commit && index.value > 0)
      verified_.notes.push_back("the store is at index " + std::to_string(index.value) +
                                ", beyond the noted commit " +
                                std::to_string(contents.hard_state.commit.value));
    Term expected;
    if (index == begin.index) expected = begin.term;
    if (index > begin.index)
      expected = contents.entries[static_cast<std::size_t>(index - begin.index - 1)].term;
    if (expected.value != 0 && term.value != 0 && expected != term)
      Complain("index", "the store applied entry " + std::to_string(index.value) + " of term " +
                            std::to_string(term.value) + ", the log has it of term " +
                            std::to_string(expected.value));
    CheckSelf();
  }

  bool HasReceived(LogIndex index) {
    const auto there = io::Exists(disk_, member_ + "/snap/" + snapshot::ReceivedFileName(index));
    return there.ok() && *there;
  }

  void CheckSelf() {
    const auto& removed = verified_.store.removed;
    if (std::find(removed.begin(), removed.end(), verified_.self) != removed.end())
      verified_.notes.push_back("this member was removed from its cluster");
    const auto& members = verified_.store.members;
    if (verified_.store.position.index.value == 0 || members.empty()) return;
    if (std::none_of(members.begin(), members.end(),
                     [&](const auto& member) { return member.id == verified_.self; }))
      verified_.notes.push_back("this member is not among the members that it knows");
  }

  Status CheckSnapshots() {
    const std::string directory = member_ + "/snap";
    if (!TRY(io::Exists(disk_, directory))) return {};
    for (const std::string& name : TRY(disk_.List(directory))) {
      const std::string path = io::JoinPath(directory, name);
      if (name.ends_with(".snap")) {
        const std::string bytes = TRY(io::ReadFile(disk_, path));
        const auto decoded = snapshot::DecodeSnapFile(bytes);
        if (!decoded.ok()) Complain("snapshot", path + ": " + decoded.error().message);
      }
      if (name == "db" || name.ends_with(".snap.db")) {
        const auto status = ReadSnapshotStatus(disk_, path);
        if (!status.ok()) Complain("snapshot", path + ": " + status.error().message);
      }
    }
    return {};
  }

  io::Disk& disk_;
  VerifyOptions options_;
  const VerifyProgress& progress_;
  std::string member_;
  std::unique_ptr<io::File> lock_;
  Verified verified_;
};

}  // namespace

Result<Verified> VerifyDataDirectory(io::Disk& disk, const VerifyOptions& options,
                                     const VerifyProgress& progress) {
  return Check(disk, options, progress).Run();
}

}  // namespace quorate::offline
