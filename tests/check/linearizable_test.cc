#include "check/linearizable.h"

#include "check/history_maker.h"

namespace quorate::check {
namespace {

std::string Judge(const HistoryMaker& h) {
  const auto verdict = CheckLinearizable(h.history);
  return Rules(verdict.findings) + (verdict.undecided ? " undecided" : "");
}

TEST(LinearizableTest, AcceptsWhatOneClientDidAlone) {
  HistoryMaker h;
  h.Get("a", std::nullopt, 1);
  h.Put("a", "1", 2);
  h.Get("a", Kv("a", "1", 2, 2, 1), 2);
  h.Put("a", "2", 3);
  h.Put("b", "3", 4);
  h.Get("a", Kv("a", "2", 2, 3, 2), 4);
  h.Delete("a", 1, 5);
  h.Delete("a", 0, 5);
  h.Get("a", std::nullopt, 5);
  h.Put("a", "4", 6);
  h.Get("a", Kv("a", "4", 6, 6, 1), 6);
  EXPECT_EQ(Judge(h), "");
}

TEST(LinearizableTest, FindsTwoRequestsThatMadeOneRevision) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("b", "2", 2);
  EXPECT_THAT(Judge(h), testing::StartsWith("KV-1"));
}

TEST(LinearizableTest, FindsARevisionThatNobodyMade) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("a", "2", 4);
  EXPECT_EQ(Judge(h), "KV-1");
}

TEST(LinearizableTest, FindsAStaleRead) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("a", "2", 3);
  h.Get("a", Kv("a", "1", 2, 2, 1), 2);
  EXPECT_EQ(Judge(h), "KV-2");
}

TEST(LinearizableTest, AcceptsAReadThatRacesWithAWrite) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("a", "2", 3).returned = 1000;
  h.Get("a", Kv("a", "1", 2, 2, 1), 2);
  EXPECT_EQ(Judge(h), "");
}

TEST(LinearizableTest, FindsAWriteThatTookARevisionSeenBefore) {
  HistoryMaker h;
  h.Lose(PutOp("a", "1"));
  h.Get("a", Kv("a", "1", 2, 2, 1), 2);
  h.Put("b", "2", 2);  // the log was lost and made again
  EXPECT_THAT(Judge(h), testing::HasSubstr("KV-2"));
}

TEST(LinearizableTest, FindsAWrongValueAVersionAndACount) {
  for (const auto& wrong : {Kv("a", "x", 2, 2, 1), Kv("a", "1", 1, 2, 1), Kv("a", "1", 2, 2, 2),
                            Kv("a", "1", 2, 2, 1, 7)}) {
    HistoryMaker h;
    h.Put("a", "1", 2);
    h.Get("a", wrong, 2);
    EXPECT_EQ(Judge(h), "KV-3");
  }
  HistoryMaker h;
  h.Put("a", "1", 2);
  auto& get = h.Get("a", Kv("a", "1", 2, 2, 1), 2);
  std::get<etcdserverpb::ResponseOp>(get.response).mutable_response_range()->set_count(2);
  EXPECT_EQ(Judge(h), "KV-3");
}

TEST(LinearizableTest, FindsALostWrite) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("b", "2", 3);
  h.Get("a", std::nullopt, 3);
  EXPECT_EQ(Judge(h), "KV-3");
}

TEST(LinearizableTest, TellsAWriteWithoutAnAnswerByItsValue) {
  HistoryMaker h;
  h.Lose(PutOp("a", "1"));
  h.Lose(PutOp("a", "2"));
  h.Lose(PutOp("a", "3"));
  h.Get("a", Kv("a", "2", 2, 2, 1), 2);
  const auto verdict = CheckLinearizable(h.history);
  EXPECT_EQ(Rules(verdict.findings), "");
  EXPECT_EQ(verdict.revision_of, (std::vector<std::int64_t>{0, 2, 0, 2}));
  EXPECT_EQ(verdict.unknown_happened, 1U);
  EXPECT_EQ(verdict.unknown_absent, 2U);
}

TEST(LinearizableTest, FindsAValueThatWasSeenBeforeItWasAskedFor) {
  HistoryMaker h;
  h.Get("a", Kv("a", "1", 2, 2, 1), 2);
  h.Lose(PutOp("a", "1"));
  EXPECT_EQ(Judge(h), "KV-1");
}

TEST(LinearizableTest, FindsAValueThatNobodyWrote) {
  HistoryMaker h;
  h.Get("a", Kv("a", "?", 2, 2, 1), 2);
  EXPECT_EQ(Judge(h), "KV-1");
}

