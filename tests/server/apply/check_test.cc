#include "apply/check.h"

#include <google/protobuf/text_format.h>

namespace quorate::apply {
namespace {

std::string Verdict(const std::string& text, std::size_t operations_max = 128) {
  etcdserverpb::TxnRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
  const Status status = CheckTxn(request, operations_max);
  return status.ok() ? "ok" : status.error().message;
}

constexpr const char* kDuplicate = "etcdserver: duplicate key given in txn request";
constexpr const char* kTooMany = "etcdserver: too many operations in txn request";

TEST(CheckTxnTest, ABranchMayNotPutAKeyTwice) {
  EXPECT_EQ(Verdict("success { request_put { key: 'a' } } success { request_put { key: 'a' } }"),
            kDuplicate);
  EXPECT_EQ(Verdict("success { request_put { key: 'a' } } failure { request_put { key: 'a' } }"),
            "ok");
}

TEST(CheckTxnTest, ABranchMayNotPutWhatItDeletes) {
  EXPECT_EQ(Verdict("success { request_put { key: 'b' } }"
                    "success { request_delete_range { key: 'a' range_end: 'c' } }"),
            kDuplicate);
  EXPECT_EQ(Verdict("success { request_put { key: 'c' } }"
                    "success { request_delete_range { key: 'a' range_end: 'c' } }"),
            "ok");
  EXPECT_EQ(Verdict("success { request_delete_range { key: 'a' range_end: 'c' } }"
                    "success { request_delete_range { key: 'b' range_end: 'd' } }"),
            "ok")
      << "deletions may overlap";
}

TEST(CheckTxnTest, NestedBranchesCountTogetherWithTheirParent) {
  EXPECT_EQ(Verdict("success { request_put { key: 'a' } }"
                    "success { request_txn { success { request_put { key: 'a' } } } }"),
            kDuplicate);
  EXPECT_EQ(Verdict("success { request_txn { success { request_put { key: 'a' } }"
                    "                        failure { request_put { key: 'a' } } } }"),
            "ok");
}

TEST(CheckTxnTest, CountsTheLongestList) {
  EXPECT_EQ(Verdict("success { request_put { key: 'a' } } success { request_put { key: 'b' } }", 1),
            kTooMany);
  EXPECT_EQ(Verdict("compare { key: 'a' } success { request_put { key: 'b' } }", 1), "ok");
  EXPECT_EQ(Verdict("success { request_txn { success { request_put { key: 'a' } } } }", 1),
            kTooMany)
      << "a nested transaction has what its parent leaves";
}

TEST(CheckTxnTest, EveryOperationIsChecked) {
  EXPECT_EQ(Verdict("compare { }"), "etcdserver: key is not provided");
  EXPECT_EQ(Verdict("success { }"), "etcdserver: key not found");
  EXPECT_EQ(Verdict("failure { request_put { } }"), "etcdserver: key is not provided");
  EXPECT_EQ(Verdict("success { request_put { key: 'a' value: 'b' ignore_value: true } }"),
            "etcdserver: value is provided");
  EXPECT_EQ(Verdict("success { request_put { key: 'a' lease: 1 ignore_lease: true } }"),
            "etcdserver: lease is provided");
  EXPECT_EQ(Verdict("success { request_range { key: 'a' sort_order: 2 sort_target: 4 } }"), "ok");
}

TEST(CheckRangeTest, RefusesUnknownSortOptions) {
  etcdserverpb::RangeRequest request;
  EXPECT_EQ(CheckRange(request).error().message, "etcdserver: key is not provided");
  request.set_key("a");
  EXPECT_TRUE(CheckRange(request).ok());
  request.set_sort_order(static_cast<etcdserverpb::RangeRequest::SortOrder>(9));
  EXPECT_EQ(CheckRange(request).error().message, "etcdserver: invalid sort option");
}

}  // namespace
}  // namespace quorate::apply
