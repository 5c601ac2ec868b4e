// Power fails at a chosen change of the disk, again and again: every synced record is still there,
// nothing else than what was appended is, and no start needs a person.
#include "server/wal/log_fixture.h"

namespace quorate::wal {
namespace {

constexpr WriterOptions kSmall{6000, 1500};

// What a replay shows.
struct Log {
  std::vector<raft::Entry> entries;
  raft::HardState state;

  bool operator==(const Log&) const = default;
};

class WalCrashTest : public LogFixture, public testing::WithParamInterface<std::uint64_t> {
 protected:
  WalCrashTest() : LogFixture(GetParam()), prng_(GetParam() + 1000) {}

  // One life of the process: start, write until the machine stops.
  void Live() {
    disk_.StopAfter(1 + prng_.Below(100));
    Status status;
    if (created_) {
      auto contents = TryReopen(kSmall);
      if (!contents.ok()) {
        ASSERT_EQ(contents.error().code, Code::kUnavailable) << contents.error().message;
        return;
      }
      // What a start has seen, it may have promised to others.
      possible_ = {Log{contents->entries, contents->hard_state}};
    } else {
      auto writer = Writer::Create(disk_, kDirectory, kOwner, kSmall);
      if (!writer.ok()) return;
      writer_ = std::move(*writer);
      created_ = true;
    }
    while (status.ok()) status = WriteSome();
  }

  Status WriteSome() {
    Log log = possible_.back();
    if (prng_.Chance(100) && !log.entries.empty()) {
      // A new leader takes back what was not committed.
      ++term_;
      log.entries.resize(log.entries.size() - std::min<std::size_t>(log.entries.size(), 2));
    }
    const raft::HardState state = MakeState(term_, log.entries.size());
    std::vector<raft::Entry> entries;
    for (std::uint64_t n = 1 + prng_.Below(4); n > 0; --n) {
      entries.push_back(
          MakeEntry(log.entries.size() + 1, term_, std::string(1 + prng_.Below(900), 'e')));
      log.entries.push_back(entries.back());
      possible_.push_back(log);
    }
    log.state = state;
    possible_.push_back(log);
    writer_->Append(entries, &state);
    if (prng_.Chance(300)) TRY(writer_->PrepareSpare());
    TRY(prng_.Chance(200) ? writer_->Write() : writer_->Sync());
    if (writer_->unsynced_bytes() == 0) possible_.erase(possible_.begin(), possible_.end() - 1);
    return {};
  }

  void Die() {
    writer_.reset();
    if (prng_.Chance(300)) {
      disk_.Kill();
    } else {
      disk_.Crash();
    }
  }

  // The states the log may be in, oldest first: all since the last sync, record by record.
  std::vector<Log> possible_{Log{}};
  std::uint64_t term_ = 1;
  bool created_ = false;
  sim::Prng prng_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, WalCrashTest, testing::Range<std::uint64_t>(0, 300));

TEST_P(WalCrashTest, EverySyncedRecordSurvivesAndNothingIsInvented) {
  for (int life = 0; life < 6; ++life) {
    Live();
    if (HasFatalFailure()) return;
    Die();
    if (!*HasLog(disk_, kDirectory)) {
      ASSERT_FALSE(created_);
      continue;
    }
    created_ = true;
    auto contents = Read();
    ASSERT_TRUE(contents.ok()) << contents.error().message;
    const Log left{std::move(contents->entries), contents->hard_state};
    const auto found = std::find(possible_.begin(), possible_.end(), left);
    ASSERT_TRUE(found != possible_.end()) << "life " << life;
    // Reading makes nothing durable: until a writer has opened, there may still be less.
    possible_.erase(found + 1, possible_.end());
    term_ = std::max(term_, left.state.term.value) + 1;
  }
}

// A process that dies between the rename of a new segment and the sync of its name leaves a name
// that the kernel shows and the disk does not have.
TEST_P(WalCrashTest, ASegmentNamedByAnEarlierLifeIsDurableBeforeItIsWrittenTo) {
  Create(kSmall);
  disk_.Inject({sim::Operation::kSyncDirectory, kDirectory});
  Append(1, 20, 1, 400);
  ASSERT_FALSE(writer_->Sync().ok());
  writer_.reset();
  disk_.Kill();
  ASSERT_EQ(Reopen(kSmall).entries.size(), 20U);
  Append(21, 21, 1);
  ASSERT_TRUE(writer_->Sync().ok());
  writer_.reset();
  disk_.Crash();
  EXPECT_EQ(Reopen(kSmall).entries.size(), 21U);
}

// The same for the log's own folder.
TEST_P(WalCrashTest, ALogNamedByAnEarlierLifeIsDurableBeforeItIsWrittenTo) {
  disk_.Inject({.operation = sim::Operation::kSyncDirectory, .path_part = "member", .skip = 1});
  ASSERT_FALSE(Writer::Create(disk_, kDirectory, kOwner, kSmall).ok());
  disk_.Kill();
  ASSERT_TRUE(*HasLog(disk_, kDirectory));
  Reopen(kSmall);
  Append(1, 1, 1);
  ASSERT_TRUE(writer_->Sync().ok());
  writer_.reset();
  disk_.Crash();
  EXPECT_EQ(Reopen(kSmall).entries.size(), 1U);
}

TEST_P(WalCrashTest, ARepairAndItsCopySurviveAPowerLoss) {
  Create(kSmall);
  Append(1, 5, 1, 300);
  ASSERT_TRUE(writer_->Sync().ok());
  const std::string path = Path(0, 0);
  const std::uint64_t size = Read()->tail.offset - 3;
  writer_.reset();
  auto file = *disk_.Open(path, io::OpenMode::kReadWrite);
  ASSERT_TRUE(file->Truncate(size).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(RepairTail(disk_, Read()->torn.value()).ok());
  disk_.Crash();
  EXPECT_EQ(io::ReadFile(disk_, path + ".broken").value().size(), size);
  EXPECT_FALSE(Read()->torn.has_value());
}

}  // namespace
}  // namespace quorate::wal
