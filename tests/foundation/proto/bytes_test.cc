// Golden bytes: what the messages that reach disks and peers look like on the wire.
#include <string>

#include "proto/lease.pb.h"
#include "proto/mvcc.pb.h"
#include "proto/raft_internal.pb.h"
#include "proto/rpc.pb.h"

namespace quorate {
namespace {

std::string Hex(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

TEST(ProtoBytesTest, KeyValueIsWhatTheStoreHolds) {
  mvccpb::KeyValue kv;
  kv.set_key("foo");
  kv.set_create_revision(2);
  kv.set_mod_revision(300);
  kv.set_version(1);
  kv.set_value("bar");
  kv.set_lease(0x694d);
  EXPECT_EQ(Hex(kv.SerializeAsString()), "0a03666f6f100218ac0220012a0362617230cdd201");
}

TEST(ProtoBytesTest, RaftEntryCarriesHeaderAfterTheRequest) {
  etcdserverpb::InternalRaftRequest request;
  request.mutable_header()->set_id(7);
  request.mutable_put()->set_key("a");
  request.mutable_put()->set_value("b");
  EXPECT_EQ(Hex(request.SerializeAsString()),
            "2206"
            "0a0161120162"
            "a20602"
            "0807");
}

TEST(ProtoBytesTest, PlainRangeOverAllKeysIsSixBytes) {
  etcdserverpb::RangeRequest request;
  request.set_key(std::string(1, '\0'));
  request.set_range_end(std::string(1, '\0'));
  EXPECT_EQ(Hex(request.SerializeAsString()),
            "0a0100"
            "120100");
}

TEST(ProtoBytesTest, CompareRangeEndUsesATwoByteTag) {
  etcdserverpb::Compare compare;
  compare.set_target(etcdserverpb::Compare::MOD);
  compare.set_key("k");
  compare.set_mod_revision(0);  // a set oneof is written even when zero
  compare.set_range_end("l");
  EXPECT_EQ(Hex(compare.SerializeAsString()),
            "1002"
            "1a016b"
            "3000"
            "8204016c");
}

TEST(ProtoBytesTest, EmptyAlarmGetIsEmpty) {
  etcdserverpb::AlarmRequest request;
  request.set_action(etcdserverpb::AlarmRequest::GET);
  EXPECT_EQ(request.ByteSizeLong(), 0U);
}

TEST(ProtoBytesTest, UnknownFieldsSurviveARoundTrip) {
  // A newer member may add fields; an older one that forwards the bytes must not drop them.
  const std::string bytes("\x08\x05\xf8\x3f\x01", 5);  // ID=5, field 1023=1
  leasepb::Lease lease;
  ASSERT_TRUE(lease.ParseFromString(bytes));
  EXPECT_EQ(lease.id(), 5);
  EXPECT_EQ(lease.SerializeAsString(), bytes);
}

}  // namespace
}  // namespace quorate
