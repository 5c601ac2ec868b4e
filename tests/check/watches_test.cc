#include "check/watches.h"

#include "check/history_maker.h"

namespace quorate::check {
namespace {

// a=1 at 2, b=2 at 3, both deleted at 4, a=3 at 5.
class WatchesTest : public testing::Test {
 protected:
  WatchesTest() {
    h.Put("a", "1", 2);
    h.Put("b", "2", 3);
    etcdserverpb::ResponseOp response;
    response.mutable_response_delete_range()->set_deleted(2);
    SetHeader(response, 4);
    h.Add(DeleteOp("a", "c"), response);
    h.Put("a", "3", 5);
  }

  std::string Judge() const {
    const auto kv = CheckLinearizable(h.history);
    EXPECT_EQ(Rules(kv.findings), "");
    return Rules(CheckWatches(h.history, kv).findings);
  }

  // All that a watch of everything from 2 must be told.
  void TellAll(Watching& w) {
    Tell(w, 2, {put_a});
    Tell(w, 4, {put_b, DeleteEvent("a", 4), DeleteEvent("b", 4)});
    Tell(w, 5, {put_a_again});
  }

  HistoryMaker h;
  const mvccpb::Event put_a = PutEvent(Kv("a", "1", 2, 2, 1));
  const mvccpb::Event put_b = PutEvent(Kv("b", "2", 3, 3, 1));
  const mvccpb::Event put_a_again = PutEvent(Kv("a", "3", 5, 5, 1));
};

TEST_F(WatchesTest, AcceptsEverythingOnceAndInOrder) {
  auto& w = h.Watch(2, 1);
  TellAll(w);
  Tell(w, 5, {});
  w.complete_until = 5;
  EXPECT_EQ(Judge(), "");
}

TEST_F(WatchesTest, AcceptsAWatchFromNowOn) {
  auto& w = h.Watch(0, 4);
  Tell(w, 5, {put_a_again});
  w.complete_until = 5;
  EXPECT_EQ(Judge(), "");
}

TEST_F(WatchesTest, FindsAnEventFromBeforeNow) {
  auto& w = h.Watch(0, 4);
  Tell(w, 4, {DeleteEvent("a", 4), DeleteEvent("b", 4)});
  EXPECT_EQ(Judge(), "W-5");
}

TEST_F(WatchesTest, FindsEventsOutOfOrder) {
  auto& w = h.Watch(2, 1);
  Tell(w, 3, {put_a, put_b});
  Tell(w, 3, {put_a});
  EXPECT_EQ(Judge(), "W-1");
}

TEST_F(WatchesTest, FindsAnEventTwice) {
  auto& w = h.Watch(2, 1);
  Tell(w, 2, {put_a});
  Tell(w, 2, {put_a});
  EXPECT_EQ(Judge(), "W-2");
}

TEST_F(WatchesTest, FindsAGap) {
  auto& w = h.Watch(2, 1);
  Tell(w, 2, {put_a});
  Tell(w, 4, {DeleteEvent("a", 4), DeleteEvent("b", 4)});
  EXPECT_EQ(Judge(), "W-3");
}

TEST_F(WatchesTest, FindsAWrongEvent) {
  auto& w = h.Watch(2, 1);
  Tell(w, 2, {PutEvent(Kv("a", "1", 2, 2, 2))});
  EXPECT_EQ(Judge(), "W-3");
}

TEST_F(WatchesTest, FindsARevisionInTwoAnswers) {
  auto& w = h.Watch(4, 1);
  Tell(w, 4, {DeleteEvent("a", 4)});
  Tell(w, 4, {DeleteEvent("b", 4)});
  EXPECT_EQ(Judge(), "W-4");
}

TEST_F(WatchesTest, AcceptsFragmentsOfOneAnswer) {
  auto& w = h.Watch(4, 1);
  Tell(w, 4, {DeleteEvent("a", 4)});
  w.arrivals.back().response.set_fragment(true);
  Tell(w, 4, {DeleteEvent("b", 4)});
  EXPECT_EQ(Judge(), "");
}

TEST_F(WatchesTest, FindsAnEventFromBeforeTheStart) {
  auto& w = h.Watch(3, 1);
  Tell(w, 2, {put_a});
  EXPECT_EQ(Judge(), "W-5");
}

TEST_F(WatchesTest, FindsAnEndThatACompactionDoesNotExplain) {
  auto& w = h.Watch(3, 1);
  Tell(w, 5, {});
  w.arrivals.back().response.set_canceled(true);
  w.arrivals.back().response.set_compact_revision(4);
  EXPECT_EQ(Judge(), "");
  w.arrivals.back().response.set_compact_revision(3);
  EXPECT_EQ(Judge(), "W-5");
}

TEST_F(WatchesTest, FindsABookmarkThatPromisesTooMuch) {
  auto& w = h.Watch(2, 1);
  Tell(w, 2, {put_a});
  Tell(w, 3, {});
  EXPECT_EQ(Judge(), "W-6");
}

TEST_F(WatchesTest, FindsAnEventBehindABookmark) {
  auto& w = h.Watch(2, 1);
  TellAll(w);
  Tell(w, 5, {});
  Tell(w, 5, {put_a_again});
  EXPECT_EQ(Judge(), "W-6");
}

TEST_F(WatchesTest, FindsABookmarkThatWentBack) {
  auto& w = h.Watch(2, 1);
  TellAll(w);
  Tell(w, 5, {});
  Tell(w, 4, {});
  EXPECT_EQ(Judge(), "W-6");
}

TEST_F(WatchesTest, FindsAWrongValueBefore) {
  auto& w = h.Watch(4, 1);
  w.request.set_prev_kv(true);
  auto a = DeleteEvent("a", 4), b = DeleteEvent("b", 4);
  *a.mutable_prev_kv() = Kv("a", "1", 2, 2, 1);
  *b.mutable_prev_kv() = Kv("b", "2", 3, 3, 1);
  Tell(w, 4, {a, b});
  EXPECT_EQ(Judge(), "");
  w.arrivals.back().response.mutable_events(1)->mutable_prev_kv()->set_version(2);
  EXPECT_EQ(Judge(), "W-7");
  w.arrivals.back().response.mutable_events(1)->clear_prev_kv();
  EXPECT_EQ(Judge(), "W-7");
}

// A watch from a revision that was just compacted is told what happened, but what was before may be
// gone.
TEST_F(WatchesTest, AcceptsThatTheValueBeforeWasCompacted) {
  auto& w = h.Watch(4, 1);
  w.request.set_prev_kv(true);
  Tell(w, 4, {DeleteEvent("a", 4), DeleteEvent("b", 4)});
  EXPECT_EQ(Judge(), "W-7");
  h.Compact(4, 5);
  EXPECT_EQ(Judge(), "");
}

TEST_F(WatchesTest, FindsAnEventThatTheFilterOrTheRangeExcludes) {
  auto& w = h.Watch(2, 1);
  w.request.add_filters(etcdserverpb::WatchCreateRequest::NODELETE);
  Tell(w, 3, {put_a, put_b});
  Tell(w, 5, {put_a_again});
  EXPECT_EQ(Judge(), "");
  auto& single = h.Watch(2, 1);
  single.request.set_key("a");
  single.request.clear_range_end();
  Tell(single, 2, {put_a});
  Tell(single, 3, {put_b});
  EXPECT_EQ(Judge(), "W-8");
}

TEST_F(WatchesTest, FindsAnAnswerAfterTheEndAndBeforeTheStart) {
  auto& w = h.Watch(2, 1);
  Tell(w, 1, {});
  w.arrivals.back().response.set_canceled(true);
  Tell(w, 2, {put_a});
  EXPECT_EQ(Judge(), "W-9");
  w.arrivals.erase(w.arrivals.begin(), w.arrivals.begin() + 2);
  EXPECT_EQ(Judge(), "W-9");
}

TEST_F(WatchesTest, FindsAWatchThatStoppedTelling) {
  auto& w = h.Watch(2, 1);
  Tell(w, 3, {put_a, put_b});
  EXPECT_EQ(Judge(), "");
  w.complete_until = 5;
  EXPECT_EQ(Judge(), "W-11");
}

}  // namespace
}  // namespace quorate::check
