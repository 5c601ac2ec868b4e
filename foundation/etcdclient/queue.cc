#include "etcdclient/queue.h"

#include <utility>

#include "base/bytes.h"
#include "etcdclient/watch.h"

namespace quorate::etcdclient {
namespace {

constexpr std::chrono::milliseconds kAskAfter{200};  // how long nobody asks GoOn

using OnEvent =
    std::function<Result<bool>(const etcdserverpb::WatchResponse&, const mvccpb::Event&)>;

// Hands out events until one of them is the last (true).
Status Follow(Client& client, const etcdserverpb::WatchCreateRequest& request,
              const Place::GoOn& go_on, const OnEvent& take) {
  auto watch = TRY(Watch::Start(client, request));
  while (true) {
    TRY(go_on());
    const auto response = TRY(watch->Next(kAskAfter));
    if (!response.has_value()) continue;
    if (response->canceled()) return WhyEnded(*response);
    for (const auto& event : response->events()) {
      if (TRY(take(*response, event))) return {};
    }
  }
}

// '0' comes after '/', so this is the end of all keys that begin with "<name>/".
std::string EndOf(std::string prefix) {
  prefix.back() = '0';
  return prefix;
}

// The one key below the prefix that was created first, or last.
etcdserverpb::RangeRequest OneOf(const std::string& prefix,
                                 etcdserverpb::RangeRequest::SortOrder order) {
  etcdserverpb::RangeRequest range;
  range.set_key(prefix);
  range.set_range_end(EndOf(prefix));
  range.set_sort_target(etcdserverpb::RangeRequest::CREATE);
  range.set_sort_order(order);
  range.set_limit(1);
  return range;
}

etcdserverpb::TxnRequest IfCreatedAt(const std::string& key, Revision created) {
  etcdserverpb::TxnRequest txn;
  auto& compare = *txn.add_compare();
  compare.set_key(key);
  compare.set_target(etcdserverpb::Compare::CREATE);
  compare.set_result(etcdserverpb::Compare::EQUAL);
  compare.set_create_revision(created.value);
  return txn;
}

// Waits until `key` is deleted after revision `from`.
Status AwaitDeleted(Client& client, const std::string& key, Revision from,
                    const Place::GoOn& go_on) {
  etcdserverpb::WatchCreateRequest request;
  request.set_key(key);
  request.set_start_revision(from.value + 1);
  const OnEvent take = [](const etcdserverpb::WatchResponse&,
                          const mvccpb::Event& event) -> Result<bool> {
    return event.type() == mvccpb::Event::DELETE;
  };
  return Follow(client, request, go_on, take);
}

}  // namespace

Place::Place(Client& client, std::string prefix, LeaseId lease)
    : client_(&client),
      prefix_(std::move(prefix)),
      key_(prefix_ + ToHex(static_cast<std::uint64_t>(lease.value))) {}

Result<Place> Place::Take(Client& client, const std::string& name, LeaseId lease,
                          std::string value) {
  Place place(client, name + "/", lease);
  auto txn = IfCreatedAt(place.key_, Revision{0});
  auto& put = *txn.add_success()->mutable_request_put();
  put.set_key(place.key_);
  put.set_value(std::move(value));
  put.set_lease(lease.value);
  txn.add_failure()->mutable_request_range()->set_key(place.key_);
  const auto answer = TRY(client.Txn(txn));
  place.created_ = Revision{answer.header().revision()};
  if (!answer.succeeded()) {
    if (answer.responses(0).response_range().kvs().empty()) {
      return Error{Code::kInternal, "the server answered a transaction without its range"};
    }
    place.created_ = Revision{answer.responses(0).response_range().kvs(0).create_revision()};
  }
  return place;
}

Result<std::optional<mvccpb::KeyValue>> Place::Before(Revision& now) {
  auto range = OneOf(prefix_, etcdserverpb::RangeRequest::DESCEND);
  range.set_max_create_revision(created_.value - 1);
  auto answer = TRY(client_->Range(range));
  now = Revision{answer.header().revision()};
  if (answer.kvs().empty()) return std::optional<mvccpb::KeyValue>();
  return std::optional(std::move(*answer.mutable_kvs(0)));
}

Result<etcdserverpb::RangeResponse> Place::AwaitFront(const GoOn& go_on) {
  while (true) {
    Revision now{};
    const auto before = TRY(Before(now));
    if (!before.has_value()) break;
    TRY(AwaitDeleted(*client_, before->key(), now, go_on));
  }
  etcdserverpb::RangeRequest own;
  own.set_key(key_);
  auto answer = TRY(client_->Range(own));
  if (answer.kvs().empty() || answer.kvs(0).create_revision() != created_.value) {
    return Error{Code::kFailedPrecondition, "session is expired"};
  }
  return answer;
}

Status Place::Leave() {
  auto txn = IfCreatedAt(key_, created_);
  txn.add_success()->mutable_request_delete_range()->set_key(key_);
  TRY(client_->Txn(txn));
  return {};
}

Status ObserveFront(Client& client, const std::string& name,
                    const std::function<Status(const etcdserverpb::RangeResponse&)>& leads,
                    const Place::GoOn& go_on) {
  const std::string prefix = name + "/";
  while (true) {
    auto front = TRY(client.Range(OneOf(prefix, etcdserverpb::RangeRequest::ASCEND)));
    etcdserverpb::WatchCreateRequest request;
    request.set_start_revision(front.header().revision() + 1);
    if (front.kvs().empty()) {
      request.set_key(prefix);
      request.set_range_end(EndOf(prefix));
      const OnEvent take = [](const etcdserverpb::WatchResponse&,
                              const mvccpb::Event& event) -> Result<bool> {
        return event.type() == mvccpb::Event::PUT;
      };
      TRY(Follow(client, request, go_on, take));
      continue;
    }
    TRY(leads(front));
    request.set_key(front.kvs(0).key());
    const OnEvent take = [&](const etcdserverpb::WatchResponse& response,
                             const mvccpb::Event& event) -> Result<bool> {
      if (event.type() == mvccpb::Event::DELETE) return true;
      *front.mutable_header() = response.header();
      *front.mutable_kvs(0) = event.kv();
      TRY(leads(front));
      return false;
    };
    TRY(Follow(client, request, go_on, take));
  }
}

}  // namespace quorate::etcdclient
