#include "snapshot/import.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/bytes.h"
#include "base/site.h"
#include "bolt/reader.h"
#include "snapshot/buckets.h"
#include "snapshot/conf_state.h"
#include "snapshot/snap_file.h"

namespace quorate::snapshot {
namespace {

constexpr std::size_t kBatchBytes = 1U << 20U;

// Copies a database into a store of its own, and learns its position and members on the way.
class Copier {
 public:
  Copier(bolt::Reader& source, storage::Backend& target) : source_(source), target_(target) {}

  Status Run(const std::optional<raft::ConfState>& known) {
    for (const bolt::Bucket& bucket : source_.buckets()) TRY(CopyBucket(bucket));
    imported_.conf_state = known ? *known : ConfStateOfFile();
    batch_.Put(storage::Family::kMeta, storage::kConfState, ToJson(imported_.conf_state));
    TRY(target_.Commit(batch_, imported_.position));
    return target_.Flush(storage::Backend::Wait::kYes);
  }

  Imported& imported() { return imported_; }

 private:
  Status CopyBucket(const bolt::Bucket& bucket) {
    const auto rows = std::find_if(kBuckets.begin(), kBuckets.end(), [&](const BucketRows& each) {
      return each.bucket == bucket.name;
    });
    if (rows == kBuckets.end()) {
      imported_.ignored.push_back(bucket.name);
      return {};
    }
    bolt::Cursor cursor(source_, bucket);
    while (TRY(cursor.Next())) {
      TRY(Check(*rows, cursor.key(), cursor.value()));
      ++imported_.rows;
      if (IsPosition(*rows, cursor.key())) continue;  // the backend writes these itself
      key_.assign(rows->prefix);
      key_ += cursor.key();
      batch_.Put(rows->family, key_, cursor.value());
      if (batch_.bytes() < kBatchBytes) continue;
      TRY(target_.Commit(batch_, storage::LogPosition{}));
      batch_.Clear();
    }
    return {};
  }

  // The meta bucket's word, unless the members bucket is about other members.
  raft::ConfState ConfStateOfFile() const {
    if (!conf_state_) return derived_;
    if (QUORATE_PLANTED("snapshot.members_of_others")) return *conf_state_;
    const auto members = [](const raft::ConfState& state) {
      std::set<MemberId> ids(state.voters.begin(), state.voters.end());
      ids.insert(state.learners.begin(), state.learners.end());
      return ids;
    };
    return members(*conf_state_) == members(derived_) ? *conf_state_ : derived_;
  }

  static bool IsPosition(const BucketRows& rows, std::string_view key) {
    return rows.bucket == "meta" && (key == storage::kConsistentIndex || key == storage::kTerm);
  }

  // What the rest of the server relies on.
  Status Check(const BucketRows& rows, std::string_view key, std::string_view value) {
    if (rows.bucket == "key") return CheckRevision(key);
    if (rows.bucket == "meta") return CheckMeta(key, value);
    if (rows.bucket == "members") return CheckMember(key, value);
    if (rows.bucket == "lease" && key.size() != 8) return Damaged(rows.bucket, key);
    return {};
  }

  static Status CheckRevision(std::string_view key) {
    if (QUORATE_PLANTED("snapshot.bad_rows_taken")) return {};
    const bool sound = (key.size() == 17 || (key.size() == 18 && key[17] == 't')) && key[8] == '_';
    // Numbers of 63 and 62 bits: what the index takes.
    if (!sound || (ReadBigEndian64(key) >> 63U) != 0 ||
        (ReadBigEndian64(key.substr(9)) >> 62U) != 0)
      return Damaged("key", key);
    return {};
  }

  Status CheckMeta(std::string_view key, std::string_view value) {
    if (key == storage::kConsistentIndex || key == storage::kTerm) {
      if (value.size() != 8) return Damaged("meta", key);
      const std::uint64_t number = ReadBigEndian64(value);
      if (key == storage::kTerm) {
        imported_.position.term = Term{number};
      } else {
        imported_.position.index = LogIndex{number};
      }
    }
    if (key == storage::kConfState) conf_state_ = TRY(ParseConfState(value));
    return {};
  }

  Status CheckMember(std::string_view key, std::string_view value) {
    const auto id = ParseHex(key);
    const auto object = nlohmann::json::parse(value, nullptr, false);
    if (!id || !object.is_object()) return Damaged("members", key);
    const auto learner = object.find("isLearner");
    const bool is_learner =
        learner != object.end() && learner->is_boolean() && learner->get<bool>();
    (is_learner ? derived_.learners : derived_.voters).push_back(MemberId{*id});
    return {};
  }

