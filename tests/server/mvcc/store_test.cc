#include "fixture.h"

namespace quorate::mvcc {
namespace {

using testing::ElementsAre;

TEST_F(StoreTest, AnEmptyStoreIsAtRevisionOne) {
  EXPECT_EQ(store_->revision(), Revision{1});
  EXPECT_EQ(Range(kAll, kAll), "count=0");
}

TEST_F(StoreTest, EveryChangeMovesTheRevisionAndNothingElseDoes) {
  EXPECT_EQ(Put("a", "1"), Revision{2});
  EXPECT_EQ(Put("a", "1"), Revision{3});
  EXPECT_EQ(Delete("b"), 0);
  EXPECT_EQ(store_->revision(), Revision{3});
  EXPECT_EQ(Delete("a"), 1);
  EXPECT_EQ(store_->revision(), Revision{4});
}

TEST_F(StoreTest, ReadsThePast) {
  Put("a", "1");
  Put("a", "2");
  Delete("a");
  Put("a", "3");
  EXPECT_EQ(Range("a"), "a=3 count=1");
  EXPECT_EQ(Range("a", {}, 2), "a=1 count=1");
  EXPECT_EQ(Range("a", {}, 3), "a=2 count=1");
  EXPECT_EQ(Range("a", {}, 4), "count=0");
  EXPECT_EQ(Range("a", {}, 6), "etcdserver: mvcc: required revision is a future revision");
}

TEST_F(StoreTest, RangesAreBytewiseAndHalfOpen) {
  for (const char* key : {"a", "b", "ba", "c", "\xff"}) Put(key, "v");
  EXPECT_EQ(Range("b", "c"), "b=v ba=v count=2");
  EXPECT_EQ(Range("b", "b"), "count=0");
  EXPECT_EQ(Range("c", "a"), "count=0");
  EXPECT_EQ(Range("ba", kAll), "ba=v c=v \xff=v count=3");
  EXPECT_EQ(Range(kAll, kAll), "a=v b=v ba=v c=v \xff=v count=5");
}

// One answer held all of a store of any size in memory, and then no message could carry it.
TEST_F(StoreTest, ARangeWithMoreBytesThanAnAnswerMayHaveEndsBeforeItHoldsThemAll) {
  for (int i = 0; i < 300; ++i) Put("key" + std::to_string(i), std::string(1000, 'v'));
  for (const auto target : {RangeQuery::Target::kKey, RangeQuery::Target::kValue}) {
    RangeQuery query{.key = "key", .range_end = kAll, .target = target, .bytes_max = 100'000};
    auto task = store_->StartRange(query);
    ASSERT_TRUE(task.ok());
    const auto done = (*task)->Step(SIZE_MAX);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code, Code::kResourceExhausted);
    EXPECT_TRUE(done.error().message.starts_with("grpc: trying to send message larger than max (1"))
        << done.error().message;
    task->reset();
    query.limit = 50;
    query.target = RangeQuery::Target::kKey;
    EXPECT_TRUE(store_->Range(query).ok());
  }
}

TEST_F(StoreTest, ATransactionSeesItsOwnChangesAndIsOneRevision) {
  Put("a", "1");
  WriteTxn txn(*store_);
  EXPECT_EQ(txn.revision(), Revision{2});
  txn.Put("b", "2", {});
  EXPECT_EQ(txn.revision(), Revision{3});
  EXPECT_EQ(txn.DeleteRange("a", kAll), 2);
  txn.Put("a", "3", {});
  RangeQuery query{.key = "a", .range_end = kAll};
  const auto answer = txn.Range(query);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->revision, Revision{3});
  EXPECT_EQ(answer->count, 1);
  EXPECT_EQ(txn.End(), Revision{3});
  EXPECT_THAT(listener_.heard, ElementsAre("2.0 put a=1 v1", "3.0 put b=2 v1", "3.1 delete a (2.0)",
                                           "3.2 delete b (3.0)", "3.3 put a=3 v1"));
  Commit();
  EXPECT_EQ(Range("a", kAll), "a=3 count=1");
  EXPECT_EQ(Range("a", kAll, 2), "a=1 count=1");
}

TEST_F(StoreTest, LimitsSayWhetherThereIsMore) {
  for (const char* key : {"a", "b", "c"}) Put(key, "v");
  RangeQuery query{.key = "a", .range_end = kAll, .limit = 2};
  EXPECT_EQ(Range(query), "a=v b=v count=3 more");
  query.limit = 3;
  EXPECT_EQ(Range(query), "a=v b=v c=v count=3");
  query.count_only = true;
  query.limit = 1;
  EXPECT_EQ(Range(query), "count=3");
}

TEST_F(StoreTest, SortingWithoutAnOrderTakesTheLimitFirst) {
  Put("c", "1");
  Put("b", "2");
  Put("a", "3");
  RangeQuery query{.key = "a", .range_end = kAll, .limit = 1};
  query.target = RangeQuery::Target::kMod;
  EXPECT_EQ(Range(query), "b=2 count=3 more");  // the older of a and b, not the oldest of all
  query.order = RangeQuery::Order::kAscend;
  EXPECT_EQ(Range(query), "c=1 count=3 more");
  query.order = RangeQuery::Order::kDescend;
  EXPECT_EQ(Range(query), "a=3 count=3 more");
}

TEST_F(StoreTest, KeysOnlyKeepsTheLeaseAndDropsTheValue) {
  leases_.known.insert(LeaseId{77});
  Put("a", "secret", 77);
  RangeQuery query{.key = "a", .keys_only = true};
  etcdserverpb::RangeResponse response;
  ASSERT_TRUE(response.ParseFromString(store_->Range(query)->body));
  EXPECT_EQ(response.kvs(0).value(), "");
  EXPECT_EQ(response.kvs(0).lease(), 77);
  EXPECT_EQ(response.kvs(0).version(), 1);
}

TEST_F(StoreTest, KeysFollowTheirLeases) {
  leases_.known = {LeaseId{1}, LeaseId{2}};
  Put("a", "v", 1);
  Put("b", "v", 1);
  Put("b", "v", 2);
  Put("c", "v", 2);
  Put("c", "v", 0);
  EXPECT_THAT(leases_.keys[LeaseId{1}], ElementsAre("a"));
  EXPECT_THAT(leases_.keys[LeaseId{2}], ElementsAre("b"));
  Reopen();
  EXPECT_THAT(leases_.keys[LeaseId{1}], ElementsAre("a"));
  EXPECT_THAT(leases_.keys[LeaseId{2}], ElementsAre("b"));
  Delete("a", kAll);
  EXPECT_TRUE(leases_.keys.empty());
}

TEST_F(StoreTest, ValuesOfTheTurnAreReadBeforeTheyAreCommitted) {
  const std::string large(10000, 'v');  // too large for the cache
  WriteTxn txn(*store_);
  for (int i = 0; i < 20; ++i) txn.Put("k" + std::to_string(i), large, {});
  txn.End();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Range("k" + std::to_string(i)), "k" + std::to_string(i) + "=" + large + " count=1");
  }
  Commit();
  EXPECT_EQ(Range("k7"), "k7=" + large + " count=1");
}

TEST_F(StoreTest, ADamagedRowStopsTheOpening) {
  Put("a", "1");
  storage::Batch damage;
  damage.Put(storage::Family::kRev, RowName({Revision{9}, 0}, false).text(), "\xff\xff");
  ASSERT_TRUE(backend_->Commit(damage, {LogIndex{99}, Term{1}}).ok());
  const auto opened = Store::Open({backend_.get(), &batch_, &leases_});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kDataLoss);
}

}  // namespace
}  // namespace quorate::mvcc