TEST(LinearizableTest, FindsARefusedWriteThatHappened) {
  HistoryMaker h;
  h.Refuse(PutOp("a", "1"), "etcdserver: mvcc: database space exceeded");
  h.Get("a", Kv("a", "1", 2, 2, 1), 2);
  EXPECT_THAT(Judge(h), testing::StartsWith("KV-5"));
}

TEST(LinearizableTest, TakesBackAGuessThatProvesWrong) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("b", "2", 3);
  h.Lose(DeleteOp("a"));
  h.Lose(DeleteOp("b"));
  // Revision 4 was one of the two; nothing tells which, until the reads at 5.
  h.Put("c", "3", 5);
  h.Get("a", Kv("a", "1", 2, 2, 1), 5);
  h.Get("b", std::nullopt, 5);
  const auto verdict = CheckLinearizable(h.history);
  EXPECT_EQ(Rules(verdict.findings), "");
  EXPECT_EQ(verdict.revision_of[3], 4);
  EXPECT_GE(verdict.guesses, 1U);
}

TEST(LinearizableTest, FindsThatNoGuessIsRight) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("b", "2", 3);
  h.Lose(DeleteOp("a"));
  h.Lose(DeleteOp("b"));
  h.Put("c", "3", 5);
  h.Get("a", Kv("a", "1", 2, 2, 1), 5);
  h.Get("b", Kv("b", "2", 3, 3, 1), 5);
  EXPECT_THAT(Judge(h), testing::StartsWith("KV-3"));
}

TEST(LinearizableTest, IsUndecidedWhenGuessesRunOut) {
  HistoryMaker h;
  for (int i = 0; i < 12; ++i) h.Put("k" + std::to_string(i), std::to_string(i), 2 + i);
  for (int i = 0; i < 12; ++i) h.Lose(DeleteOp("k" + std::to_string(i)));
  h.Put("z", "z", 20);  // six of twelve, in any order
  h.Get("z", Kv("z", "not this", 20, 20, 1), 20);
  const auto verdict = CheckLinearizable(h.history, {.guesses_max = 1000});
  EXPECT_TRUE(verdict.undecided);
  EXPECT_FALSE(verdict.ok());
}

TEST(LinearizableTest, StaleReadsMayBeOldButNeverWrongAndNeverGoBack) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("a", "2", 3);
  h.GetStale("a", Kv("a", "1", 2, 2, 1), 2, 7);
  h.GetStale("a", Kv("a", "2", 2, 3, 2), 3, 7);
  EXPECT_EQ(Judge(h), "");
  h.GetStale("a", Kv("a", "1", 2, 2, 1), 2, 8);  // another member
  EXPECT_EQ(Judge(h), "");
  h.GetStale("a", Kv("a", "1", 2, 2, 1), 2, 7);
  EXPECT_EQ(Judge(h), "KV-9");
  h.GetStale("a", Kv("a", "1", 2, 2, 1), 3, 9);
  EXPECT_THAT(Judge(h), testing::HasSubstr("KV-8"));
}

TEST(LinearizableTest, FindsAnotherClusterAndATermThatWentBack) {
  HistoryMaker h;
  h.Put("a", "1", 2).life = 1;
  h.Put("a", "2", 3).life = 1;
  auto& first = std::get<etcdserverpb::ResponseOp>(h.history.operations[0].response);
  first.mutable_response_put()->mutable_header()->set_raft_term(2);
  EXPECT_EQ(Judge(h), "KV-9");
  auto& second = std::get<etcdserverpb::ResponseOp>(h.history.operations[1].response);
  second.mutable_response_put()->mutable_header()->set_raft_term(2);
  EXPECT_EQ(Judge(h), "");
  second.mutable_response_put()->mutable_header()->set_cluster_id(2);
  EXPECT_EQ(Judge(h), "KV-9");
}

TEST(LinearizableTest, FindsAReadBelowACompaction) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  h.Put("a", "2", 3);
  h.Compact(3, 3);
  auto& get = h.Get("a", Kv("a", "1", 2, 2, 1), 3);
  std::get<etcdserverpb::RequestOp>(get.request).mutable_request_range()->set_revision(2);
  EXPECT_EQ(Judge(h), "KV-10");
  h.history.operations.back().invoked = 0;  // it began before
  EXPECT_EQ(Judge(h), "");
}

