// What a start makes of the log on disk beside the store.
#include "app/replay.h"

#include "sim/disk.h"
#include "storage/memory_backend.h"
#include "wal/segment.h"
#include "wal/writer.h"

namespace quorate::app {
namespace {

constexpr const char* kLog = "member/wal";
constexpr wal::WriterOptions kOptions{std::uint64_t{1} << 20U, 4096};

class ReplayTest : public testing::Test {
 protected:
  // Five synced entries; the third is mostly zeros.
  void SetUp() override {
    ASSERT_TRUE(disk_.MakeDirectories("member/snap").ok());
    auto writer = wal::Writer::Create(disk_, kLog, {MemberId{1}, ClusterId{2}}, kOptions);
    ASSERT_TRUE(writer.ok());
    for (std::uint64_t index = 1; index <= 5; ++index) {
      const std::string data = index == 3 ? std::string(2000, '\0') + "tail" : "data";
      const raft::Entry entry{raft::EntryType::kNormal, Term{1}, LogIndex{index},
                              raft::Payload(data)};
      const raft::HardState state{Term{1}, MemberId{1}, LogIndex{index - 1}};
      (*writer)->Append(std::span(&entry, 1), &state);
      ASSERT_TRUE((*writer)->Sync().ok());
    }
  }
  std::string Bytes() { return *io::ReadFile(disk_, Path()); }
  static std::string Path() { return io::JoinPath(kLog, wal::ToFileName({0, LogIndex{}})); }
  // More than one bit of the third entry, so that no checksum can tell it from a torn write.
  void DamageTheThird() {
    const std::size_t tail = Bytes().find("tail");
    disk_.Damage(Path(), tail, 0x21);
    disk_.Damage(Path(), tail + 2, 0x14);
  }
  Result<Replayed> Replay(std::uint64_t applied) {
    storage::MemoryBackend store(std::make_shared<storage::MemoryStorage>());
    if (applied > 0) {
      EXPECT_TRUE(store.Commit(storage::Batch{}, {LogIndex{applied}, Term{1}}).ok());
    }
    return ReplayLog(disk_, kLog, "member/snap", store, kOptions);
  }

  sim::Disk disk_{1};
};

TEST_F(ReplayTest, ATornTailIsCut) {
  DamageTheThird();
  const auto replayed = Replay(2);
  ASSERT_TRUE(replayed.ok()) << replayed.error().message;
  EXPECT_EQ(replayed->start.entries.size(), 2U);
}

// Damage that looks like a torn write was cut away before anybody noticed that the store had
// applied entries behind it.
TEST_F(ReplayTest, WhatTheStoreHasAppliedIsNoTornTailAndNothingIsCut) {
  DamageTheThird();
  const std::string before = Bytes();
  const auto replayed = Replay(4);
  ASSERT_FALSE(replayed.ok());
  EXPECT_EQ(replayed.error().code, Code::kDataLoss);
  EXPECT_NE(replayed.error().message.find("add it anew"), std::string::npos);
  EXPECT_EQ(Bytes(), before);
}

// The leader of two voters was removed, applied that and lost power before the other heard that it
// is committed. Without the removed one's vote the other could never lead.
TEST(RemovedForGoodTest, OfTwoVotersTheRemovedOneStartsForTheOtherMayNeedItsVote) {
  membership::Roster roster;
  roster.removed.insert(MemberId{1});
  EXPECT_FALSE(RemovedForGood(roster, MemberId{1}, {.voters = {MemberId{2}}}));
  EXPECT_TRUE(RemovedForGood(roster, MemberId{1}, {.voters = {MemberId{2}, MemberId{3}}}));
  EXPECT_FALSE(RemovedForGood(roster, MemberId{2}, {.voters = {MemberId{2}, MemberId{3}}}));
}

}  // namespace
}  // namespace quorate::app
