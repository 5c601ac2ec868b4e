// The named calls: each fills a request and hands it to Unary or Open.
#include <algorithm>
#include <chrono>
#include <utility>

#include "etcdclient/client.h"

namespace quorate::etcdclient {

using namespace etcdserverpb;  // NOLINT(google-build-using-namespace): this file is about little
                               // else

Result<RangeResponse> Client::Range(const RangeRequest& request, const CallOptions& options) {
  return Call<RangeResponse>(kRange, request, options);
}

Result<PutResponse> Client::Put(const PutRequest& request, const CallOptions& options) {
  return Call<PutResponse>(kPut, request, options);
}

Result<DeleteRangeResponse> Client::DeleteRange(const DeleteRangeRequest& request,
                                                const CallOptions& options) {
  return Call<DeleteRangeResponse>(kDeleteRange, request, options);
}

Result<TxnResponse> Client::Txn(const TxnRequest& request, const CallOptions& options) {
  return Call<TxnResponse>(kTxn, request, options);
}

Result<CompactionResponse> Client::Compact(Revision revision, bool physical,
                                           const CallOptions& options) {
  CompactionRequest request;
  request.set_revision(revision.value);
  request.set_physical(physical);
  return Call<CompactionResponse>(kCompact, request, options);
}

Result<std::optional<std::string>> Client::Get(std::string_view key, const CallOptions& options) {
  RangeRequest request;
  request.set_key(std::string(key));
  auto response = TRY(Call<RangeResponse>(kRange, request, options));
  if (response.kvs().empty()) return std::optional<std::string>();
  return std::optional<std::string>(std::move(*response.mutable_kvs(0)->mutable_value()));
}

Result<LeaseGrantResponse> Client::LeaseGrant(std::chrono::seconds ttl, LeaseId id,
                                              const CallOptions& options) {
  LeaseGrantRequest request;
  request.set_ttl(ttl.count());
  request.set_id(id.value);
  return Call<LeaseGrantResponse>(kLeaseGrant, request, options);
}

Result<LeaseRevokeResponse> Client::LeaseRevoke(LeaseId id, const CallOptions& options) {
  LeaseRevokeRequest request;
  request.set_id(id.value);
  return Call<LeaseRevokeResponse>(kLeaseRevoke, request, options);
}

Result<LeaseTimeToLiveResponse> Client::LeaseTimeToLive(LeaseId id, bool keys,
                                                        const CallOptions& options) {
  LeaseTimeToLiveRequest request;
  request.set_id(id.value);
  request.set_keys(keys);
  return Call<LeaseTimeToLiveResponse>(kLeaseTimeToLive, request, options);
}

Result<LeaseLeasesResponse> Client::LeaseLeases(const CallOptions& options) {
  return Call<LeaseLeasesResponse>(kLeaseLeases, LeaseLeasesRequest(), options);
}

Result<LeaseKeepAliveResponse> Client::LeaseKeepAlive(LeaseId id, const CallOptions& options) {
  LeaseKeepAliveRequest request;
  request.set_id(id.value);
  const auto begin = std::chrono::steady_clock::now();
  auto stream = TRY(Open(kLeaseKeepAlive, options));
  TRY(stream->Write(request));
  LeaseKeepAliveResponse response;
  std::optional<Ms> left;  // of the time that connecting shares
  if (const Ms timeout = options.timeout.value_or(Ms{5000}); timeout.count() != 0) {
    const auto spent = std::chrono::ceil<Ms>(std::chrono::steady_clock::now() - begin);
    left = std::max(timeout - spent, Ms{0});
  }
  switch (TRY(stream->Next(response, left))) {
    case Stream::Read::kMessage:
      return response;
    case Stream::Read::kTimeout:
      return Error{Code::kDeadlineExceeded, "context deadline exceeded"};
    case Stream::Read::kEnd:
      break;
  }
  return Error{Code::kUnavailable, "lease keep alive: the stream ended without an answer"};
}

Result<MemberListResponse> Client::MemberList(bool linearizable, const CallOptions& options) {
  MemberListRequest request;
  request.set_linearizable(linearizable);
  return Call<MemberListResponse>(kMemberList, request, options);
}

Result<MemberAddResponse> Client::MemberAdd(const std::vector<std::string>& peer_urls, bool learner,
                                            const CallOptions& options) {
  MemberAddRequest request;
  request.mutable_peerurls()->Assign(peer_urls.begin(), peer_urls.end());
  request.set_islearner(learner);
  return Call<MemberAddResponse>(kMemberAdd, request, options);
}

Result<MemberRemoveResponse> Client::MemberRemove(MemberId id, const CallOptions& options) {
  MemberRemoveRequest request;
  request.set_id(id.value);
  return Call<MemberRemoveResponse>(kMemberRemove, request, options);
}

Result<MemberUpdateResponse> Client::MemberUpdate(MemberId id,
                                                  const std::vector<std::string>& peer_urls,
                                                  const CallOptions& options) {
  MemberUpdateRequest request;
  request.set_id(id.value);
  request.mutable_peerurls()->Assign(peer_urls.begin(), peer_urls.end());
  return Call<MemberUpdateResponse>(kMemberUpdate, request, options);
}

Result<MemberPromoteResponse> Client::MemberPromote(MemberId id, const CallOptions& options) {
  MemberPromoteRequest request;
  request.set_id(id.value);
  return Call<MemberPromoteResponse>(kMemberPromote, request, options);
}

Result<StatusResponse> Client::StatusOf(const std::string& endpoint, CallOptions options) {
  options.endpoint = endpoint;
  return Call<StatusResponse>(kStatus, StatusRequest(), options);
}

// For a client that can ask only one after the other.
std::vector<Result<StatusResponse>> Client::StatusOfAll(const std::vector<std::string>& endpoints,
                                                        const CallOptions& options) {
  CallOptions once = options;
  once.one_round = true;
  std::vector<Result<StatusResponse>> answers;
  for (const std::string& endpoint : endpoints) answers.push_back(StatusOf(endpoint, once));
  return answers;
}

Result<DefragmentResponse> Client::Defragment(const std::string& endpoint, CallOptions options) {
  options.endpoint = endpoint;
  return Call<DefragmentResponse>(kDefragment, DefragmentRequest(), options);
}

Result<HashKVResponse> Client::HashKv(const std::string& endpoint, Revision revision,
                                      CallOptions options) {
  HashKVRequest request;
  request.set_revision(revision.value);
  options.endpoint = endpoint;
  return Call<HashKVResponse>(kHashKv, request, options);
}

Result<MoveLeaderResponse> Client::MoveLeader(const std::string& endpoint, MemberId target,
                                              CallOptions options) {
  MoveLeaderRequest request;
  request.set_targetid(target.value);
  options.endpoint = endpoint;
  return Call<MoveLeaderResponse>(kMoveLeader, request, options);
}

Result<AlarmResponse> Client::AlarmList(const CallOptions& options) {
  AlarmRequest request;
  request.set_action(AlarmRequest::GET);
  return Call<AlarmResponse>(kAlarm, request, options);
}

Result<AlarmResponse> Client::AlarmDisarm(MemberId member, AlarmType alarm,
                                          const CallOptions& options) {
  std::vector<std::pair<std::uint64_t, AlarmType>> targets = {{member.value, alarm}};
  AlarmResponse all;
  if (member.value == 0 && alarm == NONE) {
    targets.clear();
    const auto listed = TRY(AlarmList(options));
    for (const auto& raised : listed.alarms()) {
      targets.emplace_back(raised.memberid(), raised.alarm());
    }
  }
  for (const auto& [id, kind] : targets) {
    AlarmRequest request;
    request.set_action(AlarmRequest::DEACTIVATE);
    request.set_memberid(id);
    request.set_alarm(kind);
    auto one = TRY(Call<AlarmResponse>(kAlarm, request, options));
    *all.mutable_header() = one.header();
    all.mutable_alarms()->MergeFrom(one.alarms());
  }
  return all;
}

Result<DowngradeResponse> Client::Downgrade(DowngradeRequest::DowngradeAction action,
                                            const std::string& version,
                                            const CallOptions& options) {
  DowngradeRequest request;
  request.set_action(action);
  request.set_version(version);
  return Call<DowngradeResponse>(kDowngrade, request, options);
}

}  // namespace quorate::etcdclient
