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

// A client sent a transaction of 50 nested ones, as deep as protobuf reads by default. As a field
// of an entry it was one message deeper: every member refused to apply it and stopped, at each
// start.
TEST(RequestTest, AnEntryMayBeDeeperThanAnyRequest) {
  constexpr int kNested = 50;
  etcdserverpb::TxnRequest txn;
  for (int i = 0; i < kNested; ++i) {
    etcdserverpb::TxnRequest outer;
    *outer.add_success()->mutable_request_txn() = txn;
    txn = outer;
  }
  const std::string bytes = txn.SerializeAsString();
  ASSERT_TRUE(etcdserverpb::TxnRequest().ParseFromString(bytes));
  const std::string entry = MakeRequest(RequestField::kTxn, bytes, 7);
  etcdserverpb::InternalRaftRequest parsed;
  EXPECT_FALSE(parsed.ParseFromString(entry));
  EXPECT_TRUE(ParseEntry(entry, &parsed));
  EXPECT_EQ(parsed.txn().SerializeAsString(), bytes);
  EXPECT_EQ(RequestId(entry), 7U);
}

TEST(RequestTest, AnEntrysTextNeedNotBeUtf8) {
  membershippb::ClusterMemberAttrSetRequest set;
  set.set_member_id(1);
  set.mutable_member_attributes()->set_name("a\xff");
  const std::string entry =
      MakeRequest(RequestField::kClusterMemberAttrSet, set.SerializeAsString(), 7);
  etcdserverpb::InternalRaftRequest parsed;
  ASSERT_TRUE(ParseEntry(entry, &parsed));
  EXPECT_EQ(parsed.cluster_member_attr_set().member_attributes().name(), "a\xff");
}

TEST(RequestTest, AFieldOfAnotherTypeIsNotTheField) {
  // Key as a fixed number: protobuf skips it as unknown, so no key was given.
  const auto view = DecodePut(std::string_view("\x09garbage!", 9));
  ASSERT_TRUE(view.has_value());
  EXPECT_TRUE(view->key.empty());
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
