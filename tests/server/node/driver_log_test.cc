// Drivers whose log grows: what is marked, released and forgotten, how many bytes of it stay in
// memory, and the snapshot for a member that was away for longer than the log reaches back.
#include <gtest/gtest.h>

#include <string>

#include "node/driver.h"
#include "server/node/members.h"
#include "wal/segment.h"

namespace quorate::test {
namespace {

using std::chrono::milliseconds;

TEST(DriverTest, TheLogIsMarkedReleasedAndForgottenAsItGrows) {
  node::Options options;
  options.snapshot_count = 50;
  options.catch_up_entries = 20;
  Members members(1, options);
  members.Settle();
  for (int i = 0; i < 300; ++i) {
    members.Propose(1, std::string(200, 'x'));
    members.Settle(3);
    if (i % 10 == 9) members.Pass(milliseconds(100));
  }
  EXPECT_GT(members.at(1).machine->flushes, 3);
  const auto segments = wal::ListSegments(*members.at(1).disk, "/d/wal");
  ASSERT_TRUE(segments.ok());
  EXPECT_LE(segments->size(), 4U);
  EXPECT_GT(segments->front().sequence, 0U);
  members.Crash(1);
  members.Restart(1);
  members.Settle();
  EXPECT_EQ(members.texts(1).size(), 300U);
}

// Ten thousand requests of the largest size would fill any machine's memory.
TEST(DriverTest, LargeEntriesAreForgottenBeforeTheyAreMany) {
  node::Options options;
  options.log_bytes_max = 20000;
  Members members(1, options);
  members.Settle();
  for (int i = 0; i < 100; ++i) {
    members.Propose(1, std::string(1000, 'x'));
    members.Settle(3);
    members.Pass(milliseconds(100));
    EXPECT_LE(members.driver(1).log_bytes(), 22000U);
  }
  EXPECT_GT(members.driver(1).log_bytes(), 9000U);
  EXPECT_LE(members.at(1).machine->flushes, 15);
  members.Crash(1);
  members.Restart(1);
  members.Settle();
  EXPECT_EQ(members.texts(1).size(), 100U);
}

TEST(DriverTest, AMemberThatWasAwayTooLongIsSentASnapshot) {
  node::Options options;
  options.snapshot_count = 20;
  options.catch_up_entries = 5;
  Members members(3, options);
  const std::uint64_t leader = members.Elect();
  const std::uint64_t away = Other(leader);
  members.Cut(away);
  for (int i = 0; i < 100; ++i) {
    members.Propose(leader, "v" + std::to_string(i));
    members.Settle(6);
    if (i % 10 == 9) members.Pass(milliseconds(100));
  }
  members.Join(away);
  members.Pass(milliseconds(3000));
  EXPECT_EQ(members.at(away).machine->installs, 1);
  EXPECT_EQ(members.texts(away), members.texts(leader));
  members.Propose(leader, "after");
  members.Settle();
  EXPECT_EQ(members.texts(away).back(), "after");
  members.Crash(away);
  members.Restart(away);
  members.Pass(milliseconds(1000));
  EXPECT_EQ(members.texts(away), members.texts(leader));
}

// A slow link, a large store and many writes: the entries behind the snapshot were all kept until
// it had arrived, however large they grew.
TEST(DriverTest, TheLogInMemoryIsBoundedWhileASnapshotIsOnItsWay) {
  node::Options options;
  options.snapshot_count = 20;
  options.catch_up_entries = 5;
  options.log_bytes_max = 20000;
  Members members(3, options);
  const std::uint64_t leader = members.Elect();
  const std::uint64_t away = Other(leader);
  members.Cut(away);
  const auto write = [&](int count) {
    for (int i = 0; i < count; ++i) {
      members.Propose(leader, std::string(1000, 'x'));
      members.Settle(6);
      if (i % 10 == 9) members.Pass(milliseconds(100));
    }
  };
  write(60);
  members.HoldSnapshots();
  members.Join(away);
  members.Pass(milliseconds(1000));
  ASSERT_EQ(members.held_snapshots(), 1U);
  write(15);
  EXPECT_GT(members.driver(leader).log_bytes(), 15000U) << "what it needs next is kept";
  for (int i = 0; i < 200; ++i) {
    write(1);
    members.Pass(milliseconds(100));
    EXPECT_LE(members.driver(leader).log_bytes(), 44000U);
  }
  members.LetSnapshotsGo();
  members.Pass(milliseconds(3000));
  EXPECT_EQ(members.at(away).machine->installs, 2) << "the second one brought it up to date";
  EXPECT_EQ(members.texts(away), members.texts(leader));
}

}  // namespace
}  // namespace quorate::test
