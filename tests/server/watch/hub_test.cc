#include <algorithm>

#include "fixture.h"

namespace quorate::watch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(HubTest, TellsOfChangesFromNowOn) {
  Put("a", "1");
  hub_->Create(stream_, {.key = "a"});
  Put("a", "2");
  Put("b", "1");
  Delete("a");
  EXPECT_THAT(Heard(), ElementsAre("w0 created @2", "w0 @3 put a=2:3", "w0 @5 delete a:5"));
}

TEST_F(HubTest, ADeletionCarriesOnlyKeyAndRevision) {
  Put("a", "1");
  hub_->Create(stream_, {.key = "a"});
  Delete("a");
  ASSERT_EQ(sink_.events.size(), 1U);
  mvccpb::KeyValue expected;
  expected.set_key("a");
  expected.set_mod_revision(3);
  EXPECT_EQ(sink_.events[0].kv().SerializeAsString(), expected.SerializeAsString());
  sink_.events.clear();
  hub_->Create(stream_, {.key = "a", .start_revision = 3});
  CatchUp();
  ASSERT_EQ(sink_.events.size(), 1U);
  EXPECT_EQ(sink_.events[0].kv().SerializeAsString(), expected.SerializeAsString());
}

TEST_F(HubTest, TellsThePastBeforeThePresent) {
  Put("a", "1");
  Put("b", "1");
  Put("a", "2");
  hub_->Create(stream_, {.key = "a", .start_revision = 2});
  Put("a", "3");
  EXPECT_THAT(Heard(), ElementsAre("w0 created @4"));
  CatchUp();
  EXPECT_THAT(Heard(), ElementsAre("w0 @5 put a=1:2 | put a=2:4 | put a=3:5"));
  Put("a", "4");
  EXPECT_THAT(Heard(), ElementsAre("w0 @6 put a=4:6"));
}

TEST_F(HubTest, OneRevisionIsOneResponseHoweverSmallTheSteps) {
  {
    mvcc::WriteTxn txn(*store_);
    for (int i = 0; i < 5; ++i) txn.Put("k" + std::to_string(i), "v", {});
    txn.End();
    Commit();
  }
  Put("k0", "w");
  hub_->Create(stream_, {.key = "k", .range_end = "l", .start_revision = 2});
  CatchUp(1);
  EXPECT_THAT(Heard(),
              ElementsAre("w0 created @3",
                          "w0 @3 put k0=v:2 | put k1=v:2 | put k2=v:2 | put k3=v:2 | put k4=v:2",
                          "w0 @3 put k0=w:3"));
}

TEST_F(HubTest, WaitsForAFutureRevision) {
  hub_->Create(stream_, {.key = "a", .start_revision = 4});
  Put("a", "1");
  Put("a", "2");
  hub_->RequestProgress(stream_);
  EXPECT_THAT(Heard(), ElementsAre("w0 created @1"));
  Put("a", "3");
  EXPECT_THAT(Heard(), ElementsAre("w0 @4 put a=3:4"));
}

TEST_F(HubTest, FiltersLeaveNothingBehind) {
  hub_->Create(stream_, {.key = "a", .no_put = true});
  hub_->Create(stream_, {.key = "a", .no_delete = true});
  Put("a", "1");
  Delete("a");
  EXPECT_THAT(Heard(),
              ElementsAre("w0 created @1", "w1 created @1", "w1 @2 put a=1:2", "w0 @3 delete a:3"));
}

TEST_F(HubTest, ThePreviousPairIsToldWhileItExists) {
  Put("a", "1");
  Put("a", "2");
  Delete("a");
  Put("a", "3");
  hub_->Create(stream_, {.key = "a", .start_revision = 2, .prev_kv = true});
  CatchUp();
  Put("a", "4");
  EXPECT_THAT(Heard(), ElementsAre("w0 created @5",
                                   "w0 @5 put a=1:2 | put a=2:3 was 1 | delete a:4 was 2 | "
                                   "put a=3:5",
                                   "w0 @6 put a=4:6 was 3"));
  Compact(4);
  hub_->Create(stream_, {.key = "a", .start_revision = 4, .prev_kv = true});
  CatchUp();
  EXPECT_THAT(Heard(),
              ElementsAre("w1 created @6", "w1 @6 delete a:4 | put a=3:5 | put a=4:6 was 3"));
}

