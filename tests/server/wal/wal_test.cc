#include "server/wal/log_fixture.h"
#include "wal/segment.h"

namespace quorate::wal {
namespace {

using WalTest = LogFixture;

std::vector<std::uint64_t> Indexes(const Contents& contents) {
  std::vector<std::uint64_t> indexes;
  for (const raft::Entry& entry : contents.entries) indexes.push_back(entry.index.value);
  return indexes;
}

TEST_F(WalTest, ANewLogIsEmptyAndItsOwn) {
  Create();
  const Contents contents = *Read();
  EXPECT_EQ(contents.metadata, kOwner);
  EXPECT_EQ(contents.hard_state, raft::HardState{});
  EXPECT_TRUE(contents.entries.empty());
  EXPECT_EQ(*ValidSnapshots(disk_, kDirectory), std::vector{SnapshotMark{}});
  EXPECT_FALSE(*io::Exists(disk_, "member/wal.tmp"));
  EXPECT_TRUE(*HasLog(disk_, kDirectory));
}

TEST_F(WalTest, ThereIsNoLogToReplayWhereNoneWasMade) {
  EXPECT_FALSE(*HasLog(disk_, kDirectory));
  EXPECT_EQ(Read().error().code, Code::kNotFound);
  ASSERT_TRUE(disk_.MakeDirectories("member/wal").ok());
  EXPECT_FALSE(*HasLog(disk_, kDirectory));
  EXPECT_EQ(Writer::Create(disk_, kDirectory, kOwner).error().code, Code::kAlreadyExists);
}

TEST_F(WalTest, ReadsBackWhatWasSynced) {
  Create();
  Append(1, 3, 1);
  writer_->Mark(MakeMark(2, 1));
  ASSERT_TRUE(writer_->Sync().ok());
  const Contents contents = *Read();
  EXPECT_EQ(Indexes(contents), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(contents.entries[0].data.view(), "t1i1xxxxxxxxxxxxxxxxxxxx");
  EXPECT_EQ(contents.hard_state, MakeState(1, 3));
  EXPECT_EQ(contents.tail.last_index, LogIndex{3});
  EXPECT_EQ(*ValidSnapshots(disk_, kDirectory), (std::vector{SnapshotMark{}, MakeMark(2, 1)}));
}

TEST_F(WalTest, AReplayBeginsBehindItsMark) {
  Create();
  Append(1, 5, 1);
  writer_->Mark(MakeMark(3, 1));
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Indexes(*Read(3, 1)), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(Read(3, 2).error().message.substr(0, 23), "wal: snapshot mismatch:");
  EXPECT_EQ(Read(4, 1).error().message, "wal: snapshot not found: index 4 in member/wal");
}

TEST_F(WalTest, AMarkBeyondTheCommittedLogIsNotValid) {
  Create();
  Append(1, 5, 1);
  writer_->Mark(MakeMark(9, 1));
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(*ValidSnapshots(disk_, kDirectory), std::vector{SnapshotMark{}});
}

// Five segments of ten entries, each with a mark at its sixth.
class NewestSnapshotsTest : public LogFixture {
 protected:
  NewestSnapshotsTest() {
    Create({4096, 4096});
    for (std::uint64_t first = 1; first <= 41; first += 10) {
      Append(first, first + 9, 1, 500);
      writer_->Mark(MakeMark(first + 5, 1));
      EXPECT_TRUE(writer_->Sync().ok());
    }
    EXPECT_GE(ListSegments(disk_, kDirectory)->size(), 4U);
  }
  std::vector<std::uint64_t> Newest(std::uint64_t reached) {
    const auto marks = NewestSnapshots(disk_, kDirectory, LogIndex{reached});
    EXPECT_TRUE(marks.ok()) << marks.error().message;
    std::vector<std::uint64_t> indexes;
    for (const SnapshotMark& mark : *marks) indexes.push_back(mark.index.value);
    return indexes;
  }
  // The newest at or below, as a start chooses it.
  static std::uint64_t Best(const std::vector<std::uint64_t>& indexes, std::uint64_t reached) {
    std::uint64_t best = 0;
    for (const std::uint64_t index : indexes) {
      if (index <= reached) best = std::max(best, index);
    }
    return best;
  }
  std::vector<std::uint64_t> All() {
    const auto marks = ValidSnapshots(disk_, kDirectory);
    std::vector<std::uint64_t> indexes;
    for (const SnapshotMark& mark : *marks) indexes.push_back(mark.index.value);
    return indexes;
  }
};

TEST_F(NewestSnapshotsTest, AStartChoosesWhatItWouldChooseOfAllMarks) {
  const auto all = All();
  EXPECT_EQ(all, (std::vector<std::uint64_t>{0, 6, 16, 26, 36, 46}));
  for (std::uint64_t reached = 0; reached <= 60; ++reached) {
    const auto newest = Newest(reached);
    EXPECT_EQ(newest.back(), all.back());
    EXPECT_EQ(Best(newest, reached), Best(all, reached)) << reached;
  }
}

TEST_F(NewestSnapshotsTest, ReadsNoSegmentInFrontOfTheMark) {
  const auto segments = *ListSegments(disk_, kDirectory);
  ASSERT_TRUE(disk_.Remove(io::JoinPath(kDirectory, ToFileName(segments[0]))).ok());
  const auto file =
      *disk_.Open(io::JoinPath(kDirectory, ToFileName(segments[1])), io::OpenMode::kTruncate);
  EXPECT_EQ(Best(Newest(50), 50), 46U);
  EXPECT_TRUE(Read(46, 1).ok());
  EXPECT_FALSE(NewestSnapshots(disk_, kDirectory, LogIndex{1}).ok());
}

TEST_F(NewestSnapshotsTest, AMarkBeyondTheCommittedLogIsNotAmongThem) {
  writer_->Mark(MakeMark(70, 1));
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Newest(100).back(), 46U);
}

TEST_F(WalTest, LaterEntriesReplaceEarlierOnesFromTheirIndexOn) {
  Create();
  Append(1, 5, 1);
  Append(3, 4, 2);
  ASSERT_TRUE(writer_->Sync().ok());
  const Contents contents = *Read();
  EXPECT_EQ(Indexes(contents), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(contents.entries[2].term, Term{2});
  EXPECT_EQ(contents.tail.last_index, LogIndex{4});
}

TEST_F(WalTest, AReceivedSnapshotMayJumpOverEntries) {
  Create();
  Append(1, 5, 1);
  writer_->Mark(MakeMark(100, 2));
  Append(101, 102, 2);
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Indexes(*Read(100, 2)), (std::vector<std::uint64_t>{101, 102}));
  // From the older mark the log has a hole.
  EXPECT_EQ(Read().error().code, Code::kDataLoss);
  EXPECT_EQ(Read().error().message.substr(0, 31), "wal: slice bounds out of range:");
}

// A follower had entries 4 to 9 of a leader that was deposed; the next leader replaced 4 to 6. The
// state machine held everything up to 6, so 6 was marked. After a restart entries 7 to 9 were back,
// of an earlier term than the mark, and the member refused its own log.
TEST_F(WalTest, WhatWasCutStaysCutThoughItsReplacementIsMarked) {
  Create();
  Append(1, 9, 1);
  Append(4, 6, 3);
  writer_->Mark(MakeMark(6, 3));
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Indexes(*Read(6, 3)), (std::vector<std::uint64_t>{}));
  EXPECT_EQ(Read(6, 3)->tail.last_index, LogIndex{6});
  Append(7, 7, 3);
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Indexes(*Read(6, 3)), (std::vector<std::uint64_t>{7}));
}