  static Error Damaged(std::string_view bucket, std::string_view key) {
    return Error{Code::kDataLoss,
                 "malformed row " + ToHex(key) + " in bucket " + std::string(bucket)};
  }

  bolt::Reader& source_;
  storage::Backend& target_;
  storage::Batch batch_;
  std::string key_;
  Imported imported_;
  std::optional<raft::ConfState> conf_state_;  // of the meta bucket
  raft::ConfState derived_;                    // of the members bucket
};

// Where a database stands, without copying it.
Result<LogIndex> PeekIndex(io::Disk& disk, const std::string& path) {
  const auto reader = TRY(bolt::Reader::Open(disk, path));
  const bolt::Bucket* const meta = reader->Find("meta");
  if (meta == nullptr) return LogIndex{};
  bolt::Cursor cursor(*reader, *meta);
  while (TRY(cursor.Next())) {
    if (cursor.key() == storage::kConsistentIndex && cursor.value().size() == 8) {
      return LogIndex{ReadBigEndian64(cursor.value())};
    }
  }
  return LogIndex{};
}

}  // namespace

Result<Imported> ReadDatabase(io::Disk& disk, std::string_view path, storage::Backend& incoming,
                              const std::optional<raft::ConfState>& known, LogIndex at_least) {
  const auto reader = TRY(bolt::Reader::Open(disk, path));
  if (reader->Find("key") == nullptr || reader->Find("meta") == nullptr) {
    return Error{Code::kDataLoss, std::string(path) + ": not a database of etcd"};
  }
  Copier copier(*reader, incoming);
  if (Status status = copier.Run(known); !status.ok()) {
    return Annotate(std::move(status).error(), "import " + std::string(path));
  }
  if (QUORATE_PLANTED("snapshot.shorter_than_promised")) at_least = LogIndex{};
  if (copier.imported().position.index < at_least) {
    return Error{Code::kDataLoss, "import " + std::string(path) + ": it ends at index " +
                                      std::to_string(copier.imported().position.index.value) +
                                      ", but was sent as of index " +
                                      std::to_string(at_least.value)};
  }
  return std::move(copier.imported());
}

Result<Imported> ImportDatabase(io::Disk& disk, std::string_view path, storage::Backend& store,
                                const std::optional<raft::ConfState>& known, LogIndex at_least) {
  auto incoming = TRY(store.NewIncoming());
  Imported imported = TRY(ReadDatabase(disk, path, *incoming, known, at_least));
  QUORATE_CRASH_SITE("snapshot.before_adopt");
  TRY(store.Adopt(std::move(incoming)));
  QUORATE_CRASH_SITE("snapshot.after_adopt");
  return imported;
}

Result<std::optional<Imported>> TakeOverEtcd(io::Disk& disk, std::string_view member_directory,
                                             const raft::SnapshotMetadata& newest_mark,
                                             storage::Backend& store) {
  const std::string directory = io::JoinPath(member_directory, "snap");
  const std::string database = io::JoinPath(directory, "db");
  if (!TRY(io::Exists(disk, database))) return std::optional<Imported>();
  std::optional<Imported> imported;
  if (store.position().index == LogIndex{}) {
    std::string source = database;
    LogIndex index = TRY(PeekIndex(disk, source));
    const std::string received = io::JoinPath(directory, ReceivedFileName(newest_mark.index));
    if (newest_mark.index > index && TRY(io::Exists(disk, received))) {
      source = received;
      index = TRY(PeekIndex(disk, source));
    }
    std::optional<raft::ConfState> known;
    if (index == newest_mark.index && !newest_mark.conf_state.voters.empty()) {
      known = newest_mark.conf_state;
    } else if (const auto metadata = TRY(FindSnapFile(disk, directory, index))) {
      known = metadata->conf_state;
    }
    imported = TRY(ImportDatabase(disk, source, store, known));
  }
  if (QUORATE_PLANTED("snapshot.taken_over_again")) return imported;
  // Last, so that an interrupted take-over is begun again: the store has everything now.
  TRY(disk.Rename(database, database + ".imported"));
  TRY(disk.SyncDirectory(directory));
  return imported;
}

}  // namespace quorate::snapshot