TEST_F(HubTest, CompactedHistoryCancelsAndItsVeryRevisionDoesNot) {
  Put("a", "1");
  Delete("a");  // 3
  Put("b", "1");
  Compact(3);
  hub_->Create(stream_, {.key = "a", .start_revision = 2});
  hub_->Create(stream_, {.key = "a", .start_revision = 3});
  CatchUp();
  EXPECT_THAT(Heard(),
              testing::UnorderedElementsAre("w0 created @4", "w1 created @4",
                                            "w0 canceled @0 compacted 3", "w1 @4 delete a:3"));
  EXPECT_EQ(hub_->watcher_count(), 1U);
}

TEST_F(HubTest, RefusesWhatEtcdRefuses) {
  hub_->Create(stream_, {.key = "b", .range_end = "a"});
  hub_->Create(stream_, {.key = "b", .range_end = "b"});
  hub_->Create(stream_, {.key = "b", .start_revision = -1});
  hub_->Create(stream_, {.key = "b", .watch_id = 5});
  hub_->Create(stream_, {.key = "b", .watch_id = 5});
  EXPECT_THAT(
      Heard(),
      ElementsAre("w-1 created canceled @1 mvcc: watcher range is empty",
                  "w-1 created canceled @1 mvcc: watcher range is empty",
                  "w-1 created canceled @1 etcdserver: mvcc: required revision has been compacted",
                  "w5 created @1",
                  "w-1 created canceled @1 mvcc: duplicate watch ID provided on the WatchStream"));
}

TEST_F(HubTest, DrawsIdsFromZeroAroundThoseInUse) {
  hub_->Create(stream_, {.key = "a", .watch_id = 1});
  hub_->Create(stream_, {.key = "a"});
  hub_->Create(stream_, {.key = "a"});
  hub_->Cancel(stream_, 0);
  hub_->Cancel(stream_, 9);
  hub_->Create(stream_, {.key = "a"});
  EXPECT_THAT(Heard(), ElementsAre("w1 created @1", "w0 created @1", "w2 created @1",
                                   "w0 canceled @1", "w3 created @1"));
}

TEST_F(HubTest, AnEmptyKeyMeansTheFirst) {
  hub_->Create(stream_, {.key = "", .range_end = kAll});
  Put("a", "1");
  EXPECT_THAT(Heard(), ElementsAre("w0 created @1", "w0 @2 put a=1:2"));
}

TEST_F(HubTest, AfterACancelThereIsSilence) {
  hub_->Create(stream_, {.key = "a"});
  hub_->Create(stream_, {.key = "a", .start_revision = 1});
  hub_->Cancel(stream_, 0);
  hub_->Cancel(stream_, 1);
  Heard();
  Put("a", "1");
  CatchUp();
  EXPECT_THAT(Heard(), IsEmpty());
  EXPECT_EQ(hub_->watcher_count(), 0U);
}

TEST_F(HubTest, ASlowStreamReadsWhatItMissedFromTheHistory) {
  FakeSink other;
  const StreamId fast = hub_->Open(other);
  hub_->Create(fast, {.key = "a"});
  hub_->Create(stream_, {.key = "a"});
  sink_.room = 1;
  for (int i = 1; i <= 4; ++i) Put("a", std::to_string(i));
  EXPECT_EQ(other.lines.size(), 5U);
  EXPECT_THAT(Heard(), ElementsAre("w0 created @1", "w0 @2 put a=1:2"));
  EXPECT_FALSE(hub_->lagging());
  EXPECT_EQ(hub_->held_watcher_count(), 1U);
  sink_.room = 100;
  hub_->HasRoom(stream_);
  CatchUp();
  EXPECT_THAT(Heard(), ElementsAre("w0 @5 put a=2:3 | put a=3:4 | put a=4:5"));
  Put("a", "5");
  EXPECT_THAT(Heard(), ElementsAre("w0 @6 put a=5:6"));
  hub_->Close(fast);
}

TEST_F(HubTest, ProgressNeverOvertakesAnEvent) {
  Put("a", "1");
  hub_->RequestProgress(stream_);  // no watcher: no answer
  EXPECT_THAT(Heard(), IsEmpty());
  hub_->Create(stream_, {.key = "a", .start_revision = 2});
  hub_->RequestProgress(stream_);  // it still reads the past
  EXPECT_THAT(Heard(), ElementsAre("w0 created @2"));
  CatchUp();
  hub_->RequestProgress(stream_);
  EXPECT_THAT(Heard(), ElementsAre("w0 @2 put a=1:2", "w-1 @2"));
}

TEST_F(HubTest, PeriodicProgressSkipsWatchersThatHeardSomething) {
  hub_->Create(stream_, {.key = "a", .progress_notify = true});
  hub_->Create(stream_, {.key = "b", .progress_notify = true});
  hub_->Create(stream_, {.key = "c"});
  Put("a", "1");
  Heard();
  hub_->NotifyProgress(stream_);
  EXPECT_THAT(Heard(), ElementsAre("w1 @2"));
  hub_->NotifyProgress(stream_);
  EXPECT_THAT(Heard(), ElementsAre("w0 @2", "w1 @2"));
}

