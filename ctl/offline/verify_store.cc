#include "offline/verify_store.h"

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "mvcc/record.h"
#include "mvcc/restore.h"
#include "mvcc/revision_id.h"
#include "proto/lease.pb.h"
#include "snapshot/conf_state.h"

namespace quorate::offline {
namespace {

using storage::Family;

constexpr const char* kWatchTheDisk =
    "a start reads the whole history instead and loses nothing; a disk that gives back other bytes "
    "than it was given wants replacing";

constexpr const char* kReplace =
    "remove this member from its cluster and add it again with an empty data directory; without "
    "a healthy cluster, restore a backup";

class StoreCheck {
 public:
  StoreCheck(const storage::Reader& store, const VerifyProgress& progress,
             std::vector<Problem>& problems)
      : store_(store), progress_(progress), problems_(problems) {}

  Result<StoreFacts> Run() {
    facts_.present = true;
    TRY(ReadMarks());
    TRY(ReadLeases());
    TRY(ReadHistory());
    CheckLeasesOfKeys();
    TRY(CheckKeyIndex());
    TRY(ReadMembers());
    CheckMembers();
    return std::move(facts_);
  }

 private:
  struct Key {
    mvcc::RevisionId id;
    std::int64_t create = 0;
    std::int64_t version = 0;  // 0: deleted
    std::int64_t lease = 0;
  };

  void Complain(const std::string& place, std::string text, const char* advice = kReplace) {
    const auto count = static_cast<std::size_t>(
        std::count_if(problems_.begin(), problems_.end(),
                      [&](const Problem& problem) { return problem.place == place; }));
    if (count < kProblemsOfAPlaceMax) problems_.push_back({place, std::move(text), advice});
    if (count == kProblemsOfAPlaceMax)
      problems_.push_back({place, "and more of the same place", advice});
  }

  Result<std::uint64_t> ReadNumber(std::string_view row) {
    std::string value;
    if (!TRY(store_.Get(Family::kMeta, row, &value))) return std::uint64_t{0};
    if (value.size() == 8) return ReadBigEndian64(value);
    Complain("index", "the row " + std::string(row) + " is not a number");
    return std::uint64_t{0};
  }

  Result<std::int64_t> ReadRevision(std::string_view row) {
    std::string value;
    if (!TRY(store_.Get(Family::kMeta, row, &value))) return std::int64_t{-1};
    if (const auto decoded = mvcc::DecodeRowName(value)) return decoded->id.main.value;
    Complain("history", "the row " + std::string(row) + " is not a revision");
    return std::int64_t{-1};
  }

  Status ReadMarks() {
    facts_.position.index = LogIndex{TRY(ReadNumber(storage::kConsistentIndex))};
    facts_.position.term = Term{TRY(ReadNumber(storage::kTerm))};
    facts_.compact_revision = TRY(ReadRevision(storage::kScheduledCompact));
    const std::int64_t finished = TRY(ReadRevision(storage::kFinishedCompact));
    if (finished > facts_.compact_revision)
      Complain("history", "compaction finished at revision " + std::to_string(finished) +
                              " but was asked for at " + std::to_string(facts_.compact_revision));
    std::string json;
    conf_state_missing_ = !TRY(store_.Get(Family::kMeta, storage::kConfState, &json));
    if (conf_state_missing_) return {};
    auto parsed = snapshot::ParseConfState(json);
    if (!parsed.ok()) {
      Complain("members", "the row confState: " + parsed.error().message);
      return {};
    }
    facts_.has_conf_state = true;
    facts_.conf_state = std::move(parsed).value();
    return {};
  }

  Status ReadLeases() {
    const auto cursor = store_.Scan(Family::kLease, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      leasepb::Lease lease;
      const bool parsed =
          lease.ParseFromArray(cursor->value().data(), static_cast<int>(cursor->value().size()));
      if (!parsed || cursor->key().size() != 8 ||
          static_cast<std::int64_t>(ReadBigEndian64(cursor->key())) != lease.id()) {
        Complain("leases", "the row " + ToHex(cursor->key()) + " is not a lease of that id");
        continue;
      }
      if (lease.ttl() <= 0 || lease.remainingttl() > lease.ttl())
        Complain("leases", "lease " + std::to_string(lease.id()) + " has a TTL of " +
                               std::to_string(lease.ttl()) + " s and " +
                               std::to_string(lease.remainingttl()) + " s left");
      leases_.insert(lease.id());
      ++facts_.leases;
    }
    return cursor->status();
  }

