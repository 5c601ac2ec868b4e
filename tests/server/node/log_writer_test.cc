// The log writer alone: what it reports, and when.
#include "node/log_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "sim/disk.h"
#include "wal/reader.h"

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
    reported_.reset();
    failed_ = false;
    log_ = std::make_unique<LogWriter>(
        std::move(parts),
        [this](std::uint64_t number, LogIndex) {
          if (!reported_) disk_->Crash();
          reported_ = number;
        },
        [this](const Error&) { failed_ = true; });
  }
  void Write(std::uint64_t number) {
    LogWrite write;
    write.number = number;
    write.hard_state = raft::HardState{Term{3}, MemberId{2}, LogIndex{0}};
    write.entries.push_back(
        {raft::EntryType::kNormal, Term{3}, LogIndex{1}, raft::Payload(std::string(3000, 'x'))});
    log_->Submit(std::move(write));
    log_->RunOnce(std::chrono::nanoseconds(0));
  }

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

}  // namespace
}  // namespace quorate::node
