#include "check/history_maker.h"

namespace quorate::check {

using etcdserverpb::RequestOp;
using etcdserverpb::ResponseOp;

mvccpb::KeyValue Kv(const std::string& key, const std::string& value, std::int64_t create,
                    std::int64_t mod, std::int64_t version, std::int64_t lease) {
  mvccpb::KeyValue kv;
  kv.set_key(key);
  kv.set_value(value);
  kv.set_create_revision(create);
  kv.set_mod_revision(mod);
  kv.set_version(version);
  kv.set_lease(lease);
  return kv;
}

RequestOp PutOp(const std::string& key, const std::string& value, std::int64_t lease) {
  RequestOp op;
  op.mutable_request_put()->set_key(key);
  op.mutable_request_put()->set_value(value);
  op.mutable_request_put()->set_lease(lease);
  return op;
}

RequestOp GetOp(const std::string& key, const std::string& end) {
  RequestOp op;
  op.mutable_request_range()->set_key(key);
  op.mutable_request_range()->set_range_end(end);
  return op;
}

RequestOp DeleteOp(const std::string& key, const std::string& end) {
  RequestOp op;
  op.mutable_request_delete_range()->set_key(key);
  op.mutable_request_delete_range()->set_range_end(end);
  return op;
}

namespace {

void Fill(etcdserverpb::ResponseHeader& header, std::int64_t revision) {
  header.set_cluster_id(1);
  header.set_member_id(1);
  header.set_raft_term(1);
  header.set_revision(revision);
}

template <typename T>
T Answer(std::int64_t revision) {
  T response;
  Fill(*response.mutable_header(), revision);
  return response;
}

}  // namespace

void SetHeader(ResponseOp& response, std::int64_t revision) {
  if (response.has_response_put())
    Fill(*response.mutable_response_put()->mutable_header(), revision);
  if (response.has_response_range())
    Fill(*response.mutable_response_range()->mutable_header(), revision);
  if (response.has_response_delete_range())
    Fill(*response.mutable_response_delete_range()->mutable_header(), revision);
  if (response.has_response_txn())
    Fill(*response.mutable_response_txn()->mutable_header(), revision);
}

Operation& HistoryMaker::Add(Request request, Response response) {
  Operation operation;
  operation.invoked = now += 10;
  operation.returned = now += 10;
  operation.outcome = Outcome::kOk;
  operation.request = std::move(request);
  operation.response = std::move(response);
  return history.operations.emplace_back(std::move(operation));
}

Operation& HistoryMaker::Lose(Request request) {
  Operation& operation = Add(std::move(request), std::monostate());
  operation.outcome = Outcome::kUnknown;
  operation.returned = kNever;
  return operation;
}

Operation& HistoryMaker::Refuse(Request request, const std::string& error) {
  Operation& operation = Add(std::move(request), std::monostate());
  operation.outcome = Outcome::kFailed;
  operation.error = error;
  return operation;
}

Operation& HistoryMaker::Put(const std::string& key, const std::string& value,
                             std::int64_t revision, std::int64_t lease) {
  ResponseOp response;
  response.mutable_response_put();
  SetHeader(response, revision);
  return Add(PutOp(key, value, lease), response);
}

Operation& HistoryMaker::Get(const std::string& key, std::optional<mvccpb::KeyValue> found,
                             std::int64_t revision) {
  ResponseOp response;
  auto& range = *response.mutable_response_range();
  if (found) {
    *range.add_kvs() = *found;
    range.set_count(1);
  }
  SetHeader(response, revision);
  return Add(GetOp(key), response);
}

Operation& HistoryMaker::GetStale(const std::string& key, std::optional<mvccpb::KeyValue> found,
                                  std::int64_t revision, std::uint64_t life) {
  Operation& operation = Get(key, std::move(found), revision);
  std::get<RequestOp>(operation.request).mutable_request_range()->set_serializable(true);
  operation.life = life;
  return operation;
}

Operation& HistoryMaker::Delete(const std::string& key, std::int64_t deleted,
                                std::int64_t revision) {
  ResponseOp response;
  response.mutable_response_delete_range()->set_deleted(deleted);
  SetHeader(response, revision);
  return Add(DeleteOp(key), response);
}

Operation& HistoryMaker::Grant(std::int64_t id, std::int64_t ttl, std::int64_t revision) {
  etcdserverpb::LeaseGrantRequest request;
  request.set_id(id);
  request.set_ttl(ttl);
  auto response = Answer<etcdserverpb::LeaseGrantResponse>(revision);
  response.set_id(id);
  response.set_ttl(ttl);
  return Add(request, response);
}

Operation& HistoryMaker::KeepAlive(std::int64_t id, std::int64_t ttl, std::int64_t revision) {
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(id);
  auto response = Answer<etcdserverpb::LeaseKeepAliveResponse>(revision);
  response.set_id(id);
  response.set_ttl(ttl);
  return Add(request, response);
}

Operation& HistoryMaker::Revoke(std::int64_t id, std::int64_t revision) {
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(id);
  return Add(request, Answer<etcdserverpb::LeaseRevokeResponse>(revision));
}

Operation& HistoryMaker::LeaseKeys(std::int64_t id, std::int64_t ttl, std::vector<std::string> keys,
                                   std::int64_t revision) {
  etcdserverpb::LeaseTimeToLiveRequest request;
  request.set_id(id);
  request.set_keys(true);
  auto response = Answer<etcdserverpb::LeaseTimeToLiveResponse>(revision);
  response.set_id(id);
  response.set_ttl(ttl);
  for (const std::string& key : keys) response.add_keys(key);
  return Add(request, response);
}

Operation& HistoryMaker::Compact(std::int64_t to, std::int64_t revision) {
  etcdserverpb::CompactionRequest request;
  request.set_revision(to);
  return Add(request, Answer<etcdserverpb::CompactionResponse>(revision));
}

Watching& HistoryMaker::Watch(std::int64_t start, std::int64_t revision) {
  Watching watching;
  watching.name = "w";
  watching.request.set_key(std::string(1, '\0'));
  watching.request.set_range_end(std::string(1, '\0'));
  watching.request.set_start_revision(start);
  auto created = Answer<etcdserverpb::WatchResponse>(revision);
  created.set_created(true);
  watching.arrivals.push_back({now += 10, created});
  return history.watches.emplace_back(std::move(watching));
}

mvccpb::Event PutEvent(mvccpb::KeyValue kv) {
  mvccpb::Event event;
  *event.mutable_kv() = std::move(kv);
  return event;
}

mvccpb::Event DeleteEvent(const std::string& key, std::int64_t revision) {
  mvccpb::Event event;
  event.set_type(mvccpb::Event::DELETE);
  event.mutable_kv()->set_key(key);
  event.mutable_kv()->set_mod_revision(revision);
  return event;
}

void Tell(Watching& watching, std::int64_t revision, std::vector<mvccpb::Event> events) {
  auto response = Answer<etcdserverpb::WatchResponse>(revision);
  for (auto& event : events) *response.add_events() = std::move(event);
  watching.arrivals.push_back({1'000'000, std::move(response)});
}

std::string Rules(const std::vector<Finding>& findings) {
  std::string rules;
  for (const Finding& finding : findings) rules += (rules.empty() ? "" : " ") + finding.rule;
  return rules;
}

}  // namespace quorate::check