TEST_F(WalTest, AReceivedSnapshotEndsTheLogThatItDoesNotMatch) {
  Create();
  Append(1, 9, 1);
  writer_->Mark(MakeMark(6, 3));  // entry 6 of term 1 was not committed; the snapshot knows better
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Indexes(*Read(6, 3)), (std::vector<std::uint64_t>{}));
}

TEST_F(WalTest, AMarkOfItsOwnStateMachineKeepsTheEntriesBehindIt) {
  Create();
  Append(1, 9, 1);
  writer_->Mark(MakeMark(6, 1));
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Indexes(*Read(6, 1)), (std::vector<std::uint64_t>{7, 8, 9}));
}

TEST_F(WalTest, WhatWasOnlyAppendedIsNotThere) {
  Create();
  Append(1, 1, 1);
  ASSERT_TRUE(writer_->Sync().ok());
  Append(2, 2, 1);
  EXPECT_EQ(Indexes(*Read()), (std::vector<std::uint64_t>{1}));
  ASSERT_TRUE(writer_->Write().ok());
  EXPECT_GT(writer_->unsynced_bytes(), 0U);
  EXPECT_EQ(Indexes(*Read()), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(WalTest, GoesOnAfterAReopen) {
  Create();
  Append(1, 3, 1);
  ASSERT_TRUE(writer_->Sync().ok());
  const Contents before = Reopen();
  EXPECT_EQ(before.entries.size(), 3U);
  EXPECT_EQ(writer_->last_index(), LogIndex{3});
  Append(4, 4, 2);
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_EQ(Indexes(Reopen()), (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST_F(WalTest, AFullSegmentIsCutAndTheChainGoesOn) {
  const WriterOptions options{8192, 4096};
  Create(options);
  for (std::uint64_t index = 1; index <= 60; ++index) {
    ASSERT_TRUE(index % 2 == 0 || writer_->PrepareSpare().ok());
    Append(index, index, 1 + index / 40, 500);
    ASSERT_TRUE(writer_->Sync().ok());
  }
  const auto segments = *ListSegments(disk_, kDirectory);
  ASSERT_GT(segments.size(), 3U);
  const Contents contents = Reopen(options);
  EXPECT_EQ(contents.entries.size(), 60U);
  EXPECT_EQ(contents.hard_state, MakeState(2, 60));

  // A closed segment ends with its last record, and a hole in the sequence is refused.
  const std::string closed = Path(1, segments[1].first_index.value);
  EXPECT_LT(Bytes(closed).size(), 8192U + 600U);
  EXPECT_NE(Bytes(closed).substr(Bytes(closed).size() - 8), std::string(8, '\0'));
  ASSERT_TRUE(disk_.Remove(closed).ok());
  EXPECT_EQ(Read().error().code, Code::kDataLoss);
}

TEST_F(WalTest, APreparedSpareIsAllZerosAndBecomesTheNextSegment) {
  const WriterOptions options{8192, 4096};
  Create(options);
  EXPECT_FALSE(writer_->WantsSpare());  // not before the segment is half full
  Append(1, 10, 1, 500);
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_TRUE(writer_->WantsSpare());
  ASSERT_TRUE(writer_->PrepareSpare().ok());
  EXPECT_FALSE(writer_->WantsSpare());
  EXPECT_EQ(Bytes("member/wal/0.tmp"), std::string(8192, '\0'));
  Append(11, 20, 1, 500);
  ASSERT_TRUE(writer_->Sync().ok());
  EXPECT_FALSE(*io::Exists(disk_, "member/wal/0.tmp"));
  EXPECT_EQ(Bytes(Path(1, 21)).size(), 8192U);
  EXPECT_FALSE(writer_->WantsSpare());
}

// A spare was written whole and then synced: 64 MB that the log's next fdatasync queued behind.
TEST_F(WalTest, ASpareIsNeverFurtherAheadOfTheDiskThanAStep) {
  Create({8192, 4096, 1024});
  Append(1, 10, 1, 500);
  ASSERT_TRUE(writer_->Sync().ok());
  const std::uint64_t before = disk_.changes();
  ASSERT_TRUE(writer_->PrepareSpare().ok());
  EXPECT_EQ(disk_.changes() - before, 1 + 2 * 8U);  // its name, then a write and a sync a step
  EXPECT_EQ(Bytes("member/wal/0.tmp"), std::string(8192, '\0'));
}

TEST_F(WalTest, ReleasedSegmentsMayBePurgedAndNoOthers) {
  Create({4096, 4096});
  for (std::uint64_t index = 1; index <= 50; ++index) {
    Append(index, index, 1, 500);
    ASSERT_TRUE(writer_->Sync().ok());
  }
  const auto all = *ListSegments(disk_, kDirectory);
  ASSERT_GT(all.size(), 5U);
  EXPECT_EQ(*PurgeSegments(disk_, kDirectory, 2), 0U);

  writer_->Mark(MakeMark(30, 1));
  ASSERT_TRUE(writer_->Sync().ok());
  writer_->ReleaseTo(LogIndex{30});
  EXPECT_EQ(*PurgeSegments(disk_, kDirectory, 0), 0U);
  const std::size_t removed = *PurgeSegments(disk_, kDirectory, 2);
  EXPECT_GT(removed, 0U);
  const auto left = *ListSegments(disk_, kDirectory);
  EXPECT_EQ(left.size(), all.size() - removed);
  EXPECT_LE(left.front().first_index, LogIndex{30});
  EXPECT_GT(left[1].first_index, LogIndex{30});
  EXPECT_EQ(Indexes(*Read(30, 1)).size(), 20U);
  EXPECT_EQ(Read(0, 0).error().message.substr(0, 20), "wal: file not found:");
}

TEST_F(WalTest, ASecondWriterIsRefused) {
  Create();
  const Contents contents = *Read();
  EXPECT_EQ(Writer::Open(disk_, kDirectory, contents).error().code, Code::kFailedPrecondition);
}

TEST_F(WalTest, AnErrorIsFinal) {
  Create();
  Append(1, 1, 1);
  disk_.Inject({sim::Operation::kSync, ".wal"});
  const Status first = writer_->Sync();
  EXPECT_EQ(first.error().code, Code::kDataLoss);
  Append(2, 2, 1);
  EXPECT_EQ(writer_->Sync().error(), first.error());
  EXPECT_EQ(writer_->Write().error(), first.error());
}

TEST_F(WalTest, AFullDiskIsAnErrorBeforeAnythingIsAcknowledged) {
  Create();
  disk_.SetCapacity(6000);
  Append(1, 20, 1, 500);
  EXPECT_EQ(writer_->Sync().error().code, Code::kResourceExhausted);
}

// Of a file whose blocks are allocated late, on a volume that others fill.
TEST_F(WalTest, AWriteThatFindsNoRoomInASegmentFilledAheadIsAnError) {
  Create({16384, 8192});
  disk_.Inject({sim::Operation::kWrite, ".wal", Code::kResourceExhausted});
  Append(1, 1, 1);
  EXPECT_EQ(writer_->Sync().error().code, Code::kResourceExhausted);
}

TEST_F(WalTest, AnInterruptedCreateIsStartedAnew) {
  ASSERT_TRUE(disk_.MakeDirectories("member/wal.tmp").ok());
  ASSERT_TRUE(io::WriteFile(disk_, "member/wal.tmp/junk", AsBytes("x")).ok());
  Create();
  EXPECT_EQ(*disk_.List(kDirectory), std::vector{ToFileName({})});
}

}  // namespace
}  // namespace quorate::wal
