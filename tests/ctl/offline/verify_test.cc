// Damage of each kind, made by hand in an otherwise sound directory, must be seen and named.
#include "offline/verify.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "io/real_disk.h"
#include "membership/member.h"
#include "mvcc/index_checkpoint.h"
#include "mvcc/key_index.h"
#include "mvcc/record.h"
#include "mvcc/revision_id.h"
#include "peers/process.h"
#include "proto/lease.pb.h"
#include "snapshot/conf_state.h"
#include "storage/memory_backend.h"
#include "storage/rocks_backend.h"
#include "wal/segment.h"
#include "wal/writer.h"

namespace quorate::offline {
namespace {

using storage::Family;

// The rows of a small member: a=1 at 2, b=2 with lease 7 at 3, a=3 at 4, b deleted and put at 5, 6.
class Rows {
 public:
  Rows() {
    Put(2, "a", "1", 2, 1);
    Put(3, "b", "2", 3, 1, 7);
    Put(4, "a", "3", 2, 2);
    Delete(5, "b");
    Put(6, "b", "4", 6, 1, 7);
    Lease(7, 60);
    const membership::Member one{MemberId{1}, {"http://one:2380"}, false, "one", {"http://one"}};
    const membership::Member two{MemberId{2}, {"http://two:2380"}, true, "two", {"http://two"}};
    batch.Put(Family::kMember, "m/1", membership::ToJson(one));
    batch.Put(Family::kMember, "m/2", membership::ToJson(two));
    batch.Put(Family::kMeta, storage::kConfState,
              snapshot::ToJson({.voters = {MemberId{1}}, .learners = {MemberId{2}}}));
  }

  void Put(std::int64_t revision, const std::string& key, const std::string& value,
           std::int64_t create, std::int64_t version, std::int64_t lease = 0) {
    batch.Put(Family::kRev, Name(revision, false),
              mvcc::Encode({.key = key,
                            .create_revision = Revision{create},
                            .mod_revision = Revision{revision},
                            .version = version,
                            .value = value,
                            .lease = LeaseId{lease}}));
  }
  void Delete(std::int64_t revision, const std::string& key) {
    batch.Put(Family::kRev, Name(revision, true), mvcc::Encode({.key = key}));
  }
  void Lose(std::int64_t revision, bool tombstone = false) {
    batch.Delete(Family::kRev, Name(revision, tombstone));
  }
  void Lease(std::int64_t id, std::int64_t ttl) {
    leasepb::Lease lease;
    lease.set_id(id);
    lease.set_ttl(ttl);
    batch.Put(Family::kLease, LeaseName(id), lease.SerializeAsString());
  }
  void Compacted(std::int64_t revision) {
    batch.Put(Family::kMeta, storage::kScheduledCompact, Name(revision, false));
  }
  static std::string Name(std::int64_t revision, bool tombstone) {
    return std::string(mvcc::RowName({Revision{revision}, 0}, tombstone).text());
  }
  static std::string LeaseName(std::int64_t id) {
    std::string name;
    AppendBigEndian64(name, static_cast<std::uint64_t>(id));
    return name;
  }

  storage::Batch batch;
};

// The places of the problems, "history leases".
std::string Places(const std::vector<Problem>& problems) {
  std::string places;
  for (const Problem& problem : problems) {
    EXPECT_FALSE(problem.advice.empty());
    places += (places.empty() ? "" : " ") + problem.place;
  }
  return places;
}

class VerifyStoreTest : public testing::Test {
 protected:
  std::string Judge() {
    storage::MemoryBackend backend(std::make_shared<storage::MemoryStorage>());
    EXPECT_TRUE(backend.Commit(rows.batch, {LogIndex{9}, Term{2}}).ok());
    std::vector<Problem> problems;
    const auto facts = VerifyStore(
        backend, [](std::uint64_t) {}, problems);
    EXPECT_TRUE(facts.ok()) << facts.error().message;
    if (facts.ok()) facts_ = *facts;
    return Places(problems);
  }

