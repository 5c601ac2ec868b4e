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

// A follower that misses a few entries is spared a snapshot.
TEST(DriverTest, ASlowFollowerFindsTheEntriesKeptForIt) {
  node::Options options;
  options.snapshot_count = 10;
  options.catch_up_entries = 50;
  Members members(3, options);
  const std::uint64_t leader = members.Elect();
  const auto write = [&](int count) {
    for (int i = 0; i < count; ++i) {
      members.Propose(leader, "v");
      members.Settle(6);
      if (i % 5 == 4) members.Pass(milliseconds(100));
    }
  };
  write(100);
  members.Cut(Other(leader));
  const int before = members.at(leader).machine->flushes;
  write(30);
  ASSERT_GT(members.at(leader).machine->flushes, before + 1);
  members.Join(Other(leader));
  members.Pass(milliseconds(3000));
  EXPECT_EQ(members.texts(Other(leader)), members.texts(leader));
  EXPECT_EQ(members.at(Other(leader)).machine->installs, 0);
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

// Another one would be needed at once, and the next one again.
TEST(DriverTest, TheLogBehindASnapshotOnItsWayIsKept) {
  node::Options options;
  options.snapshot_count = 20;
  options.catch_up_entries = 5;
  Members members(3, options);
  const std::uint64_t leader = members.Elect();
  const std::uint64_t away = Other(leader);
  members.Cut(away);
  const auto write = [&] {
    for (int i = 0; i < 100; ++i) {
      members.Propose(leader, "v");
      members.Settle(6);
      if (i % 10 == 9) members.Pass(milliseconds(100));
    }
  };
  write();
  members.HoldSnapshots();
  members.Join(away);
  members.Pass(milliseconds(1000));
  ASSERT_EQ(members.held_snapshots(), 1U);
  write();
  members.Pass(milliseconds(500));
  members.LetSnapshotsGo();
  members.Pass(milliseconds(3000));
  EXPECT_EQ(members.texts(away), members.texts(leader));
  EXPECT_EQ(members.at(away).machine->installs, 1);
}

class InstallationTest : public testing::Test {
 protected:
  InstallationTest() : members_(3, MakeOptions()), leader_(members_.Elect()) {}
  static node::Options MakeOptions() {
    node::Options options;
    options.snapshot_count = 20;
    options.catch_up_entries = 5;
    return options;
  }
  // So much that `away` needs a snapshot when it is back.
  void WriteMuchWithout(std::uint64_t away) {
    members_.Cut(away);
    for (int i = 0; i < 100; ++i) {
      members_.Propose(leader_, "v");
      members_.Settle(6);
      if (i % 10 == 9) members_.Pass(milliseconds(100));
    }
    members_.Join(away);
  }

  Members members_;
  const std::uint64_t leader_;
};

// A crash in between would leave a state without the log that leads on from it.
TEST_F(InstallationTest, ASnapshotIsInstalledOnlyOnceItsMarkIsDurable) {
  const std::uint64_t away = Other(leader_);
  WriteMuchWithout(away);
  members_.at(away).wal_held = true;
  members_.Pass(milliseconds(1000));
  EXPECT_FALSE(members_.at(away).received.empty());
  EXPECT_EQ(members_.at(away).machine->installs, 0);
  members_.at(away).wal_held = false;
  members_.Pass(milliseconds(1000));
  EXPECT_EQ(members_.at(away).machine->installs, 1);
}

TEST_F(InstallationTest, ASecondSnapshotIsInstalledAfterTheFirst) {
  const std::uint64_t away = Other(leader_);
  Machine& machine = *members_.at(away).machine;
  machine.hold_installs = true;
  WriteMuchWithout(away);
  members_.Pass(milliseconds(1000));
  ASSERT_EQ(machine.installs, 1);
  WriteMuchWithout(away);
  members_.Pass(milliseconds(1000));
  ASSERT_EQ(members_.at(away).received.size(), 2U);
  EXPECT_EQ(machine.installs, 1) << "the first is still under way";
  machine.hold_installs = false;
  machine.held_install({});
  members_.Pass(milliseconds(1000));
  EXPECT_EQ(machine.installs, 2);
  EXPECT_EQ(members_.texts(away), members_.texts(leader_));
  EXPECT_EQ(members_.driver(away).status().applied, members_.driver(leader_).status().applied);
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
