#include "apply/request.h"

#include "proto/raft_internal.pb.h"

namespace quorate::apply {
namespace {

TEST(RequestTest, IsTheBytesThatAProtobufObjectWouldGive) {
  etcdserverpb::PutRequest put;
  put.set_key("k");
  put.set_value(std::string(300, 'v'));
  put.set_lease(-5);
  put.set_prev_kv(true);
  etcdserverpb::InternalRaftRequest expected;
  *expected.mutable_put() = put;
  expected.mutable_header()->set_id(0xfedcba9876543210U);
  const std::string bytes =
      MakeRequest(RequestField::kPut, put.SerializeAsString(), 0xfedcba9876543210U);
  EXPECT_EQ(bytes, expected.SerializeAsString());
  EXPECT_EQ(RequestId(bytes), 0xfedcba9876543210U);
  const auto view = DecodePut(*MessageOf(bytes, RequestField::kPut));
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->key, "k");
  EXPECT_EQ(view->value, put.value());
  EXPECT_EQ(view->lease, LeaseId{-5});
  EXPECT_TRUE(view->prev_kv);
  EXPECT_FALSE(view->ignore_value);
  EXPECT_FALSE(MessageOf(bytes, RequestField::kTxn).has_value());
}

TEST(RequestTest, OlderMembersPutTheIdElsewhere) {
  etcdserverpb::InternalRaftRequest request;
  request.set_id(9);
  request.mutable_compaction()->set_revision(1);
  EXPECT_EQ(RequestId(request.SerializeAsString()), 9U);
}

TEST(RequestTest, GarbageIsNeverBelievedNorRead) {
  etcdserverpb::PutRequest put;
  put.set_key("key");
  put.set_value("value");
  const std::string bytes = put.SerializeAsString();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto view = DecodePut(bytes.substr(0, size));
    if (!view) continue;
    EXPECT_LE(view->key.size() + view->value.size(), size);
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(3, static_cast<char>(byte));
    RequestId(text);
    MessageOf(text, RequestField::kPut);
    DecodePut(text);
  }
  EXPECT_FALSE(DecodePut("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f").has_value());
}

}  // namespace
}  // namespace quorate::apply
