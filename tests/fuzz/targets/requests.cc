// The requests of etcd's services: decoding without message objects agrees with protobuf, and the
// checks before a proposal stand any request.
#include "apply/check.h"
#include "apply/quota.h"
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "mvcc/range.h"
#include "proto/raft_internal.pb.h"
#include "proto/rpc.pb.h"

namespace quorate::apply {
namespace {

// What the checks let through must be readable as an entry, or it would stop every member.
void MustApply(RequestField field, const std::string& bytes) {
  const std::string entry = MakeRequest(field, bytes, 1);
  CHECK(MessageOf(entry, field) == bytes);
  etcdserverpb::InternalRaftRequest parsed;
  CHECK(ParseEntry(entry, &parsed));
}

void Put(const std::string& bytes) {
  const auto view = DecodePut(bytes);
  etcdserverpb::PutRequest request;
  if (!request.ParseFromString(bytes)) return;
  if (!view) return;  // groups, which protobuf skips
  CHECK(view->key == request.key() && view->value == request.value());
  CHECK(view->lease.value == request.lease() && view->prev_kv == request.prev_kv());
  CHECK(view->ignore_value == request.ignore_value());
  CHECK(view->ignore_lease == request.ignore_lease());
  if (CheckPut(*view).ok()) MustApply(RequestField::kPut, bytes);
}

void Range(const std::string& bytes) {
  etcdserverpb::RangeRequest request;
  if (!request.ParseFromString(bytes) || !CheckRange(request).ok()) return;
  (void)mvcc::RangeQuery::FromProto(request);
}

void Txn(const std::string& bytes) {
  etcdserverpb::TxnRequest request;
  if (!request.ParseFromString(bytes)) return;
  (void)TxnCost(request);
  if (!CheckTxn(request, 16).ok()) return;
  if (IsReadOnly(request)) (void)IsSerializable(request);
  MustApply(RequestField::kTxn, bytes);
}

// An entry's bytes as the node reads them, before anybody decodes the whole.
void Internal(const std::string& bytes) {
  const std::uint64_t id = RequestId(bytes);
  (void)MessageOf(bytes, RequestField::kPut);
  (void)MessageOf(bytes, RequestField::kTxn);
  etcdserverpb::InternalRaftRequest request;
  if (!request.ParseFromString(bytes)) return;
  (void)id;
}

// What we make is what protobuf reads.
void Make(fuzz::Feed feed) {
  const std::uint64_t id = feed.Number();
  const std::string_view message = feed.Rest();
  const std::string bytes = MakeRequest(RequestField::kPut, message, id);
  CHECK(RequestId(bytes) == id);
  CHECK(MessageOf(bytes, RequestField::kPut) == message);
  etcdserverpb::InternalRaftRequest request;
  if (request.ParseFromString(bytes)) CHECK(request.header().id() == id && request.has_put());
}

template <typename Request>
void Parse(const std::string& bytes) {
  Request request;
  if (request.ParseFromString(bytes)) (void)request.ByteSizeLong();
}

// What is only parsed before it becomes an entry or an answer.
void Others(const std::string& bytes) {
  Parse<etcdserverpb::CompactionRequest>(bytes);
  Parse<etcdserverpb::LeaseGrantRequest>(bytes);
  Parse<etcdserverpb::LeaseRevokeRequest>(bytes);
  Parse<etcdserverpb::LeaseKeepAliveRequest>(bytes);
  Parse<etcdserverpb::LeaseTimeToLiveRequest>(bytes);
  Parse<etcdserverpb::LeaseLeasesRequest>(bytes);
  Parse<etcdserverpb::MemberAddRequest>(bytes);
  Parse<etcdserverpb::MemberRemoveRequest>(bytes);
  Parse<etcdserverpb::MemberUpdateRequest>(bytes);
  Parse<etcdserverpb::MemberPromoteRequest>(bytes);
  Parse<etcdserverpb::MemberListRequest>(bytes);
  Parse<etcdserverpb::AlarmRequest>(bytes);
  Parse<etcdserverpb::HashKVRequest>(bytes);
  Parse<etcdserverpb::MoveLeaderRequest>(bytes);
  Parse<etcdserverpb::DowngradeRequest>(bytes);
  Parse<etcdserverpb::SnapshotRequest>(bytes);
}

FUZZ_TARGET(requests) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(10);
  if (choice == 0) return Make(feed);
  const std::string bytes(feed.Rest());
  switch (choice) {
    case 1:
    case 2:
      return Put(bytes);
    case 3:
      return Range(bytes);
    case 4:
    case 5:
      return Txn(bytes);
    case 6:
      return Internal(bytes);
    case 7: {
      etcdserverpb::DeleteRangeRequest request;
      if (request.ParseFromString(bytes)) (void)CheckDeleteRange(request);
      return;
    }
    case 8:
      return Parse<etcdserverpb::WatchRequest>(bytes);
    default:
      return Others(bytes);
  }
}

}  // namespace
}  // namespace quorate::apply
