// The log writer alone: what it reports, and when.
#include "node/log_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "sim/disk.h"
#include "wal/reader.h"
#include "wal/segment.h"

namespace quorate::node {
namespace {

constexpr const char* kLog = "/d/wal";

// A disk whose power fails at the very moment at which a write is reported.
class LogWriterTest : public testing::Test {
 protected:
  void Start(std::uint64_t seed) {
    log_.reset();
    disk_ = std::make_unique<sim::Disk>(seed);
    ASSERT_TRUE(disk_->MakeDirectories("/d").ok());
    auto writer = wal::Writer::Create(*disk_, kLog, {MemberId{1}, ClusterId{7}},
                                      {.segment_bytes = 16384, .fill_step_bytes = 4096});
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    LogWriter::Parts parts;
    parts.writer = std::move(*writer);
    parts.disk = disk_.get();
    parts.directory = kLog;
    parts.clock = &clock_;
    parts.segments_keep = 1;
    reported_.reset();
    failed_ = false;
    log_ = std::make_unique<LogWriter>(
        std::move(parts),
        [this](std::uint64_t number, LogIndex) {
          if (!reported_ && crash_) disk_->Crash();
          reported_ = number;
        },
        [this](const Error&) { failed_ = true; });
  }
  void Write(std::uint64_t number) {
    Submit(number, false);
    log_->RunOnce(std::chrono::nanoseconds(0));
  }
  void Submit(std::uint64_t number, bool lone) {
    LogWrite write;
    write.lone = lone;
    write.number = number;
    write.hard_state = raft::HardState{Term{3}, MemberId{2}, LogIndex{0}};
    write.entries.push_back(
        {raft::EntryType::kNormal, Term{3}, LogIndex{1}, raft::Payload(std::string(3000, 'x'))});
    log_->Submit(std::move(write));
  }
  // As many writes as it takes; each sync takes `took`.
  void WriteMany(std::chrono::nanoseconds took, int count) {
    clock_.took = took;
    for (int i = 0; i < count; ++i) Write(1);
  }
  bool LeavesToTheLoop() {
    Submit(2, true);
    const bool left = log_->left_to_loop();
    if (left) log_->RunLeft();
    log_->RunOnce(std::chrono::nanoseconds(0));
    return left;
  }

  // Between two looks at it so much passes.
  struct SyncClock final : io::Clock {
    Instant Now() const override { return now += took; }
    std::chrono::system_clock::time_point WallNow() const override { return {}; }
    mutable Instant now;
    std::chrono::nanoseconds took{0};
  };

  bool crash_ = true;  // the power fails at the first report
  SyncClock clock_;
  std::unique_ptr<sim::Disk> disk_;
  std::unique_ptr<LogWriter> log_;
  std::optional<std::uint64_t> reported_;
  bool failed_ = false;
};

TEST_F(LogWriterTest, WhatIsReportedSurvivesAPowerLossAtThatMoment) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Start(seed);
    Write(5);
    ASSERT_EQ(reported_, 5U);
    const auto contents = wal::Replay(*disk_, kLog, {});
    ASSERT_TRUE(contents.ok()) << "seed " << seed << ": " << contents.error().message;
    ASSERT_EQ(contents->entries.size(), 1U) << "seed " << seed;
    EXPECT_EQ(contents->hard_state.vote, MemberId{2}) << "seed " << seed;
  }
}

TEST_F(LogWriterTest, WhatTheDiskRefusedIsNotReportedAndEndsIt) {
  Start(1);
  disk_->Inject({.operation = sim::Operation::kSync, .path_part = "/wal"});
  Write(5);
  EXPECT_TRUE(failed_);
  Write(6);
  EXPECT_EQ(reported_, std::nullopt);
}

TEST_F(LogWriterTest, SegmentsGoOnlyOnceTheMarkThatReplacesThemIsDurable) {
  crash_ = false;
  Start(1);
  for (std::uint64_t index = 1; index <= 30; ++index) {
    LogWrite write;
    write.number = index;
    write.entries.push_back({raft::EntryType::kNormal, Term{3}, LogIndex{index},
                             raft::Payload(std::string(3000, 'x'))});
    log_->Submit(std::move(write));
    log_->RunOnce(std::chrono::nanoseconds(0));
  }
  const std::size_t segments = wal::ListSegments(*disk_, kLog)->size();
  ASSERT_GT(segments, 4U);
  disk_->Inject({.operation = sim::Operation::kSync, .path_part = "/wal"});
  LogWrite release;
  release.mark = wal::SnapshotMark{LogIndex{30}, Term{3}, {}};
  release.release = LogIndex{30};
  log_->Submit(std::move(release));
  log_->RunOnce(std::chrono::nanoseconds(0));
  EXPECT_TRUE(failed_);
  EXPECT_EQ(wal::ListSegments(*disk_, kLog)->size(), segments);
}

TEST_F(LogWriterTest, ALoneWriteIsLeftToTheLoopWhileTheDiskIsQuick) {
  crash_ = false;
  Start(1);
  log_->OfferLoop();
  WriteMany(std::chrono::microseconds(200), 31);
  EXPECT_FALSE(LeavesToTheLoop());
  EXPECT_TRUE(LeavesToTheLoop());
  EXPECT_EQ(reported_, 2U);
  // The first slow sync takes 32 quick ones to forget, the next one 64.
  WriteMany(std::chrono::seconds(1), 1);
  WriteMany(std::chrono::microseconds(200), 31);
  EXPECT_FALSE(LeavesToTheLoop());
  EXPECT_TRUE(LeavesToTheLoop());
  WriteMany(std::chrono::seconds(1), 1);
  WriteMany(std::chrono::microseconds(200), 63);
  EXPECT_FALSE(LeavesToTheLoop());
  EXPECT_TRUE(LeavesToTheLoop());
}

TEST_F(LogWriterTest, NothingIsLeftToALoopThatDidNotOfferItself) {
  crash_ = false;
  Start(1);
  WriteMany(std::chrono::microseconds(200), 200);
  EXPECT_FALSE(LeavesToTheLoop());
}

}  // namespace
}  // namespace quorate::node
