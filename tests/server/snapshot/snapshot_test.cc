#include <gtest/gtest.h>

#include <map>

#include "base/digest.h"
#include "bolt/reader.h"
#include "sim/disk.h"
#include "snapshot/buckets.h"
#include "snapshot/conf_state.h"
#include "snapshot/export.h"
#include "snapshot/import.h"
#include "snapshot/snap_file.h"
#include "storage/memory_backend.h"

namespace quorate::snapshot {
namespace {

using storage::Family;
using Rows = std::map<std::string, std::map<std::string, std::string>>;

std::string RevisionRow(std::uint64_t main, bool tombstone = false) {
  std::string row;
  AppendBigEndian64(row, main);
  row += '_';
  AppendBigEndian64(row, 0);
  if (tombstone) row += 't';
  return row;
}

std::string Number(std::uint64_t number) {
  std::string bytes;
  AppendBigEndian64(bytes, number);
  return bytes;
}

Rows EtcdRows() {
  return {
      {"alarm", {{"\x08\x05\x10\x01", ""}}},
      {"auth", {{"authEnabled", std::string(1, '\0')}, {"authRevision", Number(3)}}},
      {"authRoles", {{"root", "role"}}},
      {"authUsers", {{"root", "user"}}},
      {"cluster", {{"clusterVersion", "3.6.0"}}},
      {"key", {{RevisionRow(2), "two"}, {RevisionRow(3, true), "three"}}},
      {"lease", {{Number(77), "lease"}}},
      {"members",
       {{"5", R"({"id":5,"peerURLs":["http://a:1"],"name":"a"})"},
        {"6", R"({"id":6,"peerURLs":["http://b:1"],"isLearner":true})"}}},
      {"members_removed", {{"7", "removed"}}},
      {"meta",
       {{"confState", R"({"voters":[5],"learners":[6],"auto_leave":false})"},
        {"consistent_index", Number(40)},
        {"storageVersion", "3.6.0"},
        {"term", Number(4)}}},
  };
}

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() { EXPECT_TRUE(disk_.MakeDirectories("member/snap").ok()); }

  void WriteDatabase(const Rows& rows, const std::string& path = kDatabase) {
    const auto layout = bolt::WriteFile(disk_, path, [&](bolt::Writer& writer) -> Status {
      for (const auto& [bucket, entries] : rows) {
        TRY(writer.BeginBucket(bucket));
        for (const auto& [key, value] : entries) TRY(writer.Put(key, value));
      }
      return {};
    });
    ASSERT_TRUE(layout.ok());
  }
  Rows ReadDatabase(const std::string& path) {
    Rows rows;
    auto reader = bolt::Reader::Open(disk_, path);
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    if (!reader.ok()) return rows;
    for (const bolt::Bucket& bucket : (*reader)->buckets()) {
      auto& entries = rows[bucket.name];
      bolt::Cursor cursor(**reader, bucket);
      while (*cursor.Next()) entries.emplace(cursor.key(), cursor.value());
    }
    return rows;
  }
  Result<std::optional<Imported>> TakeOver(std::uint64_t newest_mark = 0) {
    return TakeOverEtcd(disk_, "member", {{}, LogIndex{newest_mark}, Term{4}}, store_);
  }

  static constexpr const char* kDatabase = "member/snap/db";

  sim::Disk disk_{1};
  std::shared_ptr<storage::MemoryStorage> memory_ = std::make_shared<storage::MemoryStorage>();
  storage::MemoryBackend store_{memory_};
};

TEST_F(SnapshotTest, EveryBucketComesInAndGoesOutUnchanged) {
  WriteDatabase(EtcdRows());
  const auto imported = ImportDatabase(disk_, kDatabase, store_, std::nullopt);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_EQ(imported->position, (storage::LogPosition{LogIndex{40}, Term{4}}));
  EXPECT_EQ(store_.position(), imported->position);
  EXPECT_EQ(store_.FlushedIndex(), LogIndex{40});
  EXPECT_EQ(imported->conf_state.voters, std::vector{MemberId{5}});
  EXPECT_EQ(imported->conf_state.learners, std::vector{MemberId{6}});
  EXPECT_TRUE(imported->ignored.empty());

  ASSERT_TRUE(WriteFile(*store_.NewView(), disk_, "out", false).ok());
  EXPECT_EQ(ReadDatabase("out"), EtcdRows());
}

TEST_F(SnapshotTest, TheStreamIsAsLongAsWasMeasured) {
  WriteDatabase(EtcdRows());
  ASSERT_TRUE(ImportDatabase(disk_, kDatabase, store_, std::nullopt).ok());
  const auto view = store_.NewView();
  const bolt::Layout layout = *Measure(*view);
  std::string stream;
  ASSERT_TRUE(Write(*view, layout, [&](quorate::Bytes bytes) -> Status {
                stream += AsText(bytes);
                return {};
              }).ok());
  EXPECT_EQ(stream.size(), layout.bytes());

  EXPECT_EQ(*WriteFile(*view, disk_, "saved", true), Sha256::Of(stream));
  EXPECT_EQ(*io::ReadFile(disk_, "saved"), stream + Sha256::Of(stream));
}

TEST_F(SnapshotTest, AnEmptyStoreIsAFileWithEveryBucket) {
  ASSERT_TRUE(WriteFile(*store_.NewView(), disk_, "out", false).ok());
  const Rows rows = ReadDatabase("out");
  EXPECT_EQ(rows.size(), kBuckets.size());
  EXPECT_EQ(rows.at("meta").at("storageVersion"), "3.6.0");
}

TEST_F(SnapshotTest, ImportReplacesWhatWasThere) {
  storage::Batch batch;
  batch.Put(Family::kRev, RevisionRow(9), "old");
  batch.Put(Family::kAuth, "u/old", "user");
  ASSERT_TRUE(store_.Commit(batch, {LogIndex{7}, Term{1}}).ok());
  WriteDatabase(EtcdRows());
  ASSERT_TRUE(ImportDatabase(disk_, kDatabase, store_, std::nullopt).ok());
  ASSERT_TRUE(WriteFile(*store_.NewView(), disk_, "out", false).ok());
  EXPECT_EQ(ReadDatabase("out"), EtcdRows());
}

TEST_F(SnapshotTest, MembersAreDerivedWhenTheFileDoesNotName) {
  Rows rows = EtcdRows();
  rows["meta"].erase("confState");
  WriteDatabase(rows);
  EXPECT_EQ(ImportDatabase(disk_, kDatabase, store_, std::nullopt)->conf_state,
            (raft::ConfState{{MemberId{5}}, {MemberId{6}}, {}, {}, false}));
  std::string text;
  EXPECT_TRUE(*store_.Get(Family::kMeta, storage::kConfState, &text));
  EXPECT_EQ(text, R"({"voters":[5],"learners":[6],"auto_leave":false})");
}

// etcdutl's restore replaces the members bucket and leaves the old cluster's confState.
TEST_F(SnapshotTest, AConfStateOfOtherMembersIsNotBelieved) {
  Rows rows = EtcdRows();
  rows["meta"]["confState"] = R"({"voters":[99],"auto_leave":false})";
  WriteDatabase(rows);
  EXPECT_EQ(ImportDatabase(disk_, kDatabase, store_, std::nullopt)->conf_state,
            (raft::ConfState{{MemberId{5}}, {MemberId{6}}, {}, {}, false}));
}

TEST_F(SnapshotTest, AMarkAtTheDatabasesIndexNamesTheMembers) {
  WriteDatabase(EtcdRows());
  const raft::ConfState state{{MemberId{5}, MemberId{6}}, {}, {}, {}, false};
  const auto imported = TakeOverEtcd(disk_, "member", {state, LogIndex{40}, Term{4}}, store_);
  EXPECT_EQ((*imported)->conf_state, state);
}

TEST_F(SnapshotTest, UnknownBucketsAreNamed) {
  Rows rows = EtcdRows();
  rows["future"]["a"] = "b";
  WriteDatabase(rows);
  EXPECT_EQ(ImportDatabase(disk_, kDatabase, store_, std::nullopt)->ignored,
            std::vector<std::string>{"future"});
}

TEST_F(SnapshotTest, AFileThatIsNotEtcdsIsRefusedAndTheStoreUntouched) {
  storage::Batch batch;
  batch.Put(Family::kRev, RevisionRow(9), "old");
  ASSERT_TRUE(store_.Commit(batch, {LogIndex{7}, Term{1}}).ok());
  std::vector<Rows> bad(5, EtcdRows());
  bad[0].erase("key");
  bad[1]["key"]["short"] = "x";
  bad[2]["meta"]["consistent_index"] = "4";
  bad[3]["members"]["5"] = "no json";
  bad[4]["key"][RevisionRow(std::uint64_t{1} << 63U)] = "below zero";
  for (const Rows& rows : bad) {
    WriteDatabase(rows);
    EXPECT_EQ(ImportDatabase(disk_, kDatabase, store_, std::nullopt).error().code, Code::kDataLoss);
    EXPECT_EQ(store_.position().index, LogIndex{7});
  }
}

// A database that ends at 40 but was sent as of 41 would be a state without entry 41, for ever.
TEST_F(SnapshotTest, ADatabaseThatEndsBeforeItsSnapshotIsRefused) {
  WriteDatabase(EtcdRows());
  const auto imported = ImportDatabase(disk_, kDatabase, store_, std::nullopt, LogIndex{41});
  ASSERT_FALSE(imported.ok());
  EXPECT_EQ(imported.error().code, Code::kDataLoss);
  EXPECT_EQ(store_.position().index, LogIndex{0});
  EXPECT_TRUE(ImportDatabase(disk_, kDatabase, store_, std::nullopt, LogIndex{40}).ok());
}

TEST_F(SnapshotTest, ADirectoryIsTakenOverOnce) {
  EXPECT_FALSE(TakeOver()->has_value());
  WriteDatabase(EtcdRows());
  EXPECT_EQ((*TakeOver())->position.index, LogIndex{40});
  EXPECT_FALSE(*io::Exists(disk_, kDatabase));
  EXPECT_TRUE(*io::Exists(disk_, "member/snap/db.imported"));
  EXPECT_FALSE(TakeOver()->has_value());
}

TEST_F(SnapshotTest, AnInterruptedTakeOverIsBegunAgain) {
  WriteDatabase(EtcdRows());
  disk_.Inject({sim::Operation::kRename, kDatabase});
  int interruptions = 0;
  // Each read fails once, one after the other; then the rename does.
  for (int skip = 0; store_.position().index == LogIndex{}; ++skip) {
    disk_.Inject({sim::Operation::kRead, kDatabase, Code::kDataLoss, skip});
    EXPECT_FALSE(TakeOver().ok());
    ++interruptions;
  }
  EXPECT_GT(interruptions, 5);
  disk_.ClearFaults();
  // The store has it now; only the name is left to change.
  storage::MemoryBackend restarted(memory_);
  EXPECT_EQ(restarted.position().index, LogIndex{40});
  EXPECT_FALSE(TakeOverEtcd(disk_, "member", {}, restarted)->has_value());
  EXPECT_FALSE(*io::Exists(disk_, kDatabase));
}

// etcd was stopped after it had received a snapshot and marked it in its log, before it installed
// it.
TEST_F(SnapshotTest, AReceivedDatabaseOfTheNewestMarkIsTakenInstead) {
  WriteDatabase(EtcdRows());
  Rows newer = EtcdRows();
  newer["meta"]["consistent_index"] = Number(90);
  WriteDatabase(newer, "member/snap/" + ReceivedFileName(LogIndex{90}));
  EXPECT_EQ((*TakeOver(90))->position.index, LogIndex{90});
}

TEST_F(SnapshotTest, ASnapFileNamesTheMembersOfAnOlderDatabase) {
  Rows rows = EtcdRows();
  rows["meta"].erase("confState");
  WriteDatabase(rows);
  const raft::ConfState state{{MemberId{5}, MemberId{8}}, {}, {}, {}, false};
  const raft::Snapshot snapshot{raft::Payload("{}"), {state, LogIndex{40}, Term{4}}};
  ASSERT_TRUE(io::WriteFile(disk_, "member/snap/" + SnapFileName(Term{4}, LogIndex{40}),
                            AsBytes(EncodeSnapFile(snapshot)))
                  .ok());
  EXPECT_EQ((*TakeOver())->conf_state, state);
}

TEST(SnapFileTest, NamesAndBytesAreEtcds) {
  EXPECT_EQ(SnapFileName(Term{2}, LogIndex{1000}), "0000000000000002-00000000000003e8.snap");
  EXPECT_EQ(ReceivedFileName(LogIndex{1000}), "00000000000003e8.snap.db");
  EXPECT_EQ(ParseReceivedFileName("00000000000003e8.snap.db"), LogIndex{1000});
  EXPECT_EQ(ParseReceivedFileName("db"), std::nullopt);
  const raft::Snapshot snapshot{raft::Payload("{}"),
                                {{{MemberId{1}}, {}, {}, {}, false}, LogIndex{3}, Term{2}}};
  std::string bytes = EncodeSnapFile(snapshot);
  EXPECT_EQ(*DecodeSnapFile(bytes), snapshot);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_EQ(DecodeSnapFile(bytes).error(), (Error{Code::kDataLoss, "snap: crc mismatch"}));
  EXPECT_FALSE(DecodeSnapFile("").ok());
}

TEST(ConfStateTest, IsEtcdsJson) {
  EXPECT_EQ(ToJson({{MemberId{10276657743932975437U}}, {}, {}, {}, false}),
            R"({"voters":[10276657743932975437],"auto_leave":false})");
  const raft::ConfState all{
      {MemberId{1}, MemberId{2}}, {MemberId{3}}, {MemberId{4}}, {MemberId{5}}, true};
  EXPECT_EQ(*ParseConfState(ToJson(all)), all);
  EXPECT_FALSE(ParseConfState("[]").ok());
  EXPECT_FALSE(ParseConfState(R"({"voters":["x"]})").ok());
}

}  // namespace
}  // namespace quorate::snapshot
