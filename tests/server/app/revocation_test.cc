// A lease is ended only by a member that is certain to lead.
#include "app/wiring.h"
#include "server/node/waiting_node.h"

namespace quorate::app {
namespace {

using test::WaitingNode;

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