TEST_F(HubTest, AReloadedStoreIsCaughtUpWith) {
  hub_->Create(stream_, {.key = "a"});
  Put("a", "1");
  Heard();
  // A snapshot of another member brings two more revisions at once.
  auto incoming = backend_.NewIncoming();
  ASSERT_TRUE(incoming.ok());
  storage::Batch batch;
  for (std::int64_t i = 1; i <= 3; ++i) {
    batch.Put(storage::Family::kRev, mvcc::RowName({Revision{i + 1}, 0}, false).text(),
              mvcc::Encode({"a", Revision{2}, Revision{i + 1}, i, std::to_string(i), {}}));
  }
  ASSERT_TRUE((*incoming)->Commit(batch, {LogIndex{50}, Term{1}}).ok());
  ASSERT_TRUE(backend_.Adopt(std::move(incoming).value()).ok());
  store_->Reload(mvcc::Restore(backend_).value());
  hub_->Reloaded();
  CatchUp();
  EXPECT_THAT(Heard(), ElementsAre("w0 @4 put a=2:3 | put a=3:4"));
}

TEST_F(HubTest, AnEventIsEncodedOnceForAllWatchers) {
  class Keeper final : public Sink {
   public:
    bool Offer(Response& response) override {
      for (auto& event : response.events) kept.push_back(event);
      return true;
    }
    bool HasRoom() const override { return true; }
    std::vector<EventBytes> kept;
  };
  Keeper keeper;
  const StreamId stream = hub_->Open(keeper);
  hub_->Create(stream, {.key = "a"});
  hub_->Create(stream, {.key = "a", .range_end = "b"});
  Put("a", "1");
  ASSERT_EQ(keeper.kept.size(), 2U);
  EXPECT_EQ(keeper.kept[0].get(), keeper.kept[1].get());
  hub_->Close(stream);
}

// Every round began at the smallest revision that anybody wanted: a client that opened a watch of
// revision 1 a few times a second held everybody else back for as long as it went on.
TEST_F(HubTest, WhoComesFromFurtherBackKeepsNobodyWaiting) {
  for (int i = 0; i < 3000; ++i) Put("a", "1");
  FakeSink other;
  const StreamId stream = hub_->Open(other);
  hub_->Create(stream_, {.key = "a", .start_revision = 2002});
  int rounds = 0;
  for (; sink_.events.size() < 1000 && rounds < 1000; ++rounds) {
    hub_->Create(stream, {.key = "nobody", .start_revision = 1});
    ASSERT_TRUE(hub_->CatchUp(100).ok());
  }
  EXPECT_LE(rounds, 31) << "more than one sweep";
  hub_->Close(stream);
}

TEST_F(HubTest, WhereARoundCannotTakeAllTheLongestWaitingComeFirst) {
  Limit({.watchers_max = 2});
  for (int i = 0; i < 300; ++i) Put("a", "1");
  FakeSink other;
  const StreamId stream = hub_->Open(other);
  for (int i = 0; i < 4; ++i) hub_->Create(stream, {.key = "nobody", .start_revision = 1});
  hub_->Create(stream_, {.key = "a", .start_revision = 202});
  int rounds = 0;
  for (; sink_.events.size() < 100 && rounds < 1000; ++rounds) {
    for (int i = 0; i < 5; ++i) hub_->Create(stream, {.key = "nobody", .start_revision = 1});
    ASSERT_TRUE(hub_->CatchUp(10).ok());
  }
  EXPECT_LE(rounds, 3 * 31) << "two sweeps for the four before it, and its own";
  hub_->Close(stream);
}

TEST_F(HubTest, NewRevisionsDoNotProlongASweep) {
  Limit({.read_bytes = 1});
  for (int i = 0; i < 300; ++i) Put("a", "1");
  FakeSink other;
  const StreamId stream = hub_->Open(other);
  hub_->Create(stream, {.key = "nobody", .start_revision = 250});
  ASSERT_TRUE(hub_->CatchUp(10).ok());
  hub_->Create(stream_, {.key = "a", .start_revision = 2});
  for (int rounds = 0; rounds < 60 && sink_.events.empty(); ++rounds) {
    Put("a", "1");
    ASSERT_TRUE(hub_->CatchUp(10).ok());
  }
  EXPECT_FALSE(sink_.events.empty());
  hub_->Close(stream);
}

