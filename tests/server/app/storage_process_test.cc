// A member's store over restarts, as a user sees it.
#include <filesystem>

#include "server/app/members.h"
#include "support/wait.h"

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

std::vector<std::int32_t> Alarms(etcdclient::Client& client) {
  std::vector<std::int32_t> kinds;
  const auto listed = client.AlarmList();
  if (!listed.ok()) return kinds;
  for (const auto& alarm : listed->alarms()) kinds.push_back(alarm.alarm());
  return kinds;
}

// A reserve larger than the disk makes any disk a full one.
TEST(StorageTest, AMemberWhoseDiskIsNearlyFullTakesDeletionsButNoWrites) {
  Members members({"a"});
  members.StartAll();
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  auto client = members.Connect({"a"});
  ASSERT_EQ(Put(*client, "key", "v"), "");
  members.Kill("a");
  members.Start("a", {"a"}, {"--quorate-disk-reserve-bytes=1000000000000000"});
  client = members.Connect({"a"});
  ASSERT_TRUE(WaitFor([&] { return Get(*client, "key") == "v"; })) << members.Log("a");
  EXPECT_THAT(Put(*client, "key", "w"), HasSubstr("database space exceeded"));
  EXPECT_TRUE(WaitFor([&] { return Alarms(*client) == std::vector<std::int32_t>{1}; }));
  etcdserverpb::DeleteRangeRequest gone;
  gone.set_key("key");
  EXPECT_TRUE(client->DeleteRange(gone).ok());
  EXPECT_FALSE(std::filesystem::exists(members.DataDirectory("a") + "/member/reserve"));
  members.Kill("a");
  members.Start("a", {"a"});
  client = members.Connect({"a"});
  ASSERT_TRUE(WaitFor([&] { return Count(*client) == 0; })) << members.Log("a");
  const auto raised = client->AlarmList();
  ASSERT_TRUE(raised.ok());
  for (const auto& alarm : raised->alarms()) {
    EXPECT_TRUE(client->AlarmDisarm(MemberId{alarm.memberid()}, alarm.alarm()).ok());
  }
  EXPECT_EQ(Put(*client, "key", "w"), "");
}

}  // namespace
}  // namespace quorate::test
