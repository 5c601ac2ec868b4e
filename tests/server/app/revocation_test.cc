// A lease is ended only by a member that is certain to lead.
#include <deque>

#include "app/wiring.h"

namespace quorate::app {
namespace {

// A node whose linearizable reads wait until the test says what became of them.
class WaitingNode final : public node::Node {
 public:
  void Propose(std::uint64_t, std::string, Answer) override {}
  void ProposeLeading(std::uint64_t, std::string, Answer) override { ++proposals; }
  void ProposeConfChange(raft::ConfChange, Done) override {}
  void Read(node::Consistency consistency, Done read) override {
    EXPECT_EQ(consistency, node::Consistency::kLinearizable);
    reads.push_back(std::move(read));
  }
  void TransferLeadership(MemberId, Done) override {}
  void Post(std::function<void()> function) override { function(); }
  std::uint64_t NextRequestId() override { return 1; }
  node::Status status() const override { return state; }
  MemberId leader() const override { return state.leader; }
  Term term() const override { return state.term; }
  bool is_learner() const override { return false; }

  node::Status state{
      .self = MemberId{1}, .leader = MemberId{1}, .term = Term{5}, .role = raft::Role::kLeader};
  std::deque<Done> reads;
  int proposals = 0;
};

// A leader that had been stopped woke up, saw every lease at its end and asked for their end,
// although its successor had renewed them: the request, passed on after it had stepped down, took
// live leases.
TEST(RevocationTest, WaitsForTheProofThatThisMemberStillLeads) {
  WaitingNode node;
  RevokeWhileLeading(node, LeaseId{7});
  EXPECT_EQ(node.proposals, 0);
  node.reads.front()({});
  EXPECT_EQ(node.proposals, 1);
}

TEST(RevocationTest, DoesNotHappenWithoutThatProof) {
  for (const int story : {0, 1, 2}) {
    SCOPED_TRACE(story);
    WaitingNode node;
    RevokeWhileLeading(node, LeaseId{7});
    if (story == 0) node.state.role = raft::Role::kFollower;
    if (story == 1) node.state.term = Term{7};  // deposed and elected again: leases run anew
    node.reads.front()(story == 2 ? Status(Error{Code::kUnavailable, "timed out"}) : Status());
    EXPECT_EQ(node.proposals, 0);
  }
}

}  // namespace
}  // namespace quorate::app