  Status ReadHistory() {
    const auto cursor = store_.Scan(Family::kRev, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      CheckRow(cursor->key(), cursor->value());
      bytes_ += cursor->key().size() + cursor->value().size();
      if (++facts_.rows % 4096 == 0) progress_(bytes_);
    }
    facts_.revision = std::max(facts_.revision, facts_.compact_revision);
    for (const auto& [key, state] : keys_) facts_.keys += state.version > 0 ? 1U : 0U;
    return cursor->status();
  }

  // One change, in the order in which they were made.
  void CheckRow(std::string_view name, std::string_view value) {
    const auto row = mvcc::DecodeRowName(name);
    mvcc::Record record;
    if (!row || !mvcc::Decode(value, &record) || record.key.empty())
      return Complain("history", "the row " + ToHex(name) + " is not a change");
    CheckPlace(row->id);
    Key& key = keys_[std::string(record.key)];
    const std::string what = "the change of " + ToPrintable(record.key) + " at revision " +
                             std::to_string(row->id.main.value);
    if (row->tombstone) {
      if (key.version == 0 && row->id.main.value > facts_.compact_revision)
        Complain("history", what + " deletes what was not there");
      key = {row->id, 0, 0, 0};
      return;
    }
    if (record.mod_revision != row->id.main)
      Complain("history", what + " says it was at " + std::to_string(record.mod_revision.value));
    CheckSuccession(key, record, what);
    key = {row->id, record.create_revision.value, record.version, record.lease.value};
  }

  // No revision and no change of a revision is missing behind the compaction.
  void CheckPlace(mvcc::RevisionId id) {
    const std::int64_t main = id.main.value;
    const bool follows = main == last_.main.value ? id.sub == last_.sub + 1
                                                  : main == last_.main.value + 1 && id.sub == 0;
    const bool compacted = main <= std::max<std::int64_t>(facts_.compact_revision, 1);
    const bool first = last_.main.value <= std::max<std::int64_t>(facts_.compact_revision, 1) &&
                       main == std::max<std::int64_t>(facts_.compact_revision, 1) + 1 &&
                       id.sub == 0;
    if (!follows && !compacted && !first)
      Complain("history", "after revision " + std::to_string(last_.main.value) + "." +
                              std::to_string(last_.sub) + " comes " + std::to_string(main) + "." +
                              std::to_string(id.sub));
    last_ = id;
    facts_.revision = std::max(facts_.revision, main);
  }

  void CheckSuccession(const Key& before, const mvcc::Record& record, const std::string& what) {
    const std::int64_t version = record.version;
    const std::int64_t create = record.create_revision.value;
    const std::int64_t mod = record.mod_revision.value;
    if (version < 1 || create < 1 || create > mod || (version == 1) != (create == mod))
      return Complain("history", what + " has version " + std::to_string(version) +
                                     ", created at " + std::to_string(create));
    if (before.version > 0 && (version != before.version + 1 || create != before.create))
      return Complain("history", what + " has version " + std::to_string(version) +
                                     " behind version " + std::to_string(before.version));
    // What stood before it may be gone only if a compaction saw this very change.
    if (before.version == 0 && version > 1 && mod > facts_.compact_revision)
      Complain("history", what + " has version " + std::to_string(version) +
                              ", but what was before it is missing");
  }

  void CheckLeasesOfKeys() {
    for (const auto& [key, state] : keys_) {
      if (state.version > 0 && state.lease != 0 && !leases_.contains(state.lease))
        Complain("leases", "the key " + ToPrintable(key) + " hangs on lease " +
                               std::to_string(state.lease) + ", which is not there");
    }
  }

