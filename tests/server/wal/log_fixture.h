// LogFixture: a write-ahead log on a simulated disk, in few words.
#pragma once

#include <gtest/gtest.h>

#include "sim/disk.h"
#include "wal/reader.h"
#include "wal/record.h"
#include "wal/repair.h"
#include "wal/writer.h"

namespace quorate::wal {

inline constexpr Metadata kOwner{MemberId{0x8e9e05c52164694d}, ClusterId{0xcdf818194e3a8c32}};

inline raft::Entry MakeEntry(std::uint64_t index, std::uint64_t term, std::string data) {
  return raft::Entry{raft::EntryType::kNormal, Term{term}, LogIndex{index},
                     raft::Payload(std::move(data))};
}

inline raft::HardState MakeState(std::uint64_t term, std::uint64_t commit) {
  return raft::HardState{Term{term}, MemberId{7}, LogIndex{commit}};
}

inline SnapshotMark MakeMark(std::uint64_t index, std::uint64_t term) {
  return {LogIndex{index}, Term{term}, raft::ConfState{{MemberId{7}}, {}, {}, {}, false}};
}

class LogFixture : public testing::Test {
 protected:
  explicit LogFixture(std::uint64_t seed = 1) : disk_(seed) {
    EXPECT_TRUE(disk_.MakeDirectories("member").ok());
  }

  void Create(WriterOptions options = {kSegmentBytes, 4096}) {
    auto writer = Writer::Create(disk_, kDirectory, kOwner, options);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    writer_ = std::move(*writer);
  }

  // Appends entries first..last of a term, each with a few bytes, and a state that commits them.
  void Append(std::uint64_t first, std::uint64_t last, std::uint64_t term, std::size_t bytes = 20) {
    std::vector<raft::Entry> entries;
    for (std::uint64_t index = first; index <= last; ++index) {
      entries.push_back(MakeEntry(
          index, term,
          "t" + std::to_string(term) + "i" + std::to_string(index) + std::string(bytes, 'x')));
    }
    const raft::HardState state = MakeState(term, last);
    writer_->Append(entries, &state);
  }

  Result<Contents> Read(std::uint64_t index = 0, std::uint64_t term = 0) {
    return Replay(disk_, kDirectory, SnapshotMark{LogIndex{index}, Term{term}, std::nullopt});
  }

  // Replay, repair if needed, and a writer that goes on.
  Result<Contents> TryReopen(WriterOptions options) {
    writer_.reset();
    Contents contents = TRY(Read());
    if (contents.torn) TRY(RepairTail(disk_, *contents.torn));
    writer_ = TRY(Writer::Open(disk_, kDirectory, contents, options));
    return contents;
  }
  Contents Reopen(WriterOptions options = {kSegmentBytes, 4096}) {
    auto contents = TryReopen(options);
    EXPECT_TRUE(contents.ok()) << contents.error().message;
    return contents.ok() ? std::move(*contents) : Contents{};
  }

  std::string Path(std::uint64_t sequence, std::uint64_t index) {
    return io::JoinPath(kDirectory, ToFileName({sequence, LogIndex{index}}));
  }
  std::string Bytes(const std::string& path) { return *io::ReadFile(disk_, path); }

  static constexpr const char* kDirectory = "member/wal";

  sim::Disk disk_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace quorate::wal
