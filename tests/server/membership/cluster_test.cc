#include "membership/cluster.h"

#include "storage/memory_backend.h"

namespace quorate::membership {
namespace {

using raft::ConfChange;
using raft::ConfChangeType;

class ClusterTest : public testing::Test {
 protected:
  static ChangeContext Context(std::uint64_t id, const std::string& url, bool learner = false) {
    return {.member = {.id = MemberId{id}, .peer_urls = {url}, .is_learner = learner},
            .is_promote = false};
  }
  static ConfChange Change(ConfChangeType type, std::uint64_t id) {
    return {.id = 1, .type = type, .member = MemberId{id}, .context = {}};
  }

  std::string Try(ConfChangeType type, const ChangeContext& context) {
    const ConfChange change = Change(type, context.member.id.value);
    if (const Status status = cluster_.Validate(change, context); !status.ok()) {
      return status.error().message;
    }
    cluster_.Apply(change, context, batch_);
    return "ok";
  }

  Cluster cluster_{ClusterId{0xc}, 1};
  storage::Batch batch_;
};

TEST_F(ClusterTest, AddsPromotesUpdatesAndRemoves) {
  EXPECT_EQ(Try(ConfChangeType::kAddNode, Context(1, "http://a:1")), "ok");
  EXPECT_EQ(Try(ConfChangeType::kAddLearnerNode, Context(2, "http://b:1", true)), "ok");
  ChangeContext promote = Context(2, "");
  promote.is_promote = true;
  EXPECT_EQ(Try(ConfChangeType::kAddNode, promote), "ok");
  EXPECT_FALSE(cluster_.roster()->Find(MemberId{2})->is_learner);
  EXPECT_EQ(cluster_.roster()->Find(MemberId{2})->peer_urls.at(0), "http://b:1");
  EXPECT_EQ(Try(ConfChangeType::kUpdateNode, Context(2, "http://c:1")), "ok");
  EXPECT_EQ(cluster_.roster()->Find(MemberId{2})->peer_urls.at(0), "http://c:1");
  EXPECT_EQ(Try(ConfChangeType::kRemoveNode, Context(2, "")), "ok");
  EXPECT_TRUE(cluster_.roster()->removed.contains(MemberId{2}));
}

TEST_F(ClusterTest, AnUpdateLeavesALearnerALearner) {
  Try(ConfChangeType::kAddNode, Context(1, "http://a:1"));
  Try(ConfChangeType::kAddLearnerNode, Context(2, "http://b:1", true));
  EXPECT_EQ(Try(ConfChangeType::kUpdateNode, Context(2, "http://c:1")), "ok");
  EXPECT_TRUE(cluster_.roster()->Find(MemberId{2})->is_learner);
}

TEST_F(ClusterTest, RefusesWhatEtcdRefusesInItsWords) {
  Try(ConfChangeType::kAddNode, Context(1, "http://a:1"));
  EXPECT_EQ(Try(ConfChangeType::kAddNode, Context(1, "http://b:1")),
            "etcdserver: member ID already exist");
  EXPECT_EQ(Try(ConfChangeType::kAddNode, Context(2, "http://a:1")),
            "etcdserver: Peer URLs already exists");
  EXPECT_EQ(Try(ConfChangeType::kRemoveNode, Context(9, "")), "etcdserver: member not found");
  ChangeContext promote = Context(1, "");
  promote.is_promote = true;
  EXPECT_EQ(Try(ConfChangeType::kAddNode, promote),
            "etcdserver: can only promote a learner member");
  EXPECT_EQ(Try(ConfChangeType::kAddLearnerNode, Context(3, "http://c:1", true)), "ok");
  EXPECT_EQ(Try(ConfChangeType::kAddLearnerNode, Context(4, "http://d:1", true)),
            "etcdserver: too many learner members in cluster");
}

TEST_F(ClusterTest, ARemovedIdNeverComesBack) {
  Try(ConfChangeType::kAddNode, Context(1, "http://a:1"));
  Try(ConfChangeType::kAddNode, Context(2, "http://b:1"));
  Try(ConfChangeType::kRemoveNode, Context(2, ""));
  EXPECT_EQ(Try(ConfChangeType::kAddNode, Context(2, "http://b:1")),
            "etcdserver: member not found");
}

// Of two voters and a learner one was removed; the learner knew first, told it, and it ended. The
// other voter, which did not know yet, could never lead without it.
TEST_F(ClusterTest, OnlyAVoterTellsTheRemoved) {
  Try(ConfChangeType::kAddNode, Context(1, "http://a:1"));
  Try(ConfChangeType::kAddNode, Context(2, "http://b:1"));
  Try(ConfChangeType::kAddLearnerNode, Context(3, "http://c:1", true));
  Try(ConfChangeType::kRemoveNode, Context(2, ""));
  EXPECT_TRUE(cluster_.roster()->TellsRemoved(MemberId{1}));
  EXPECT_FALSE(cluster_.roster()->TellsRemoved(MemberId{2})) << "removed itself";
  EXPECT_FALSE(cluster_.roster()->TellsRemoved(MemberId{3})) << "a learner";
}

TEST_F(ClusterTest, ComesBackFromItsRows) {
  Try(ConfChangeType::kAddNode, Context(1, "http://a:1"));
  Try(ConfChangeType::kAddNode, Context(2, "http://b:1"));
  Try(ConfChangeType::kRemoveNode, Context(2, ""));
  cluster_.SetAttributes(MemberId{1}, "one", {"http://a:2"}, batch_);
  cluster_.SetVersion({3, 6, 0}, batch_);
  storage::MemoryBackend store(std::make_shared<storage::MemoryStorage>());
  ASSERT_TRUE(store.Commit(batch_, {LogIndex{1}, Term{1}}).ok());

  Cluster loaded(ClusterId{0xc}, 1);
  ASSERT_TRUE(loaded.Load(store).ok());
  EXPECT_EQ(loaded.roster()->List(), cluster_.roster()->List());
  EXPECT_EQ(loaded.roster()->removed, cluster_.roster()->removed);
  EXPECT_EQ(loaded.roster()->version, (Version{3, 6, 0}));
}

}  // namespace
}  // namespace quorate::membership