  // What a start would take for the key index, from the checkpoint in the store and the history
  // behind it, says of every key that lives what the whole history says.
  Status CheckKeyIndex() {
    if (std::any_of(problems_.begin(), problems_.end(),
                    [](const Problem& problem) { return problem.place == "history"; }))
      return {};
    const auto restored = TRY(mvcc::Restore(store_));
    if (!restored.refused.empty())
      Complain("key index", "its checkpoint cannot be used: " + restored.refused, kWatchTheDisk);
    std::uint64_t live = 0;
    restored.index->VisitRows("", [&](const mvcc::IndexRow& row) {
      if (row.version == 0) return true;
      ++live;
      const auto found = keys_.find(std::string(row.key));
      if (found == keys_.end() || !Agree(row, found->second))
        Complain("key index", "it has " + ToPrintable(row.key) + " at revision " +
                                  std::to_string(row.latest.id().main.value) + ", version " +
                                  std::to_string(row.version) + "; the history says otherwise");
      return true;
    });
    if (live == facts_.keys) return {};
    for (const auto& [key, state] : keys_) {
      if (state.version > 0 && !restored.index->Latest(key).has_value())
        Complain("key index", "it lacks " + ToPrintable(key));
    }
    return {};
  }

  static bool Agree(const mvcc::IndexRow& row, const Key& key) {
    return row.latest.id() == key.id && row.version == key.version &&
           row.create_revision.value == key.create && row.lease.value == key.lease;
  }

  Status ReadMembers() {
    const auto cursor = store_.Scan(Family::kMember, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      const std::string_view name = cursor->key();
      if (name.starts_with(storage::kMemberPrefix)) {
        auto member = membership::ParseMember(cursor->value());
        if (!member.ok() || ToHex(member->id.value) != name.substr(storage::kMemberPrefix.size())) {
          Complain("members", "the row " + ToPrintable(name) + " is not that member");
        } else {
          facts_.members.push_back(std::move(member).value());
        }
      }
      if (name.starts_with(storage::kRemovedMemberPrefix)) {
        const auto id = ParseHex(name.substr(storage::kRemovedMemberPrefix.size()));
        if (id) facts_.removed.push_back(MemberId{*id});
        if (!id) Complain("members", "the row " + ToPrintable(name) + " is not a removed member");
      }
    }
    std::sort(facts_.members.begin(), facts_.members.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return cursor->status();
  }

  // The table of members says the same as the consensus' own configuration.
  void CheckMembers() {
    for (const MemberId id : facts_.removed) {
      if (std::any_of(facts_.members.begin(), facts_.members.end(),
                      [&](const auto& member) { return member.id == id; }))
        Complain("members", "member " + ToHex(id.value) + " is both there and removed");
    }
    if (!facts_.has_conf_state) {
      if (!facts_.members.empty() && conf_state_missing_)
        Complain("members", "the table has " + std::to_string(facts_.members.size()) +
                                " members, but the row confState is missing");
      return;
    }
    const auto& state = facts_.conf_state;
    const auto votes = [&](MemberId id) {
      return std::find(state.voters.begin(), state.voters.end(), id) != state.voters.end();
    };
    const auto learns = [&](MemberId id) {
      return std::find(state.learners.begin(), state.learners.end(), id) != state.learners.end();
    };
    for (const auto& member : facts_.members) {
      if (!(member.is_learner ? learns(member.id) : votes(member.id)))
        Complain("members", "member " + ToHex(member.id.value) + " is a " +
                                (member.is_learner ? "learner" : "voter") +
                                " in the table and not in confState");
    }
    if (facts_.members.size() != state.voters.size() + state.learners.size())
      Complain("members", "the table has " + std::to_string(facts_.members.size()) +
                              " members, confState has " +
                              std::to_string(state.voters.size() + state.learners.size()));
  }

  static std::string ToPrintable(std::string_view bytes) {
    const bool plain =
        std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
    return plain ? std::string(bytes) : "0x" + ToHex(bytes);
  }

  const storage::Reader& store_;
  const VerifyProgress& progress_;
  std::vector<Problem>& problems_;
  StoreFacts facts_;
  std::set<std::int64_t> leases_;
  std::unordered_map<std::string, Key> keys_;
  bool conf_state_missing_ = false;
  mvcc::RevisionId last_{Revision{1}, 0};
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<StoreFacts> VerifyStore(const storage::Reader& store, const VerifyProgress& progress,
                               std::vector<Problem>& problems) {
  return StoreCheck(store, progress, problems).Run();
}

}  // namespace quorate::offline
