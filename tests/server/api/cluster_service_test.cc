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

}  // namespace
}  // namespace quorate::api