  Rows rows;
  StoreFacts facts_;
};

TEST_F(VerifyStoreTest, ASoundStoreIsSound) {
  EXPECT_EQ(Judge(), "");
  EXPECT_EQ(facts_.position, (storage::LogPosition{LogIndex{9}, Term{2}}));
  EXPECT_EQ(facts_.revision, 6);
  EXPECT_EQ(facts_.rows, 5U);
  EXPECT_EQ(facts_.keys, 2U);
  EXPECT_EQ(facts_.leases, 1U);
  EXPECT_EQ(facts_.members.size(), 2U);
}

// A checkpoint of this index, taken when the store was at its last revision.
void Checkpoint(const mvcc::KeyIndex& index, storage::Batch& batch) {
  mvcc::CheckpointWalk walk(std::nullopt, Revision{6});
  EXPECT_TRUE(walk.Step(index, 100, &batch));
}

// What Rows makes of its two keys.
void PutA(mvcc::KeyIndex& index) {
  index.Put("a", {Revision{2}, 0}, LeaseId{0});
  index.Put("a", {Revision{4}, 0}, LeaseId{0});
}
void PutB(mvcc::KeyIndex& index) {
  index.Put("b", {Revision{6}, 0}, LeaseId{7});
}

TEST_F(VerifyStoreTest, AKeyIndexThatSaysWhatTheHistorySaysIsSound) {
  mvcc::KeyIndex index;
  PutA(index);
  PutB(index);
  Checkpoint(index, rows.batch);
  EXPECT_EQ(Judge(), "");
}

TEST_F(VerifyStoreTest, SeesAKeyIndexThatForgotAChange) {
  mvcc::KeyIndex index;
  index.Put("a", {Revision{2}, 0}, LeaseId{0});
  PutB(index);
  Checkpoint(index, rows.batch);
  EXPECT_EQ(Judge(), "key index");
}

TEST_F(VerifyStoreTest, SeesAKeyIndexThatLostAKey) {
  mvcc::KeyIndex index;
  PutA(index);
  Checkpoint(index, rows.batch);
  EXPECT_EQ(Judge(), "key index");
}

TEST_F(VerifyStoreTest, SeesAKeyIndexWithAKeyThatNeverWas) {
  mvcc::KeyIndex index;
  PutA(index);
  PutB(index);
  index.Put("ghost", {Revision{5}, 0}, LeaseId{0});
  Checkpoint(index, rows.batch);
  EXPECT_EQ(Judge(), "key index");
}

TEST_F(VerifyStoreTest, SeesAKeyIndexWithATurnedBit) {
  storage::Batch checkpoint;
  mvcc::KeyIndex index;
  index.Put("a", {Revision{2}, 0}, LeaseId{0});
  Checkpoint(index, checkpoint);
  storage::MemoryBackend backend(std::make_shared<storage::MemoryStorage>());
  ASSERT_TRUE(backend.Commit(checkpoint, {LogIndex{1}, Term{1}}).ok());
  const auto chunk = backend.Scan(Family::kIndex, "", "");
  ASSERT_TRUE(chunk->Valid());
  for (; chunk->Valid(); chunk->Next()) {
    std::string bytes(chunk->value());
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    rows.batch.Put(Family::kIndex, chunk->key(), bytes);
  }
  EXPECT_EQ(Judge(), "key index");
}

TEST_F(VerifyStoreTest, SeesARowThatIsMissing) {
  rows.Lose(3);
  EXPECT_THAT(Judge(), testing::StartsWith("history"));
}

TEST_F(VerifyStoreTest, WhatACompactionTookIsNotMissing) {
  rows.Lose(2);
  rows.Lose(3);
  rows.Lose(5, true);
  rows.Compacted(5);
  EXPECT_EQ(Judge(), "");
  rows.Compacted(3);
  EXPECT_THAT(Judge(), testing::StartsWith("history"));
}

TEST_F(VerifyStoreTest, SeesVersionsThatDoNotFollow) {
  rows.Put(4, "a", "3", 2, 3);
  EXPECT_EQ(Judge(), "history");
}

TEST_F(VerifyStoreTest, SeesACreationThatChanged) {
  rows.Put(4, "a", "3", 3, 2);
  EXPECT_EQ(Judge(), "history");
}

TEST_F(VerifyStoreTest, SeesARowUnderAnotherRevision) {
  rows.batch.Put(Family::kRev, Rows::Name(4, false),
                 mvcc::Encode({.key = "a",
                               .create_revision = Revision{2},
                               .mod_revision = Revision{5},
                               .version = 2,
                               .value = "3"}));
  EXPECT_EQ(Judge(), "history");
}

TEST_F(VerifyStoreTest, SeesBytesThatAreNoRow) {
  rows.batch.Put(Family::kRev, Rows::Name(6, false), "\xff\xff");
  EXPECT_EQ(Judge(), "history");
}

TEST_F(VerifyStoreTest, SeesADeletionOfNothing) {
  rows.Delete(7, "c");
  EXPECT_EQ(Judge(), "history");
}

TEST_F(VerifyStoreTest, SeesAKeyWithoutItsLease) {
  rows.batch.Delete(Family::kLease, Rows::LeaseName(7));
  EXPECT_EQ(Judge(), "leases");
}

TEST_F(VerifyStoreTest, SeesALeaseUnderAnotherId) {
  leasepb::Lease lease;
  lease.set_id(8);
  lease.set_ttl(1);
  rows.batch.Put(Family::kLease, Rows::LeaseName(9), lease.SerializeAsString());
  EXPECT_EQ(Judge(), "leases");
}

TEST_F(VerifyStoreTest, SeesMembersThatAreNotTheConfiguration) {
  rows.batch.Delete(Family::kMember, "m/2");
  EXPECT_EQ(Judge(), "members");
}

TEST_F(VerifyStoreTest, SeesAVoterThatIsNotInTheTable) {
  rows.batch.Put(
      Family::kMeta, storage::kConfState,
      snapshot::ToJson({.voters = {MemberId{1}, MemberId{3}}, .learners = {MemberId{2}}}));
  EXPECT_EQ(Judge(), "members");
}

TEST_F(VerifyStoreTest, SeesMembersWithoutAConfiguration) {
  rows.batch.Delete(Family::kMeta, storage::kConfState);
  EXPECT_EQ(Judge(), "members");
}

TEST_F(VerifyStoreTest, SeesALearnerThatVotes) {
  rows.batch.Put(Family::kMeta, storage::kConfState,
                 snapshot::ToJson({.voters = {MemberId{1}, MemberId{2}}}));
  EXPECT_EQ(Judge(), "members");
}

TEST_F(VerifyStoreTest, SeesAMemberThatIsRemovedAsWell) {
  rows.batch.Put(Family::kMember, "x/1", "removed");
  EXPECT_EQ(Judge(), "members");
}

TEST_F(VerifyStoreTest, TellsTheFirstOfManyProblems) {
  for (std::int64_t i = 0; i < 100; ++i) rows.Delete(7 + i, "absent" + std::to_string(i));
  Judge();
  EXPECT_EQ(facts_.rows, 105U);
}

// A whole data directory: nine entries in the log, the store at the ninth.
class VerifyTest : public testing::Test {
 protected:
  VerifyTest() { Make(9); }

