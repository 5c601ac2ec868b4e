#include "lease/lessor.h"

#include "sim/clock.h"
#include "storage/memory_backend.h"

namespace quorate::lease {
namespace {

using std::chrono::seconds;

class LessorTest : public testing::Test {
 protected:
  std::int64_t MustGrant(std::int64_t id, std::int64_t ttl) {
    auto granted = lessor_.Grant(LeaseId{id}, ttl, batch_);
    EXPECT_TRUE(granted.ok());
    return granted.ok() ? *granted : 0;
  }
  std::vector<LeaseId> Expired() { return lessor_.TakeExpired(100, seconds(5)); }

  sim::Clock clock_;
  Lessor lessor_{Options{.ttl_min = 2}, clock_};
  storage::Batch batch_;
};

TEST_F(LessorTest, RaisesShortGrantsAndRefusesBadOnes) {
  EXPECT_EQ(MustGrant(1, 1), 2);
  EXPECT_EQ(MustGrant(2, 10), 10);
  EXPECT_EQ(lessor_.Grant(LeaseId{1}, 10, batch_).error().message,
            "etcdserver: lease already exists");
  EXPECT_EQ(lessor_.Grant(LeaseId{3}, kTtlMax + 1, batch_).error().message,
            "etcdserver: too large lease TTL");
  EXPECT_EQ(lessor_.Grant(LeaseId{0}, 10, batch_).error().message,
            "etcdserver: requested lease not found");
}

TEST_F(LessorTest, OnlyThePrimaryExpires) {
  MustGrant(1, 10);
  clock_.Advance(seconds(100));
  EXPECT_TRUE(Expired().empty());
  lessor_.Promote(seconds(1));
  clock_.Advance(seconds(10));
  EXPECT_TRUE(Expired().empty()) << "a new leader gives the whole time plus an election timeout";
  clock_.Advance(seconds(1));
  EXPECT_THAT(Expired(), testing::ElementsAre(LeaseId{1}));
  lessor_.Demote();
  clock_.Advance(seconds(100));
  EXPECT_TRUE(Expired().empty());
}

TEST_F(LessorTest, NamesAnExpiredLeaseAgainWhenItsRevocationGotLost) {
  lessor_.Promote(seconds(0));
  MustGrant(1, 10);
  clock_.Advance(seconds(10));
  EXPECT_THAT(Expired(), testing::ElementsAre(LeaseId{1}));
  EXPECT_TRUE(Expired().empty());
  EXPECT_FALSE(lessor_.Renew(LeaseId{1}).ok()) << "too late: it is being revoked";
  clock_.Advance(seconds(5));
  EXPECT_THAT(Expired(), testing::ElementsAre(LeaseId{1}));
  ASSERT_TRUE(lessor_.Revoke(LeaseId{1}, batch_).ok());
  clock_.Advance(seconds(5));
  EXPECT_TRUE(Expired().empty());
}

// A lease whose revocation was on its way had -1 seconds left, which tells a client that it is
// gone; another leader saved it and it lived on.
TEST_F(LessorTest, ALeaseThatIsStillThereHasNoTimeLeftButNeverLess) {
  lessor_.Promote(seconds(0));
  MustGrant(1, 10);
  clock_.Advance(seconds(12));
  EXPECT_EQ(lessor_.Find(LeaseId{1}, false)->remaining_ttl, 0);
}

TEST_F(LessorTest, RenewingStartsTheTimeAnew) {
  lessor_.Promote(seconds(0));
  MustGrant(1, 10);
  clock_.Advance(seconds(9));
  EXPECT_EQ(*lessor_.Renew(LeaseId{1}), 10);
  clock_.Advance(seconds(9));
  EXPECT_TRUE(Expired().empty());
  EXPECT_EQ(lessor_.Find(LeaseId{1}, false)->remaining_ttl, 1);
  EXPECT_EQ(lessor_.Renew(LeaseId{2}).error().message, "etcdserver: requested lease not found");
  lessor_.Demote();
  EXPECT_EQ(lessor_.Renew(LeaseId{1}).error().message, "not a primary lessor");
}

TEST_F(LessorTest, RevokingGivesTheAttachedKeysInOrder) {
  MustGrant(1, 10);
  for (const char* key : {"b", "a", "c"}) lessor_.Attach(LeaseId{1}, key);
  lessor_.Detach(LeaseId{1}, "c");
  EXPECT_THAT(lessor_.Find(LeaseId{1}, true)->keys, testing::ElementsAre("a", "b"));
  EXPECT_THAT(*lessor_.Revoke(LeaseId{1}, batch_), testing::ElementsAre("a", "b"));
  EXPECT_FALSE(lessor_.Exists(LeaseId{1}));
  EXPECT_FALSE(lessor_.Revoke(LeaseId{1}, batch_).ok());
}

TEST_F(LessorTest, ComesBackFromItsRows) {
  MustGrant(1, 10);
  MustGrant(2, 20);
  lessor_.Checkpoint(LeaseId{2}, 7, batch_);
  ASSERT_TRUE(lessor_.Revoke(LeaseId{1}, batch_).ok());
  storage::MemoryBackend store(std::make_shared<storage::MemoryStorage>());
  ASSERT_TRUE(store.Commit(batch_, {LogIndex{1}, Term{1}}).ok());

  Lessor loaded(Options{.ttl_min = 2}, clock_);
  ASSERT_TRUE(loaded.Load(store).ok());
  EXPECT_THAT(loaded.List(), testing::ElementsAre(LeaseId{2}));
  loaded.Promote(seconds(0));
  EXPECT_EQ(loaded.Find(LeaseId{2}, false)->remaining_ttl, 7) << "the checkpointed time";
}

// etcd once forgot a checkpoint at the second change of leader, and the lease lived on and on.
TEST_F(LessorTest, ACheckpointedLeaseGoesOnFromThereUnderTheNextLeaders) {
  MustGrant(1, 100);
  lessor_.Checkpoint(LeaseId{1}, 7, batch_);
  for (int leader = 0; leader < 3; ++leader) {
    lessor_.Promote(seconds(0));
    EXPECT_EQ(lessor_.Find(LeaseId{1}, false)->remaining_ttl, 7);
    lessor_.Demote();
  }
}

TEST_F(LessorTest, RefusesADamagedRow) {
  storage::MemoryBackend store(std::make_shared<storage::MemoryStorage>());
  batch_.Put(storage::Family::kLease, "12345678", "\xff\xff");
  ASSERT_TRUE(store.Commit(batch_, {LogIndex{1}, Term{1}}).ok());
  EXPECT_FALSE(lessor_.Load(store).ok());
}

TEST_F(LessorTest, ANewLeaderSpreadsManyThatEndAtOnce) {
  for (std::int64_t id = 1; id <= 2500; ++id) MustGrant(id, 10);
  lessor_.Promote(seconds(0));
  clock_.Advance(seconds(10));
  EXPECT_EQ(lessor_.TakeExpired(10000, seconds(60)).size(), 1000U);
  clock_.Advance(seconds(1));
  EXPECT_EQ(lessor_.TakeExpired(10000, seconds(60)).size(), 1000U);
  clock_.Advance(seconds(1));
  EXPECT_EQ(lessor_.TakeExpired(10000, seconds(60)).size(), 500U);
}

}  // namespace
}  // namespace quorate::lease
