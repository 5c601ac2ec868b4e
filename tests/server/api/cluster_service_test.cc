// What other members ask about the members.
#include "api/cluster_service.h"

#include <deque>
#include <optional>

#include "later_environment.h"
#include "server/node/waiting_node.h"
#include "storage/batch.h"

namespace quorate::api {
namespace {

class PeerMembersTest : public testing::Test {
 protected:
  PeerMembersTest() {
    context_.node = &node_;
    context_.cluster = &cluster_;
    context_.environment = &environment_;
    Add(1);
  }
  void Add(std::uint64_t id) {
    raft::ConfChange change;
    change.type = raft::ConfChangeType::kAddNode;
    change.member = MemberId{id};
    membership::ChangeContext context;
    context.member = {.id = MemberId{id}, .peer_urls = {"http://m" + std::to_string(id)}};
    cluster_.Apply(change, context, batch_);
  }
  void Ask() {
    AnswerPeerMembers(context_, [this](std::string list) { answers_.push_back(std::move(list)); });
  }
  bool Names(const std::string& list, int member) {
    return list.find("http://m" + std::to_string(member)) != std::string::npos;
  }

  storage::Batch batch_;
  membership::Cluster cluster_{ClusterId{7}, 1};
  test::WaitingNode node_;
  LaterEnvironment environment_;
  Context context_{};
  std::deque<std::string> answers_;
};

// A member that lagged behind gave its old list to one that had just been added, which then could
// not start: "member count is unequal".
TEST_F(PeerMembersTest, WaitForWhatWasAgreedOn) {
  Ask();
  EXPECT_TRUE(answers_.empty());
  ASSERT_EQ(node_.reads.size(), 1U);
  Add(2);
  node_.reads.front()({});
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(Names(answers_[0], 2));
  for (const auto& task : environment_.later) task();
  EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(PeerMembersTest, AreToldAsKnownWhereNobodyLeads) {
  node_.state.leader = MemberId{};
  Ask();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(Names(answers_[0], 1));
}

TEST_F(PeerMembersTest, AreToldAsKnownWhenNobodyConfirmsInTime) {
  Ask();
  ASSERT_EQ(environment_.later.size(), 1U);
  environment_.later.front()();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(Names(answers_[0], 1));
  node_.reads.front()(Error{Code::kUnavailable, "etcdserver: request timed out"});
  EXPECT_EQ(answers_.size(), 1U);
}

// A learner that lacks much would hold up the commits of those who have just made it a voter.
class PeerPromoteTest : public PeerMembersTest {
 protected:
  PeerPromoteTest() {
    context_.identity.member = MemberId{1};
    context_.limits.strict_reconfig_check = false;
    raft::ConfChange change;
    change.type = raft::ConfChangeType::kAddLearnerNode;
    change.member = MemberId{2};
    membership::ChangeContext context;
    context.member = {.id = MemberId{2}, .peer_urls = {"http://m2"}, .is_learner = true};
    cluster_.Apply(change, context, batch_);
  }
  // "": it was proposed.
  std::string Promote(std::uint64_t member, std::uint64_t match, bool active) {
    node_.state.progress = {{MemberId{1}, LogIndex{100}, true, false},
                            {MemberId{2}, LogIndex{match}, active, true}};
    std::string answer;
    AnswerPeerPromote(context_, MemberId{member},
                      [&](Result<std::string> done) { answer = done.error().message; });
    return answer;
  }
};

TEST_F(PeerPromoteTest, ALearnerIsPromotedOnceItIsThereAndHasNineTenths) {
  const char* const not_ready =
      "etcdserver: can only promote a learner member which is in sync with leader";
  EXPECT_EQ(Promote(2, 89, true), not_ready);
  EXPECT_EQ(Promote(2, 100, false), not_ready);
  EXPECT_EQ(Promote(2, 90, true), "");
  EXPECT_EQ(Promote(1, 100, true), "etcdserver: can only promote a learner member");
  EXPECT_EQ(Promote(7, 100, true), "etcdserver: member not found");
}

}  // namespace
}  // namespace quorate::api