  void Make(std::uint64_t store_index) {
    EXPECT_TRUE(disk_.MakeDirectories(Member() + "/snap").ok());
    auto writer = wal::Writer::Create(disk_, Wal(), {MemberId{1}, ClusterId{5}});
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    std::vector<raft::Entry> entries;
    for (std::uint64_t i = 1; i <= 9; ++i)
      entries.push_back({raft::EntryType::kNormal, Term{2}, LogIndex{i}, raft::Payload("x")});
    const raft::HardState state{Term{2}, MemberId{1}, LogIndex{9}};
    (*writer)->Append(entries, &state);
    EXPECT_TRUE((*writer)->Sync().ok());
    MakeStore(store_index, 2);
  }
  void MakeStore(std::uint64_t index, std::uint64_t term) {
    EXPECT_TRUE(io::RemoveTree(disk_, Member() + "/store").ok());
    auto backend = storage::OpenRocksBackend(Member() + "/store", {});
    ASSERT_TRUE(backend.ok()) << backend.error().message;
    EXPECT_TRUE((*backend)->Commit(Rows().batch, {LogIndex{index}, Term{term}}).ok());
    EXPECT_TRUE((*backend)->Flush(storage::Backend::Wait::kYes).ok());
  }

  std::string Data() const { return scratch_.path() + "/data"; }
  std::string Member() const { return Data() + "/member"; }
  std::string Wal() const { return Member() + "/wal"; }
  std::string SegmentPath() {
    return Wal() + "/" + wal::ToFileName(wal::ListSegments(disk_, Wal())->front());
  }
  // Turns one byte around.
  void Damage(const std::string& path, std::int64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    const int byte = file.get();
    file.seekp(offset);
    file.put(static_cast<char>(byte ^ 0x55));
  }
  std::string Judge() {
    auto found = VerifyDataDirectory(disk_, {.data_directory = Data(), .wal_directory = ""},
                                     [](std::uint64_t) {});
    if (!found.ok()) return "error: " + found.error().message;
    found_ = *found;
    return Places(found_.problems);
  }

