#include "check/leases.h"

#include "check/history_maker.h"

namespace quorate::check {
namespace {

std::string Judge(const HistoryMaker& h, const LeaseOptions& options = {}) {
  const auto kv = CheckLinearizable(h.history);
  EXPECT_EQ(Rules(kv.findings), "");
  return Rules(CheckLeases(h.history, kv, options).findings);
}

// A lease of ten seconds with one key, granted at second 1.
class LeasesTest : public testing::Test {
 protected:
  LeasesTest() {
    h.now = kSecondOfTest;
    h.Grant(7, 10, 1);
    h.Put("a", "1", 2, 7);
  }
  void At(int second) { h.now = second * kSecondOfTest; }

  HistoryMaker h;
};

TEST_F(LeasesTest, AcceptsALeaseThatRanItsTime) {
  At(2);
  h.LeaseKeys(7, 9, {"a"}, 2);
  At(12);
  h.Get("a", std::nullopt, 3);
  h.KeepAlive(7, 0, 3);
  h.LeaseKeys(7, -1, {}, 3);
  const auto kv = CheckLinearizable(h.history);
  const auto verdict = CheckLeases(h.history, kv);
  EXPECT_EQ(Rules(verdict.findings), "");
  EXPECT_EQ(verdict.expired, 1U);
}

TEST_F(LeasesTest, FindsAnEarlyEnd) {
  At(10);
  h.Get("a", std::nullopt, 3);
  EXPECT_EQ(Judge(h), "L-2");
  EXPECT_EQ(Judge(h, {.early_slack = 2 * kSecondOfTest}), "");
}

TEST_F(LeasesTest, FindsAnEndThatForgotARenewal) {
  At(9);
  h.KeepAlive(7, 10, 2);
  At(12);
  h.Get("a", std::nullopt, 3);
  EXPECT_EQ(Judge(h), "L-2");
}

// A grant without an answer may take effect after somebody was told that there is no such lease.
TEST_F(LeasesTest, AcceptsALeaseThatComesLaterThanItsFirstRenewal) {
  etcdserverpb::LeaseGrantRequest grant;
  grant.set_id(8);
  grant.set_ttl(10);
  h.Lose(grant);
  h.KeepAlive(8, 0, 2);
  h.KeepAlive(8, 10, 2);
  EXPECT_EQ(Judge(h), "");
}

TEST_F(LeasesTest, AcceptsAnEarlyEndThatSomebodyAskedFor) {
  At(3);
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(7);
  h.Lose(request);
  h.Get("a", std::nullopt, 3);
  EXPECT_EQ(Judge(h), "");
}

// Its key went long before its time: by the deletion or by its end, nobody knows.
TEST_F(LeasesTest, AcceptsAnEarlyEndThatADeletionWithoutAnAnswerMayHaveBeen) {
  At(3);
  h.Lose(DeleteOp("a"));
  h.Get("a", std::nullopt, 3);
  h.KeepAlive(7, 10, 3);
  EXPECT_EQ(Judge(h), "");
}

TEST_F(LeasesTest, FindsAnEarlyEndThatNoDeletionWithoutAnAnswerCanHaveBeen) {
  At(3);
  h.Lose(DeleteOp("b"));  // another key
  h.Get("a", std::nullopt, 3);
  h.Lose(DeleteOp("a"));  // too late
  EXPECT_EQ(Judge(h), "L-2");
}

// One deletion can have taken one of the two keys; the other's lease was over too early.
TEST_F(LeasesTest, FindsThatOneDeletionCannotHaveBeenTwoEnds) {
  h.Grant(8, 10, 2);
  h.Put("b", "1", 3, 8);
  At(3);
  HistoryMaker twice = h;
  twice.Lose(DeleteOp("a", "z"));
  for (HistoryMaker* maker : {&h, &twice}) {
    maker->Lose(DeleteOp("a", "z"));
    maker->Get("a", std::nullopt, 4);
    maker->Get("b", std::nullopt, 5);
  }
  EXPECT_EQ(Judge(h), "L-2");
  EXPECT_EQ(Judge(twice), "");
}

TEST_F(LeasesTest, FindsARenewalAfterAnEndThatNoDeletionCanHaveBeen) {
  At(12);
  h.Lose(DeleteOp("b"));
  h.Get("a", std::nullopt, 3);
  EXPECT_EQ(Judge(h), "");
  h.KeepAlive(7, 10, 3);
  EXPECT_EQ(Judge(h), "L-5");
}

// Something is attached afterwards: then the lease had not ended, and the deletion is used up.
TEST_F(LeasesTest, KnowsThatALeaseToWhichSomethingIsAttachedLaterHadNotEnded) {
  At(3);
  h.Lose(DeleteOp("a"));
  h.Get("a", std::nullopt, 3);
  h.Put("a", "2", 4, 7);
  EXPECT_EQ(Judge(h), "");
  h.Get("a", std::nullopt, 5);
  EXPECT_EQ(Judge(h), "L-2");
}

TEST_F(LeasesTest, FindsARenewalAfterTheEnd) {
  At(3);
  h.Revoke(7, 3);
  EXPECT_EQ(Judge(h), "");
  h.KeepAlive(7, 10, 3);
  EXPECT_EQ(Judge(h), "L-5");
}

TEST_F(LeasesTest, FindsAPutWithALeaseThatIsNotThere) {
  h.Put("b", "2", 3, 8);
  EXPECT_EQ(Judge(h), "L-6");
}

TEST_F(LeasesTest, FindsAPutWithALeaseThatWasRevoked) {
  h.Revoke(7, 3);
  h.Put("b", "2", 4, 7);
  EXPECT_EQ(Judge(h), "L-6");
}

TEST_F(LeasesTest, FindsKeysThatWereNeverTheLeases) {
  h.LeaseKeys(7, 10, {"a", "b"}, 2);
  EXPECT_EQ(Judge(h), "L-6");
}

TEST_F(LeasesTest, FindsALeaseThatOutlivedItsEnd) {
  At(30);
  h.LeaseKeys(7, 1, {"a"}, 2);
  EXPECT_EQ(Judge(h), "");
  EXPECT_EQ(Judge(h, {.settled = 0, .late_max = 5 * kSecondOfTest}), "L-3");
}

TEST_F(LeasesTest, FindsAGrantWithALesserTtlOrAnotherId) {
  auto& grant = h.Grant(8, 10, 2);
  std::get<etcdserverpb::LeaseGrantResponse>(grant.response).set_ttl(9);
  EXPECT_EQ(Judge(h), "L-1");
  h.Grant(7, 10, 2);
  EXPECT_EQ(Judge(h), "L-1 L-1");
}

}  // namespace
}  // namespace quorate::check