// While a turn applied more revisions than a round read rows, nobody who was behind came nearer.
TEST_F(HubTest, WhoCatchesUpGainsOnWhoWrites) {
  for (int i = 0; i < 300; ++i) Put("a", "1");
  hub_->Create(stream_, {.key = "a", .start_revision = 2});
  int rounds = 0;
  for (; hub_->lagging() && rounds < 100; ++rounds) {
    for (int i = 0; i < 20; ++i) Put("a", "1");
    ASSERT_TRUE(hub_->CatchUp(10).ok());
  }
  EXPECT_LE(rounds, 20);
  // What was written while nobody was behind is no reason to read much at once.
  for (int i = 0; i < 300; ++i) Put("b", "1");
  sink_.events.clear();
  hub_->Create(stream_, {.key = "b", .start_revision = store_->revision().value - 299});
  ASSERT_TRUE(hub_->CatchUp(10).ok());
  EXPECT_EQ(sink_.events.size(), 10U);
}

// Counts what it is given.
class CountingSink final : public Sink {
 public:
  bool Offer(Response& response) override {
    for (const auto& event : response.events) bytes += event->size();
    events += response.events.size();
    return true;
  }
  bool HasRoom() const override { return true; }
  std::size_t bytes = 0;
  std::size_t events = 0;
};

class ManyLaggersTest : public HubTest {
 protected:
  void Open(int count) {
    for (int i = 0; i < count; ++i) {
      hub_->Create(hub_->Open(*sinks_.emplace_back(std::make_unique<CountingSink>())),
                   {.key = "a", .start_revision = 1});
    }
  }
  std::size_t Bytes() const {
    std::size_t bytes = 0;
    for (const auto& sink : sinks_) bytes += sink->bytes;
    return bytes;
  }
  std::ptrdiff_t Served() const {
    return std::count_if(sinks_.begin(), sinks_.end(), [](const auto& s) { return s->bytes > 0; });
  }

  std::vector<std::unique_ptr<CountingSink>> sinks_;
};

// An event's bytes were counted once however many streams took a copy: 10,000 watchers were handed
// 40 GB in one turn.
TEST_F(ManyLaggersTest, ARoundHandsOutABoundedNumberOfBytesToABoundedNumberOfWatchers) {
  for (int i = 0; i < 100; ++i) Put("a", std::string(4000, 'v'));
  Open(10'000);
  ASSERT_TRUE(hub_->CatchUp(1000).ok());
  EXPECT_GT(Bytes(), 16U << 20) << "the round is worth its while";
  EXPECT_LT(Bytes(), 20U << 20);
  EXPECT_EQ(Served(), 512);
  CatchUp();
  for (const auto& sink : sinks_) ASSERT_EQ(sink->events, 100U);
}

TEST_F(ManyLaggersTest, OneRevisionThatIsTooMuchForAllIsToldInSeveralRounds) {
  Put("a", "1");
  Put("a", std::string(1 << 20, 'v'));
  Put("a", "2");
  Open(200);
  hub_->Create(stream_, {.key = "b", .start_revision = 1});
  int rounds = 0;
  for (std::size_t before = 0; hub_->lagging() && rounds < 100; ++rounds, before = Bytes()) {
    ASSERT_TRUE(hub_->CatchUp(1000).ok());
    ASSERT_LE(Bytes() - before, 64U << 20);
  }
  EXPECT_LE(rounds, 12) << "as many as fit each time, and then what is left for them";
  for (const auto& sink : sinks_) ASSERT_EQ(sink->events, 3U);
}

TEST_F(ManyLaggersTest, ARevisionThatIsTooMuchForOneIsToldAllTheSame) {
  Limit({.sent_bytes = 1, .sent_bytes_max = 1});
  for (int i = 0; i < 3; ++i) Put("a", "1");
  hub_->Create(stream_, {.key = "b", .start_revision = 1});
  Open(3);
  CatchUp();
  for (const auto& sink : sinks_) ASSERT_EQ(sink->events, 3U);
}

// Only events that somebody wanted were counted: large values that nobody watched were read by the
// gigabyte in one turn.
TEST_F(HubTest, ARoundReadsABoundedNumberOfBytesThatNobodyWants) {
  for (int i = 0; i < 20; ++i) Put("a", std::string(1 << 20, 'v'));
  hub_->Create(stream_, {.key = "nobody", .start_revision = 1});
  int rounds = 0;
  for (; hub_->lagging(); ++rounds) ASSERT_TRUE(hub_->CatchUp(1000).ok());
  EXPECT_EQ(rounds, 5) << "4 MiB each";
}

}  // namespace
}  // namespace quorate::watch