  test::ScratchDirectory scratch_;
  io::RealDisk disk_;
  Verified found_;
};

TEST_F(VerifyTest, ASoundDirectoryIsSoundAndStaysAsItIs) {
  const auto before = *disk_.List(Member() + "/store");
  EXPECT_EQ(Judge(), "");
  EXPECT_TRUE(found_.sound());
  EXPECT_EQ(found_.self, MemberId{1});
  EXPECT_EQ(found_.cluster, ClusterId{5});
  EXPECT_EQ(found_.log.last, LogIndex{9});
  EXPECT_EQ(found_.log.commit, LogIndex{9});
  EXPECT_EQ(found_.store.revision, 6);
  EXPECT_EQ(found_.notes.size(), 0U);
  EXPECT_EQ(*disk_.List(Member() + "/store"), before);
}

TEST_F(VerifyTest, SeesAByteOfTheLogThatTurned) {
  Damage(SegmentPath(), 100);
  EXPECT_THAT(Judge(), testing::StartsWith("log"));
}

TEST_F(VerifyTest, SeesALogThatIsGone) {
  ASSERT_TRUE(io::RemoveTree(disk_, Wal()).ok());
  EXPECT_EQ(Judge(), "log");
}

TEST_F(VerifyTest, ATornTailIsANote) {
  // The file ends within the last record, the one that says what is committed.
  const std::string bytes = *io::ReadFile(disk_, SegmentPath());
  std::filesystem::resize_file(SegmentPath(), bytes.find_last_not_of('\0'));
  EXPECT_EQ(Judge(), "");
  EXPECT_THAT(found_.notes, testing::Contains(testing::HasSubstr("a crash cut the last write")));
}

// A member that joined has a first mark, at 0, with a hole behind it: a snapshot filled that.
TEST_F(VerifyTest, AHoleThatASnapshotFilledIsNone) {
  ASSERT_TRUE(io::RemoveTree(disk_, Wal()).ok());
  auto writer = wal::Writer::Create(disk_, Wal(), {MemberId{1}, ClusterId{5}});
  ASSERT_TRUE(writer.ok());
  (*writer)->Mark({LogIndex{8}, Term{2}, std::nullopt});
  const std::vector<raft::Entry> entries = {
      {raft::EntryType::kNormal, Term{2}, LogIndex{9}, raft::Payload("x")}};
  const raft::HardState state{Term{2}, MemberId{1}, LogIndex{9}};
  (*writer)->Append(entries, &state);
  ASSERT_TRUE((*writer)->Sync().ok());
  writer->reset();
  EXPECT_EQ(Judge(), "");
  MakeStore(5, 2);
  EXPECT_EQ(Judge(), "log");
}

TEST_F(VerifyTest, SeesAStoreBeyondTheLog) {
  MakeStore(10, 2);
  EXPECT_EQ(Judge(), "index");
}

TEST_F(VerifyTest, SeesAStoreOfAnotherTerm) {
  MakeStore(9, 1);
  EXPECT_EQ(Judge(), "index");
}

TEST_F(VerifyTest, SeesADamagedStore) {
  const auto names = *disk_.List(Member() + "/store");
  for (const std::string& name : names)
    if (name.ends_with(".sst")) Damage(Member() + "/store/" + name, 20);
  EXPECT_THAT(Judge(), testing::StartsWith("store"));
}

TEST_F(VerifyTest, SeesADamagedSnapshotFile) {
  std::ofstream(Member() + "/snap/0000000000000002-0000000000000009.snap") << "not this";
  std::ofstream(Member() + "/snap/0000000000000009.snap.db") << "nor this";
  EXPECT_EQ(Judge(), "snapshot snapshot");
}

TEST_F(VerifyTest, RefusesADirectoryInUseAndWhatIsNone) {
  const auto lock = *disk_.Open(Member() + "/LOCK", io::OpenMode::kCreate);
  ASSERT_TRUE(*lock->TryLock());
  EXPECT_THAT(Judge(), testing::HasSubstr("in use by a running member; stop it first"));
  ASSERT_TRUE(io::RemoveTree(disk_, Data()).ok());
  EXPECT_THAT(Judge(), testing::HasSubstr("no data directory"));
}

}  // namespace
}  // namespace quorate::offline
