#include "apply/txn.h"

#include <google/protobuf/text_format.h>

#include "server/apply/machine.h"

namespace quorate::apply {
namespace {

class TxnTest : public testing::Test {
 protected:
  TxnTest() {
    EXPECT_TRUE(machine_.Put("a", "1").ok());
    EXPECT_TRUE(machine_.Put("b", "2").ok());
  }

  Result<etcdserverpb::TxnResponse> Run(const std::string& text) {
    etcdserverpb::TxnRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
    return machine_.Apply<etcdserverpb::TxnResponse>(RequestField::kTxn, request);
  }
  bool Succeeds(const std::string& compare) {
    return Run("compare {" + compare + "}")->succeeded();
  }

  Machine machine_;
};

TEST_F(TxnTest, ChoosesTheBranchByItsCompares) {
  auto response =
      Run("compare { key: 'a' target: VALUE value: '1' }"
          "success { request_put { key: 'c' value: '3' } }"
          "failure { request_put { key: 'd' value: '4' } }");
  ASSERT_TRUE(response.ok());
  EXPECT_TRUE(response->succeeded());
  EXPECT_EQ(machine_.Content(), "a=1 b=2 c=3");
  EXPECT_EQ(response->header().revision(), 4);
  EXPECT_EQ(response->responses(0).response_put().header().revision(), 4);
  EXPECT_EQ(response->responses(0).response_put().header().cluster_id(), 0U);
}

TEST_F(TxnTest, ComparesAsEtcdDoes) {
  EXPECT_TRUE(Succeeds("key: 'a' target: VERSION result: EQUAL version: 1"));
  EXPECT_TRUE(Succeeds("key: 'b' target: CREATE result: GREATER create_revision: 2"));
  EXPECT_TRUE(Succeeds("key: 'b' target: MOD result: LESS mod_revision: 4"));
  EXPECT_TRUE(Succeeds("key: 'b' target: VALUE result: NOT_EQUAL value: '1'"));
  EXPECT_TRUE(Succeeds("key: 'a' target: LEASE result: EQUAL lease: 0"));
  EXPECT_TRUE(Succeeds("key: 'a' range_end: 'c' target: VERSION result: EQUAL version: 1"));
  EXPECT_FALSE(Succeeds("key: 'a' range_end: 'c' target: VALUE result: EQUAL value: '1'"));
}

TEST_F(TxnTest, AMissingKeyIsZeroButNeverHasAValue) {
  EXPECT_TRUE(Succeeds("key: 'x' target: VERSION result: EQUAL version: 0"));
  EXPECT_TRUE(Succeeds("key: 'x' target: CREATE result: EQUAL create_revision: 0"));
  EXPECT_FALSE(Succeeds("key: 'x' target: VALUE result: EQUAL value: ''"));
  EXPECT_FALSE(Succeeds("key: 'x' target: VALUE result: NOT_EQUAL value: 'y'"));
}

TEST_F(TxnTest, LaterOperationsSeeEarlierOnes) {
  const auto response =
      Run("success { request_put { key: 'c' value: '3' } }"
          "success { request_range { key: 'c' } }"
          "success { request_delete_range { key: 'a' range_end: 'c' prev_kv: true } }"
          "success { request_range { key: 'a' range_end: 'z' } }");
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->responses(1).response_range().kvs(0).value(), "3");
  EXPECT_EQ(response->responses(2).response_delete_range().deleted(), 2);
  EXPECT_EQ(response->responses(2).response_delete_range().prev_kvs(1).value(), "2");
  EXPECT_EQ(response->responses(3).response_range().count(), 1);
  EXPECT_EQ(machine_.store().revision(), Revision{4}) << "one revision for all of it";
}

TEST_F(TxnTest, NestedComparesSeeTheStateBeforeTheTransaction) {
  const auto response =
      Run("success { request_delete_range { key: 'b' } }"
          "success { request_txn { compare { key: 'b' target: VALUE value: '2' }"
          "                        success { request_put { key: 'c' value: 'yes' } }"
          "                        failure { request_put { key: 'c' value: 'no' } } } }");
  ASSERT_TRUE(response.ok());
  EXPECT_TRUE(response->responses(1).response_txn().succeeded());
  EXPECT_EQ(response->responses(1).response_txn().header().revision(), 0);
  EXPECT_EQ(machine_.Content(), "a=1 c=yes");
}

TEST_F(TxnTest, WhatCannotBeCarriedOutChangesNothing) {
  const std::string put = "success { request_put { key: 'c' value: '3' } }";
  EXPECT_EQ(Run(put + "success { request_put { key: 'd' lease: 9 } }").error().message,
            "etcdserver: requested lease not found");
  EXPECT_EQ(Run(put + "success { request_put { key: 'x' ignore_value: true } }").error().message,
            "etcdserver: key not found");
  EXPECT_EQ(Run(put + "success { request_range { key: 'a' revision: 99 } }").error().message,
            "etcdserver: mvcc: required revision is a future revision");
  EXPECT_EQ(machine_.Content(), "a=1 b=2");
  EXPECT_EQ(machine_.store().revision(), Revision{3});
}

TEST_F(TxnTest, ATransactionThatOnlyReadsMovesNothing) {
  const auto response = Run("success { request_range { key: 'a' } }");
  EXPECT_EQ(response->header().revision(), 3);
  etcdserverpb::TxnRequest request;
  request.add_success()->mutable_request_range()->set_key("b");
  etcdserverpb::TxnResponse outside;
  ASSERT_TRUE(outside.ParseFromString(*machine_.applier().ReadTxn(request, Term{2})));
  EXPECT_EQ(outside.responses(0).response_range().kvs(0).value(), "2");
}

}  // namespace
}  // namespace quorate::apply
