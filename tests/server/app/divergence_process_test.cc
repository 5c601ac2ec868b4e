// A member whose state differs from the others': found by what entries do and by HashKV, and what
// follows. Budget: 30 s.

#include "base/bytes.h"
#include "peers/etcd.h"
#include "server/app/members.h"
#include "storage/rocks_backend.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

using testing::HasSubstr;

constexpr int kDataUnusable = 11;
const std::vector<std::string> kAll = {"a", "b", "c"};

class DivergenceTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags) {
    for (const std::string& name : kAll) members_.Start(name, kAll, flags);
    for (const std::string& name : kAll) {
      ASSERT_TRUE(members_.AwaitHealthy(name)) << members_.Log(name);
    }
  }
  // Changes the newest history row of a member that does not run, behind everybody's back.
  void Tamper(const std::string& name, bool remove) {
    auto store =
        storage::OpenRocksBackend(members_.DataDirectory(name) + "/member/store", {}).value();
    std::string newest;
    std::string value;
    for (const auto rows = store->Scan(storage::Family::kRev, "", ""); rows->Valid();
         rows->Next()) {
      newest = rows->key();
      value = rows->value();
    }
    ASSERT_FALSE(newest.empty());
    storage::Batch batch;
    if (remove) {
      batch.Delete(storage::Family::kRev, newest);
    } else {
      value.back() = static_cast<char>(value.back() ^ 1);
      batch.Put(storage::Family::kRev, newest, value);
    }
    ASSERT_TRUE(store->Commit(batch, store->position()).ok());
    ASSERT_TRUE(store->Flush(storage::Backend::Wait::kYes).ok());
  }
  void Write(const std::vector<std::string>& names, int count) {
    const auto client = members_.Connect(names);
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(WaitFor([&] { return Put(*client, "k", "v" + std::to_string(i)).empty(); },
                          std::chrono::seconds(20)));
    }
  }
  bool AwaitMetric(const std::string& name, const std::string& line) {
    return WaitFor([&] { return members_.Metrics(name).find(line) != std::string::npos; },
                   std::chrono::seconds(30));
  }

  Members members_{kAll};
};

const std::vector<std::string> kNoHashKv = {
    "--feature-gates=InitialCorruptCheck=false,CompactHashCheck=false", "--corrupt-check-time=0s"};

TEST_F(DivergenceTest, WhatEntriesDoIsComparedAndTheMinorityIsQuarantined) {
  Start(kNoHashKv);
  Write(kAll, 20);
  const std::string leader = members_.AwaitLeader(kAll);
  ASSERT_NE(leader, "");
  const std::string victim = leader == "a" ? "b" : "a";
  members_.Terminate(victim);
  Tamper(victim, true);  // every later change gets another revision there
  members_.Start(victim, kAll, kNoHashKv);
  Write({leader}, 2200);
  EXPECT_EQ(members_.AwaitEnd(victim), kDataUnusable) << members_.Log(victim);
  EXPECT_THAT(members_.Log(victim), HasSubstr("this member has diverged"));
  EXPECT_EQ(members_.Run(victim, kAll), kDataUnusable) << "its data is kept and never served";
  Write({leader}, 1);  // the others go on
}

TEST_F(DivergenceTest, EqualWindowsAreCountedAndSoAreUnknownOnes) {
  Start(kNoHashKv);
  Write(kAll, 1100);
  const std::string leader = members_.AwaitLeader(kAll);
  EXPECT_TRUE(AwaitMetric(leader, "\nquorate_state_hash_equal_total 1"))
      << members_.Metrics(leader);
  const std::string other = leader == "a" ? "b" : "a";
  members_.Terminate(other);
  members_.Start(other, kAll, kNoHashKv);
  ASSERT_TRUE(members_.AwaitHealthy(other)) << members_.Log(other);
  Write({leader}, 1000);
  EXPECT_TRUE(AwaitMetric(leader, "\nquorate_state_hash_unknown_total 1"))
      << "it does not know the first entries of the window that it restarted in\n"
      << members_.Metrics(leader);
  EXPECT_THAT(members_.Metrics(leader), HasSubstr("\nquorate_divergence_total 0"));
}

TEST_F(DivergenceTest, TheInitialCheckFindsADamagedHistoryByItself) {
  Start({});
  Write(kAll, 20);
  members_.Terminate("b");
  Tamper("b", false);
  members_.Start("b", kAll);
  EXPECT_EQ(members_.AwaitEnd("b"), kDataUnusable) << members_.Log("b");
  EXPECT_THAT(members_.Log("b"), HasSubstr("HashKV at revision"));
  Write({"a", "c"}, 1);
}

TEST_F(DivergenceTest, ThePeriodicCheckFindsItFromTheLeader) {
  const std::vector<std::string> flags = {"--experimental-initial-corrupt-check=false",
                                          "--experimental-corrupt-check-time=1s"};
  Start(flags);
  Write(kAll, 20);
  const std::string leader = members_.AwaitLeader(kAll);
  const std::string victim = leader == "a" ? "b" : "a";
  members_.Terminate(victim);
  Tamper(victim, false);
  members_.Start(victim, kAll, flags);
  EXPECT_EQ(members_.AwaitEnd(victim), kDataUnusable) << members_.Log(victim);
}

TEST_F(DivergenceTest, WithoutAMajorityEverybodyStopsWriting) {
  Members two({"a", "b"});
  for (const char* name : {"a", "b"}) two.Start(name, {"a", "b"});
  for (const char* name : {"a", "b"}) ASSERT_TRUE(two.AwaitHealthy(name)) << two.Log(name);
  const auto client = two.Connect({"a", "b"});
  ASSERT_EQ(Put(*client, "k", "v"), "");
  two.Terminate("b");
  auto store = storage::OpenRocksBackend(two.DataDirectory("b") + "/member/store", {}).value();
  storage::Batch batch;
  for (const auto rows = store->Scan(storage::Family::kRev, "", ""); rows->Valid(); rows->Next()) {
    batch.Put(storage::Family::kRev, rows->key(), std::string(rows->value()) + "\x2a\x01w");
  }
  ASSERT_TRUE(store->Commit(batch, store->position()).ok());
  ASSERT_TRUE(store->Flush(storage::Backend::Wait::kYes).ok());
  store.reset();
  two.Start("b", {"a", "b"});
  EXPECT_TRUE(WaitFor([&] { return Put(*client, "k", "v") == "etcdserver: corrupt cluster"; },
                      std::chrono::seconds(30)))
      << two.Log("a") << two.Log("b");
  EXPECT_TRUE(two.Running("a"));
  EXPECT_TRUE(two.Running("b"));
}

}  // namespace
}  // namespace quorate::test