TEST(LinearizableTest, TransactionsCompareBeforeTheyChangeAnything) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  etcdserverpb::RequestOp request;
  auto& txn = *request.mutable_request_txn();
  auto& compare = *txn.add_compare();
  compare.set_key("a");
  compare.set_target(etcdserverpb::Compare::VALUE);
  compare.set_value("1");
  *txn.add_success() = PutOp("a", "2");
  auto& inner = *txn.add_success()->mutable_request_txn();  // sees "1" in its compare
  *inner.add_compare() = compare;
  *inner.add_success() = GetOp("a");  // and "2" in its read
  *txn.add_failure() = GetOp("a");

  etcdserverpb::ResponseOp response;
  auto& answer = *response.mutable_response_txn();
  answer.set_succeeded(true);
  answer.add_responses()->mutable_response_put();
  auto& inner_answer = *answer.add_responses()->mutable_response_txn();
  inner_answer.set_succeeded(true);
  auto& read = *inner_answer.add_responses()->mutable_response_range();
  *read.add_kvs() = Kv("a", "2", 2, 3, 2);
  read.set_count(1);
  SetHeader(response, 3);
  h.Add(request, response);
  EXPECT_EQ(Judge(h), "");
  inner_answer.set_succeeded(false);
  inner_answer.clear_responses();
  h.history.operations.back().response = response;
  EXPECT_EQ(Judge(h), "KV-3");
}

TEST(LinearizableTest, AReadOnlyBranchTakesNoRevision) {
  HistoryMaker h;
  h.Put("a", "1", 2);
  etcdserverpb::RequestOp request;
  auto& txn = *request.mutable_request_txn();
  txn.add_compare()->set_key("a");  // version = 0: not there
  *txn.add_success() = PutOp("a", "2");
  *txn.add_failure() = GetOp("a");
  etcdserverpb::ResponseOp response;
  auto& read = *response.mutable_response_txn()->add_responses()->mutable_response_range();
  *read.add_kvs() = Kv("a", "1", 2, 2, 1);
  read.set_count(1);
  SetHeader(response, 2);
  h.Add(request, response);
  EXPECT_EQ(Judge(h), "");
  response.mutable_response_txn()->set_succeeded(true);
  h.history.operations.back().response = response;
  EXPECT_EQ(Judge(h), "KV-3");
}

TEST(LinearizableTest, ALeasesEndTakesAllItsKeysInOneRevision) {
  HistoryMaker h;
  h.Grant(7, 10, 1);
  h.Put("a", "1", 2, 7);
  h.Put("b", "2", 3, 7);
  h.Put("c", "3", 4);
  h.Revoke(7, 5);
  h.Get("a", std::nullopt, 5);
  h.Get("b", std::nullopt, 5);
  h.Get("c", Kv("c", "3", 4, 4, 1), 5);
  EXPECT_EQ(Judge(h), "");
  h.history.operations[4].response = etcdserverpb::LeaseRevokeResponse();
  std::get<etcdserverpb::LeaseRevokeResponse>(h.history.operations[4].response)
      .mutable_header()
      ->set_revision(4);
  std::get<etcdserverpb::LeaseRevokeResponse>(h.history.operations[4].response)
      .mutable_header()
      ->set_cluster_id(1);
  EXPECT_EQ(Judge(h), "L-4");  // done, it said, and the keys were still there
}

TEST(LinearizableTest, RangesAreThoseOfTheDocumentation) {
  HistoryMaker h;
  const std::string all(1, '\0');
  h.Put("a", "3", 2);
  h.Put("b", "1", 3);
  h.Put("c", "2", 4);
  const auto check = [&](auto change, std::vector<mvccpb::KeyValue> kvs, std::int64_t count,
                         bool more) {
    etcdserverpb::RequestOp request = GetOp(all, all);
    change(*request.mutable_request_range());
    etcdserverpb::ResponseOp response;
    auto& range = *response.mutable_response_range();
    for (const auto& kv : kvs) *range.add_kvs() = kv;
    range.set_count(count);
    range.set_more(more);
    SetHeader(response, 4);
    HistoryMaker with = h;
    with.Add(request, response);
    EXPECT_EQ(Judge(with), "");
  };
  using etcdserverpb::RangeRequest;
  const auto a = Kv("a", "3", 2, 2, 1), b = Kv("b", "1", 3, 3, 1), c = Kv("c", "2", 4, 4, 1);
  check([](auto& r) { r.set_limit(2); }, {a, b}, 3, true);
  check([](auto& r) { r.set_sort_target(RangeRequest::VALUE); }, {b, c, a}, 3, false);
  check([](auto& r) { r.set_sort_order(RangeRequest::DESCEND); }, {c, b, a}, 3, false);
  check([](auto& r) { r.set_min_mod_revision(3); }, {b, c}, 3, false);
  check([](auto& r) { r.set_count_only(true); }, {}, 3, false);
  check([](auto& r) { r.set_revision(3); }, {a, b}, 2, false);
  check([](auto& r) { r.set_key("b"); }, {b, c}, 2, false);
  check([](auto& r) { r.set_range_end("b"); }, {a}, 1, false);
  check([](auto& r) { r.set_key("z"), r.set_range_end("b"); }, {}, 0, false);
}

}  // namespace
}  // namespace quorate::check
