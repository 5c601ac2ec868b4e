#include "offline/restore.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "bolt/reader.h"
#include "bolt/writer.h"
#include "membership/ids.h"
#include "offline/snapshot_status.h"
#include "sim/disk.h"
#include "wal/reader.h"
#include "wal/segment.h"
#include "wire/raftpb.h"

namespace quorate::offline {
namespace {

std::string Row(std::uint64_t main) {
  std::string row;
  AppendBigEndian64(row, main);
  return row + "_" + std::string(8, '\0');
}

using Buckets = std::map<std::string, std::map<std::string, std::string>>;

class RestoreTest : public testing::Test {
 protected:
  RestoreTest() {
    Save({{"alarm", {{"\x08\x05\x10\x01", ""}, {"\x08\x05\x10\x02", ""}}},
          {"auth", {{"authRevision", "12345678"}}},
          {"key",
           {{Row(2),
             "\x0a\x01"
             "a"},
            {Row(3),
             "\x0a\x01"
             "b"},
            {Row(7),
             "\x0a\x01"
             "a"}}},
          {"members", {{"5", R"({"id":5,"peerURLs":["http://old:1"],"name":"old"})"}}},
          {"members_removed", {{"6", "removed"}}},
          {"meta",
           {{"confState", R"({"voters":[5],"auto_leave":false})"}, {"storageVersion", "3.6.0"}}}});
    options_.name = "b";
    options_.initial_cluster = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380";
    options_.initial_advertise_peer_urls = "http://10.0.0.2:2380";
    options_.initial_cluster_token = "token";
    options_.data_directory = "data";
  }

  void Save(const Buckets& buckets, bool digest = true) {
    const auto layout = bolt::WriteFile(disk_, "saved", [&](bolt::Writer& writer) -> Status {
      for (const auto& [bucket, rows] : buckets) {
        TRY(writer.BeginBucket(bucket));
        for (const auto& [key, value] : rows) TRY(writer.Put(key, value));
      }
      return {};
    });
    ASSERT_TRUE(layout.ok());
    if (!digest) return;
    const std::string bytes = *io::ReadFile(disk_, "saved");
    ASSERT_TRUE(io::WriteFile(disk_, "saved", AsBytes(bytes + Sha256::Of(bytes))).ok());
  }
  Buckets ReadDatabase() {
    Buckets buckets;
    const auto reader = *bolt::Reader::Open(disk_, "data/member/snap/db");
    for (const bolt::Bucket& bucket : reader->buckets()) {
      auto& rows = buckets[bucket.name];
      bolt::Cursor cursor(*reader, bucket);
      while (*cursor.Next()) rows.emplace(cursor.key(), cursor.value());
    }
    return buckets;
  }
  Result<Restored> Restore() { return RestoreSnapshot(disk_, "saved", options_); }
  std::string Refusal() {
    const auto restored = Restore();
    return restored.ok() ? "restored" : restored.error().message;
  }

  const MemberId a_ = membership::MakeMemberId({"http://10.0.0.1:2380"}, "token");
  const MemberId b_ = membership::MakeMemberId({"http://10.0.0.2:2380"}, "token");
  sim::Disk disk_{1};
  RestoreOptions options_;
};

TEST_F(RestoreTest, TheDatabaseKeepsTheHistoryAndForgetsTheOldCluster) {
  const auto restored = Restore();
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(restored->self, b_);
  EXPECT_EQ(restored->revision, 7);
  const Buckets rows = ReadDatabase();
  EXPECT_EQ(rows.at("key").size(), 3U);
  EXPECT_EQ(rows.at("auth").size(), 1U);
  EXPECT_EQ(rows.at("members").size(), 2U);
  EXPECT_TRUE(rows.at("members").contains(ToHex(b_.value)));
  EXPECT_TRUE(rows.at("members_removed").empty());
  // NOSPACE would block the new cluster; CORRUPT is still true.
  EXPECT_EQ(rows.at("alarm").size(), 1U);
  EXPECT_EQ(rows.at("meta").at("consistent_index"), std::string(7, '\0') + '\2');
  EXPECT_EQ(rows.at("meta").at("term"), std::string(7, '\0') + '\1');
  EXPECT_EQ(rows.at("meta").at("storageVersion"), "3.6.0");
  EXPECT_EQ(rows.at("meta").at("confState"),
            "{\"voters\":[" + std::to_string(std::min(a_, b_).value) + "," +
                std::to_string(std::max(a_, b_).value) + "],\"auto_leave\":false}");
}

TEST_F(RestoreTest, TheLogAddsEveryMember) {
  const Restored restored = *Restore();
  const auto marks = *wal::ValidSnapshots(disk_, "data/member/wal");
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[1].index, LogIndex{2});
  EXPECT_EQ(marks[1].term, Term{1});
  EXPECT_EQ(marks[1].conf_state->voters.size(), 2U);
  const auto contents = *wal::Replay(disk_, "data/member/wal", marks[0]);
  EXPECT_EQ(contents.metadata, (wal::Metadata{b_, restored.cluster}));
  EXPECT_EQ(contents.hard_state, (raft::HardState{Term{1}, std::min(a_, b_), LogIndex{2}}));
  ASSERT_EQ(contents.entries.size(), 2U);
  const auto change = *wire::DecodeConfChange(contents.entries[0].data.view());
  EXPECT_EQ(change.member, std::min(a_, b_));
  EXPECT_EQ(membership::ParseMember(change.context)->id, change.member);
}

TEST_F(RestoreTest, ABumpMovesTheRevisionAndSchedulesTheCompaction) {
  options_.bump_revision = 1000;
  EXPECT_EQ(Refusal(), "--mark-compacted required if --revision-bump > 0");
  options_.mark_compacted = true;
  EXPECT_EQ(Restore()->revision_bumped, 1007);
  const Buckets rows = ReadDatabase();
  EXPECT_EQ(rows.at("key").rbegin()->first, Row(1007));
  EXPECT_EQ(rows.at("key").rbegin()->second, "");
  EXPECT_EQ(rows.at("meta").at("scheduledCompactRev"), Row(1007));
}

TEST_F(RestoreTest, ABumpThatWouldWrapIsRefused) {
  options_.bump_revision = ~std::uint64_t{0};
  options_.mark_compacted = true;
  EXPECT_EQ(Refusal(), "--bump-revision is too large");
}

TEST_F(RestoreTest, RefusesInEtcdutlsWords) {
  options_.name = "zz";
  EXPECT_EQ(Refusal(), "couldn't find local name \"zz\" in the initial cluster configuration");
  options_.name = "b";
  ASSERT_TRUE(disk_.MakeDirectories("data/member").ok());
  EXPECT_EQ(Refusal(), "data-dir \"data\" not empty or could not be read");
  ASSERT_TRUE(disk_.Remove("data/member").ok());
  options_.wal_directory = "log";
  ASSERT_TRUE(disk_.MakeDirectories("log").ok());
  EXPECT_EQ(Refusal(), "wal-dir \"log\" exists");
  options_.wal_directory.clear();

  disk_.Damage("saved", 9000, 1);
  EXPECT_EQ(Refusal().substr(0, 17), "expected sha256 [");
  Save({{"key", {}}}, false);
  EXPECT_EQ(Refusal(), "snapshot missing hash but --skip-hash-check=false");
  options_.skip_hash_check = true;
  EXPECT_EQ(Refusal(), "restored");
}

TEST_F(RestoreTest, ALogApartIsWholeBeforeTheDatabaseIsNamed) {
  options_.wal_directory = "volume/log";
  ASSERT_TRUE(Restore().ok());
  EXPECT_TRUE(*wal::HasLog(disk_, "volume/log"));
  EXPECT_FALSE(*io::Exists(disk_, "data/member/wal"));
}

TEST_F(RestoreTest, AnInterruptedRestoreIsRunAgain) {
  ASSERT_TRUE(disk_.SyncDirectory("/").ok());
  for (std::uint64_t changes = 1;; ++changes) {
    disk_.StopAfter(changes);
    const bool done = Restore().ok();
    disk_.Crash();
    if (done) break;
    ASSERT_LT(changes, 100U);
    if (!*io::Exists(disk_, "data/member")) continue;
    // The last rename may have reached the disk although its sync was not acknowledged.
    EXPECT_EQ(ReadDatabase().at("members").size(), 2U);
    ASSERT_TRUE(io::RemoveTree(disk_, "data/member").ok());
    ASSERT_TRUE(disk_.SyncDirectory("data").ok());
  }
  EXPECT_EQ(ReadDatabase().at("members").size(), 2U);
  EXPECT_EQ(wal::ValidSnapshots(disk_, "data/member/wal")->size(), 2U);
}

TEST_F(RestoreTest, StatusCountsLiveKeysAndNotTheTrailer) {
  const SnapshotStatus status = *ReadSnapshotStatus(disk_, "saved");
  EXPECT_EQ(status.revision, 7);
  EXPECT_EQ(status.keys, 2);
  EXPECT_EQ(status.size, disk_.Stat("saved")->size - 32);
  EXPECT_EQ(status.version, "3.6.0");
  EXPECT_EQ(ReadSnapshotStatus(disk_, "none").error().message,
            "stat none: no such file or directory");
}

}  // namespace
}  // namespace quorate::offline
