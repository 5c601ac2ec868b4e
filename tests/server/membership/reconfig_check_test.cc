#include "membership/reconfig_check.h"

namespace quorate::membership {
namespace {

// started: one letter a member, upper case voters that have started, lower case voters that have
// not, '.' a learner.
std::vector<Member> Members(const std::string& started) {
  std::vector<Member> members;
  for (std::size_t i = 0; i < started.size(); ++i) {
    Member member{.id = MemberId{i + 1}, .peer_urls = {"http://m:" + std::to_string(i)}};
    if (started[i] >= 'A' && started[i] <= 'Z') member.name = std::string(1, started[i]);
    member.is_learner = started[i] == '.';
    members.push_back(member);
  }
  return members;
}

Liveness Connected(std::initializer_list<std::uint64_t> ids) {
  Liveness liveness{.self = MemberId{1}, .connected = {}, .long_connected = {}};
  for (const std::uint64_t id : ids) {
    liveness.connected.insert(MemberId{id});
    liveness.long_connected.insert(MemberId{id});
  }
  return liveness;
}

TEST(ReconfigCheckTest, AddVoterNeedsAQuorumOfStartedAndConnectedMembers) {
  EXPECT_TRUE(CheckAddVoter(Members("A"), Connected({})).ok());
  EXPECT_TRUE(CheckAddVoter(Members("ABC"), Connected({2, 3})).ok());
  EXPECT_EQ(CheckAddVoter(Members("Ab"), Connected({})).error().message,
            "etcdserver: re-configuration failed due to not enough started members");
  EXPECT_EQ(CheckAddVoter(Members("ABC"), Connected({2})).error().message,
            "etcdserver: unhealthy cluster");
}

TEST(ReconfigCheckTest, ADeadVoterMayGoALiveOneOnlyWhileTheRestKeepsItsQuorum) {
  EXPECT_TRUE(CheckRemove(Members("ABC"), MemberId{3}, Connected({2})).ok());
  EXPECT_EQ(CheckRemove(Members("ABC"), MemberId{2}, Connected({2})).error().message,
            "etcdserver: unhealthy cluster");
  EXPECT_TRUE(CheckRemove(Members("ABC"), MemberId{2}, Connected({2, 3})).ok());
  EXPECT_EQ(CheckRemove(Members("ABc"), MemberId{2}, Connected({})).error().message,
            "etcdserver: re-configuration failed due to not enough started members");
  EXPECT_TRUE(CheckRemove(Members("A."), MemberId{2}, Connected({})).ok()) << "a learner";
  EXPECT_FALSE(CheckRemove(Members("A"), MemberId{1}, Connected({})).ok()) << "the last one";
}

TEST(ReconfigCheckTest, PromoteCountsTheLearnerAsStarted) {
  EXPECT_TRUE(CheckPromote(Members("A.")).ok());
  EXPECT_FALSE(CheckPromote(Members("Abcd.")).ok());
}

}  // namespace
}  // namespace quorate::membership
