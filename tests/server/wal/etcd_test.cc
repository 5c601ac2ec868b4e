// Real etcd-dump-logs reads what we write; we read what real etcd wrote.
#include "peers/etcd.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "io/real_disk.h"
#include "peers/process.h"
#include "wal/reader.h"
#include "wal/writer.h"

namespace quorate::wal {
namespace {

raft::Entry MakeEntry(std::uint64_t index, std::string data) {
  return {raft::EntryType::kNormal, Term{2}, LogIndex{index}, raft::Payload(std::move(data))};
}

std::size_t CountLines(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(WalEtcdTest, TheRealDumpToolReadsOurSegments) {
  const std::string tool = test::Part("etcd-dump-logs");
  if (tool.empty()) FAIL() << "etcd-dump-logs is not in the parts folder";
  io::RealDisk disk;
  const test::ScratchDirectory scratch;
  ASSERT_TRUE(disk.MakeDirectories(scratch.path() + "/member/snap").ok());
  const WriterOptions options{100'000, 65536};
  auto writer =
      *Writer::Create(disk, scratch.path() + "/member/wal",
                      {MemberId{0x8e9e05c52164694d}, ClusterId{0xcdf818194e3a8c32}}, options);
  // An InternalRaftRequest with a put of "k" = "v": {100: {1: 1}, 4: {1: "k", 2: "v"}}.
  const std::string put("\x22\x06\x0a\x01k\x12\x01v\xa2\x06\x02\x08\x01", 13);
  for (std::uint64_t index = 1; index <= 5000; ++index) {
    const raft::Entry entry = MakeEntry(index, index == 1 ? "" : put);
    const raft::HardState state{Term{2}, MemberId{0x8e9e05c52164694d}, LogIndex{index}};
    writer->Append({&entry, 1}, &state);
    if (index % 100 == 0) {
      ASSERT_TRUE(writer->PrepareSpare().ok());
      ASSERT_TRUE(writer->Sync().ok());
    }
  }
  EXPECT_GT(writer->segment_sequence(), 2U);
  writer.reset();

  const auto dump = test::RunCommand({tool, scratch.path()});
  EXPECT_EQ(dump.exit, 0) << dump.err;
  EXPECT_NE(dump.out.find("nodeID=8e9e05c52164694d clusterID=cdf818194e3a8c32 term=2 "
                          "commitIndex=5000 vote=8e9e05c52164694d"),
            std::string::npos)
      << dump.out.substr(0, 1000);
  EXPECT_NE(dump.out.find("Entry types (Normal,ConfigChange) count is : 5000"), std::string::npos)
      << dump.out.substr(dump.out.size() - 500);
  EXPECT_EQ(CountLines(dump.out, "put:<key:\"k\" value:\"v\" >"), 4999U);
}

TEST(WalEtcdTest, WeReadALogThatRealEtcdWroteAndWasKilledIn) {
  if (test::Part("etcd").empty()) FAIL() << test::kNoEtcd;
  test::EtcdServer etcd(test::Part("etcd"), {"--snapshot-count", "20"});
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  for (int i = 0; i < 50; ++i) {
    const auto put = test::RunCommand({test::Part("etcdctl"), "--endpoints", etcd.endpoint(), "put",
                                       "key" + std::to_string(i), "value"});
    ASSERT_EQ(put.exit, 0) << put.err;
  }
  etcd.Kill();

  io::RealDisk disk;
  const std::string directory = etcd.data_directory() + "/member/wal";
  const auto marks = ValidSnapshots(disk, directory);
  ASSERT_TRUE(marks.ok()) << marks.error().message;
  ASSERT_GE(marks->size(), 2U);
  EXPECT_EQ(marks->front(), SnapshotMark{});
  ASSERT_TRUE(marks->back().conf_state.has_value());
  EXPECT_EQ(marks->back().conf_state->voters.size(), 1U);
  for (const SnapshotMark& mark : *marks) {
    const auto contents = Replay(disk, directory, mark);
    ASSERT_TRUE(contents.ok()) << contents.error().message;
    EXPECT_FALSE(contents->torn.has_value());
    EXPECT_EQ(contents->metadata.member, marks->back().conf_state->voters[0]);
    ASSERT_FALSE(contents->entries.empty());
    EXPECT_EQ(contents->entries.front().index, mark.index + 1);
    EXPECT_GE(contents->entries.back().index, LogIndex{53});
    EXPECT_GE(contents->hard_state.commit, LogIndex{53});
  }

  // We go on in it, and etcd goes on in ours.
  auto contents = *Replay(disk, directory, marks->back());
  auto writer = *Writer::Open(disk, directory, contents);
  raft::HardState state = contents.hard_state;
  raft::Entry entry = MakeEntry(contents.tail.last_index.value + 1, "");
  entry.term = state.term;
  state.commit = entry.index;
  writer->Append({&entry, 1}, &state);
  ASSERT_TRUE(writer->Sync().ok());
  writer.reset();
  etcd.Restart();
  ASSERT_TRUE(etcd.AwaitHealthy()) << etcd.Log();
  const auto get = test::RunCommand({test::Part("etcdctl"), "--endpoints", etcd.endpoint(), "get",
                                     "key", "--prefix", "--count-only", "-w", "fields"});
  EXPECT_NE(get.out.find("\"Count\" : 50"), std::string::npos) << get.out << get.err;
}

}  // namespace
}  // namespace quorate::wal
