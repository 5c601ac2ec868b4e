// A member's store over restarts, as a user sees it.
#include "server/app/members.h"

namespace quorate::test {
namespace {

using testing::HasSubstr;

// 4,000 keys in 40 transactions.
void Fill(etcdclient::Client& client) {
  for (int i = 0; i < 40; ++i) {
    etcdserverpb::TxnRequest txn;
    for (int n = 0; n < 100; ++n) {
      auto* put = txn.add_success()->mutable_request_put();
      put->set_key("key" + std::to_string(i * 100 + n));
      put->set_value("v");
    }
    ASSERT_TRUE(client.Txn(txn).ok());
  }
}

std::int64_t Count(etcdclient::Client& client) {
  etcdserverpb::RangeRequest all;
  all.set_key("key");
  all.set_range_end("kez");
  all.set_count_only(true);
  const auto counted = client.Range(all);
  return counted.ok() ? counted->count() : -1;
}

TEST(StorageTest, AStoppedMemberStartsFromItsIndexCheckpoint) {
  Members members({"a"});
  members.StartAll();
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  const auto client = members.Connect({"a"});
  Fill(*client);
  EXPECT_EQ(members.Terminate("a"), 128 + 15);
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  EXPECT_EQ(Count(*client), 4000);
  EXPECT_THAT(members.Log("a"), HasSubstr("\"checkpoint\":true,\"rows-read\":0"));
  ASSERT_EQ(Put(*client, "key1", "w"), "");
  members.Kill("a");
  members.Start("a", {"a"});
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  EXPECT_EQ(Get(*client, "key1"), "w");
  EXPECT_EQ(Count(*client), 4000);
}

}  // namespace
}  // namespace quorate::test
