#include "app/ownership.h"

#include "apply/request.h"
#include "proto/membership.pb.h"
#include "sim/disk.h"
#include "wire/raftpb.h"

namespace quorate::app {
namespace {

using testing::HasSubstr;

TEST(OwnershipTest, OneProcessUsesADirectoryUntilItEnds) {
  sim::Disk disk{1};
  ASSERT_TRUE(disk.MakeDirectories("/member").ok());
  auto first = LockDirectory(disk, "/member").value();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(LockDirectory(disk, "/member").value(), nullptr);
  first.reset();
  EXPECT_NE(LockDirectory(disk, "/member").value(), nullptr);
}

TEST(OwnershipTest, OnlyTheExpectedClustersDirectoryIsUsed) {
  EXPECT_FALSE(OwnerCluster({}, ClusterId{8}, "/d")) << "nothing was expected";
  EXPECT_FALSE(OwnerCluster(ClusterId{8}, ClusterId{8}, "/d"));
  const auto ending = OwnerCluster(ClusterId{7}, ClusterId{8}, "/d");
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->code, ExitCode::kWrongIdentity);
  EXPECT_THAT(ending->message, HasSubstr("belongs to cluster 8, not to the expected 7"));
}

TEST(OwnershipTest, AnotherMembersDirectoryIsKnownByOurName) {
  membership::Roster roster;
  roster.members[MemberId{1}].name = "a";
  roster.members[MemberId{2}].name = "b";
  EXPECT_FALSE(OwnerOfName("a", roster, {}, MemberId{1}, "/d"));
  EXPECT_FALSE(OwnerOfName("new", roster, {}, MemberId{1}, "/d")) << "a name may change";
  const auto ending = OwnerOfName("b", roster, {}, MemberId{1}, "/d");
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->code, ExitCode::kWrongIdentity);
  EXPECT_THAT(ending->message, HasSubstr("belongs to member 1, but b is member 2"));
}

raft::Entry Change(std::uint64_t index, raft::ConfChangeType type, std::uint64_t member) {
  return {raft::EntryType::kConfChange, Term{1}, LogIndex{index},
          raft::Payload(wire::EncodeConfChange({.type = type, .member = MemberId{member}}))};
}

raft::Entry Named(std::uint64_t index, std::uint64_t member, const std::string& name) {
  membershippb::ClusterMemberAttrSetRequest request;
  request.set_member_id(member);
  request.mutable_member_attributes()->set_name(name);
  return {raft::EntryType::kNormal, Term{1}, LogIndex{index},
          raft::Payload(apply::MakeRequest(apply::RequestField::kClusterMemberAttrSet,
                                           request.SerializeAsString(), 1))};
}

// A store is flushed every ten thousand entries or so. A young cluster's held no names, and a
// member went on as another one, which was running too.
TEST(OwnershipTest, NamesThatOnlyTheLogHasCountToo) {
  raft::Start start;
  start.entries = {Change(1, raft::ConfChangeType::kAddNode, 1),
                   Change(2, raft::ConfChangeType::kAddNode, 2), Named(3, 1, "a"), Named(4, 2, "b"),
                   Change(5, raft::ConfChangeType::kRemoveNode, 2)};
  start.hard_state.commit = LogIndex{4};
  EXPECT_TRUE(OwnerOfName("b", {}, start, MemberId{1}, "/d"));
  EXPECT_FALSE(OwnerOfName("a", {}, start, MemberId{1}, "/d"));
  start.hard_state.commit = LogIndex{3};
  EXPECT_FALSE(OwnerOfName("b", {}, start, MemberId{1}, "/d")) << "not committed";
  start.hard_state.commit = LogIndex{5};
  EXPECT_FALSE(OwnerOfName("b", {}, start, MemberId{1}, "/d")) << "its successor may be called so";
}

// A member was replaced by one of the same name, which lost power while it was being caught up: it
// found its predecessor in its store, and took the directory for that one's.
TEST(OwnershipTest, WhoDoesNotKnowItselfYetIsNotBlamedForItsPredecessor) {
  membership::Roster roster;
  roster.members[MemberId{1}].name = "a";
  roster.members[MemberId{2}].name = "b";
  EXPECT_FALSE(OwnerOfName("b", roster, {}, MemberId{3}, "/d"));
}

}  // namespace
}  // namespace quorate::app
