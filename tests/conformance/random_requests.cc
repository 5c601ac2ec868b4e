#include "random_requests.h"

#include <algorithm>

namespace quorate::test {

using etcdserverpb::RangeRequest;

std::string RandomRequests::Key() {
  if (Draw(60) == 0) return "";
  static const std::string kStems[] = {"a", "b", "k/"};
  return kStems[Draw(3)] + std::to_string(Draw(4));
}

std::string RandomRequests::End(const std::string& key) {
  switch (Draw(6)) {
    case 0:
    case 1:
    case 2:
      return {};
    case 3:
      return std::string(1, '\0');
    case 4:
      return key + "z";
    default:
      return Key();
  }
}

RangeRequest RandomRequests::Range(std::int64_t current) {
  RangeRequest request;
  request.set_key(Draw(8) == 0 ? std::string(1, '\0') : Key());
  request.set_range_end(End(request.key()));
  if (Draw(2) == 0) request.set_limit(Draw(5));
  if (Draw(3) == 0) request.set_revision(std::max<std::int64_t>(0, current + 2 - Draw(20)));
  if (Draw(2) == 0) {
    request.set_sort_order(static_cast<RangeRequest::SortOrder>(Draw(Draw(20) == 0 ? 4 : 3)));
    request.set_sort_target(static_cast<RangeRequest::SortTarget>(Draw(5)));
  }
  request.set_serializable(Draw(2) == 0);
  request.set_keys_only(Draw(5) == 0);
  request.set_count_only(Draw(8) == 0);
  if (Draw(6) == 0) request.set_min_mod_revision(std::max<std::int64_t>(0, current - Draw(10)));
  if (Draw(6) == 0) request.set_max_mod_revision(std::max<std::int64_t>(0, current - Draw(10)));
  if (Draw(6) == 0) request.set_min_create_revision(std::max<std::int64_t>(0, current - Draw(30)));
  if (Draw(6) == 0) request.set_max_create_revision(std::max<std::int64_t>(0, current - Draw(30)));
  return request;
}

etcdserverpb::PutRequest RandomRequests::Put() {
  etcdserverpb::PutRequest request;
  request.set_key(Key());
  if (Draw(8) > 0) request.set_value(std::string(static_cast<std::size_t>(Draw(30)), 'v') + Key());
  if (Draw(4) == 0) request.set_lease(Lease());
  request.set_prev_kv(Draw(2) == 0);
  if (Draw(10) == 0) {
    request.set_ignore_value(true);
    if (Draw(4) > 0) request.clear_value();
  }
  if (Draw(10) == 0) {
    request.set_ignore_lease(true);
    if (Draw(4) > 0) request.clear_lease();
  }
  return request;
}

etcdserverpb::DeleteRangeRequest RandomRequests::Delete() {
  etcdserverpb::DeleteRangeRequest request;
  request.set_key(Key());
  request.set_range_end(End(request.key()));
  request.set_prev_kv(Draw(2) == 0);
  return request;
}

etcdserverpb::Compare RandomRequests::Compare(std::int64_t current) {
  etcdserverpb::Compare compare;
  compare.set_key(Key());
  if (Draw(4) == 0) compare.set_range_end(End(compare.key()));
  compare.set_result(static_cast<etcdserverpb::Compare::CompareResult>(Draw(4)));
  compare.set_target(static_cast<etcdserverpb::Compare::CompareTarget>(Draw(5)));
  const bool matching = Draw(8) > 0;  // otherwise the target's own value is not set
  switch (compare.target() * (matching ? 1 : 0) + (matching ? 0 : Draw(5))) {
    case etcdserverpb::Compare::VERSION:
      compare.set_version(Draw(4));
      break;
    case etcdserverpb::Compare::CREATE:
      compare.set_create_revision(Draw(2) == 0 ? 0 : current - Draw(20));
      break;
    case etcdserverpb::Compare::MOD:
      compare.set_mod_revision(Draw(2) == 0 ? 0 : current - Draw(10));
      break;
    case etcdserverpb::Compare::VALUE:
      compare.set_value(Key());
      break;
    default:
      compare.set_lease(Draw(2) == 0 ? 0 : Lease());
      break;
  }
  return compare;
}

void RandomRequests::Operation(std::int64_t current, int depth,
                               etcdserverpb::RequestOp* operation) {
  const auto dice = Draw(100);
  if (dice < 35) {
    *operation->mutable_request_range() = Range(current);
  } else if (dice < 70) {
    *operation->mutable_request_put() = Put();
  } else if (dice < 85) {
    *operation->mutable_request_delete_range() = Delete();
  } else if (dice < 99 && depth < 2) {
    *operation->mutable_request_txn() = Txn(current, depth + 1);
  }
}

etcdserverpb::TxnRequest RandomRequests::Txn(std::int64_t current, int depth) {
  etcdserverpb::TxnRequest request;
  for (auto n = Draw(3); n > 0; --n) *request.add_compare() = Compare(current);
  for (auto n = Draw(3); n > 0; --n) Operation(current, depth, request.add_success());
  for (auto n = Draw(3); n > 0; --n) Operation(current, depth, request.add_failure());
  return request;
}

}  // namespace quorate::test
