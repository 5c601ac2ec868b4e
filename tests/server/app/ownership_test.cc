#include "app/ownership.h"

#include "sim/disk.h"

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
  EXPECT_FALSE(OwnerOfName("a", roster, MemberId{1}, "/d"));
  EXPECT_FALSE(OwnerOfName("new", roster, MemberId{1}, "/d")) << "a name may change";
  const auto ending = OwnerOfName("b", roster, MemberId{1}, "/d");
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->code, ExitCode::kWrongIdentity);
  EXPECT_THAT(ending->message, HasSubstr("belongs to member 1, but b is member 2"));
}

}  // namespace
}  // namespace quorate::app
