#include "check/model.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace quorate::check {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using mvccpb::KeyValue;

constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kFromKey("\0", 1);

template <typename T>
bool Ordered(const T& left, Compare::CompareResult relation, const T& right) {
  switch (relation) {
    case Compare::EQUAL:
      return left == right;
    case Compare::GREATER:
      return left > right;
    case Compare::LESS:
      return left < right;
    case Compare::NOT_EQUAL:
      return left != right;
    default:
      return false;
  }
}

bool HoldsFor(const Compare& compare, const KeyValue& kv) {
  switch (compare.target()) {
    case Compare::VERSION:
      return Ordered(kv.version(), compare.result(), compare.version());
    case Compare::CREATE:
      return Ordered(kv.create_revision(), compare.result(), compare.create_revision());
    case Compare::MOD:
      return Ordered(kv.mod_revision(), compare.result(), compare.mod_revision());
    case Compare::VALUE:
      return Ordered(kv.value(), compare.result(), compare.value());
    case Compare::LEASE:
      return Ordered(kv.lease(), compare.result(), compare.lease());
    default:
      return false;
  }
}

bool Less(RangeRequest::SortTarget target, const KeyValue& a, const KeyValue& b) {
  switch (target) {
    case RangeRequest::VERSION:
      return a.version() < b.version();
    case RangeRequest::CREATE:
      return a.create_revision() < b.create_revision();
    case RangeRequest::MOD:
      return a.mod_revision() < b.mod_revision();
    case RangeRequest::VALUE:
      return a.value() < b.value();
    default:
      return a.key() < b.key();
  }
}

bool PassesFilters(const RangeRequest& request, const KeyValue& kv) {
  const auto within = [](std::int64_t value, std::int64_t low, std::int64_t high) {
    return (low == 0 || value >= low) && (high == 0 || value <= high);
  };
  return within(kv.mod_revision(), request.min_mod_revision(), request.max_mod_revision()) &&
         within(kv.create_revision(), request.min_create_revision(), request.max_create_revision());
}

void Sort(const RangeRequest& request, std::vector<KeyValue>& kvs) {
  auto order = request.sort_order();
  if (order == RangeRequest::NONE && request.sort_target() != RangeRequest::KEY)
    order = RangeRequest::ASCEND;
  if (order == RangeRequest::NONE) return;
  std::stable_sort(kvs.begin(), kvs.end(), [&](const KeyValue& a, const KeyValue& b) {
    return order == RangeRequest::ASCEND ? Less(request.sort_target(), a, b)
                                         : Less(request.sort_target(), b, a);
  });
}

}  // namespace

bool InRange(std::string_view key, std::string_view begin, std::string_view end) {
  if (end.empty()) return key == begin;
  return key >= begin && (end == kFromKey || key < end);
}

// Every transaction of a request, outermost first, in the order in which they are executed.
struct Model::Path {
  std::vector<bool> branches;
  std::size_t next = 0;
};

etcdserverpb::ResponseOp Model::Apply(const etcdserverpb::RequestOp& request) {
  Path path;
  if (request.has_request_txn()) DecidePath(request.request_txn(), path);
  changed_ = false;
  etcdserverpb::ResponseOp response;
  Execute(request, path, response);
  if (changed_) ++revision_;
  return response;
}

bool Model::EndLease(std::int64_t lease) {
  const auto found = attached_.find(lease);
  if (found == attached_.end()) return false;
  const std::vector<std::string> keys(found->second.begin(), found->second.end());
  for (const std::string& key : keys) {
    Version gone;
    gone.mod = revision_ + 1;
    Push(*keys_.find(key), std::move(gone));
  }
  ++revision_;
  return true;
}

void Model::RollBackTo(std::int64_t revision) {
  for (; !changes_.empty() && changes_.back().revision > revision; changes_.pop_back()) {
    auto& [key, versions] = *changes_.back().key;
    Attach(key, versions, false);
    versions.pop_back();
    Attach(key, versions, true);
  }
  revision_ = std::min(revision_, revision);
}

std::vector<mvccpb::Event> Model::EventsAt(std::int64_t revision) const {
  std::vector<mvccpb::Event> events;
  auto change =
      std::lower_bound(changes_.begin(), changes_.end(), revision,
                       [](const Change& c, std::int64_t wanted) { return c.revision < wanted; });
  for (; change != changes_.end() && change->revision == revision; ++change) {
    const auto& [key, versions] = *change->key;
    const Version* version = At(versions, revision);
    mvccpb::Event event;
    event.set_type(version->version == 0 ? mvccpb::Event::DELETE : mvccpb::Event::PUT);
    *event.mutable_kv() = ToKeyValue(key, *version);
    const Version* before = At(versions, revision - 1);
    if (before != nullptr && before->version != 0)
      *event.mutable_prev_kv() = ToKeyValue(key, *before);
    events.push_back(std::move(event));
  }
  return events;
}

std::vector<std::int64_t> Model::ChangesAfter(std::int64_t revision, std::string_view key,
                                              std::string_view range_end) const {
  std::vector<std::int64_t> revisions;
  auto change =
      std::lower_bound(changes_.begin(), changes_.end(), revision + 1,
                       [](const Change& c, std::int64_t wanted) { return c.revision < wanted; });
  for (; change != changes_.end(); ++change) {
    if (!revisions.empty() && revisions.back() == change->revision) continue;
    if (InRange(change->key->first, key, range_end)) revisions.push_back(change->revision);
  }
  return revisions;
}

std::set<std::string> Model::KeysOfLease(std::int64_t lease, std::int64_t revision) const {
  std::set<std::string> keys;
  for (const auto& [key, versions] : keys_) {
    const Version* version = At(versions, revision);
    if (version != nullptr && version->version != 0 && version->lease == lease) keys.insert(key);
  }
  return keys;
}

const Model::Version* Model::At(const std::vector<Version>& versions, std::int64_t revision) {
  auto after = std::upper_bound(
      versions.begin(), versions.end(), revision,
      [](std::int64_t wanted, const Version& version) { return wanted < version.mod; });
  return after == versions.begin() ? nullptr : &*(after - 1);
}

KeyValue Model::ToKeyValue(const std::string& key, const Version& version) {
  KeyValue kv;
  kv.set_key(key);
  kv.set_mod_revision(version.mod);
  kv.set_create_revision(version.create);
  kv.set_version(version.version);
  kv.set_lease(version.lease);
  kv.set_value(version.value);
  return kv;
}

std::vector<KeyValue> Model::Live(std::string_view key, std::string_view end,
                                  std::int64_t revision) const {
  std::vector<KeyValue> live;
  for (auto it = keys_.lower_bound(key); it != keys_.end() && InRange(it->first, key, end); ++it) {
    const Version* version = At(it->second, revision);
    if (version != nullptr && version->version != 0)
      live.push_back(ToKeyValue(it->first, *version));
    if (end.empty()) break;
  }
  return live;
}

bool Model::Holds(const Compare& compare) const {
  const auto kvs = Live(compare.key(), compare.range_end(), kLatest);
  if (kvs.empty())  // a missing key has no value to compare; all its numbers are 0
    return compare.target() != Compare::VALUE && HoldsFor(compare, KeyValue());
  return std::all_of(kvs.begin(), kvs.end(),
                     [&](const KeyValue& kv) { return HoldsFor(compare, kv); });
}

// All comparisons are made before anything is changed.
void Model::DecidePath(const etcdserverpb::TxnRequest& txn, Path& path) const {
  const bool holds = std::all_of(txn.compare().begin(), txn.compare().end(),
                                 [&](const Compare& compare) { return Holds(compare); });
  path.branches.push_back(holds);
  for (const auto& request : holds ? txn.success() : txn.failure())
    if (request.has_request_txn()) DecidePath(request.request_txn(), path);
}

void Model::Execute(const etcdserverpb::RequestOp& request, Path& path,
                    etcdserverpb::ResponseOp& response) {
  if (request.has_request_range())
    return Range(request.request_range(), *response.mutable_response_range());
  if (request.has_request_put())
    return Put(request.request_put(), *response.mutable_response_put());
  if (request.has_request_delete_range())
    return Delete(request.request_delete_range(), *response.mutable_response_delete_range());
  const auto& txn = request.request_txn();
  const bool succeeded = path.branches[path.next++];
  auto& answer = *response.mutable_response_txn();
  answer.set_succeeded(succeeded);
  for (const auto& inner : succeeded ? txn.success() : txn.failure())
    Execute(inner, path, *answer.add_responses());
}

void Model::Range(const RangeRequest& request, etcdserverpb::RangeResponse& response) const {
  auto kvs = Live(request.key(), request.range_end(),
                  request.revision() > 0 ? request.revision() : kLatest);
  response.set_count(static_cast<std::int64_t>(kvs.size()));
  if (request.count_only()) return;
  std::erase_if(kvs, [&](const KeyValue& kv) { return !PassesFilters(request, kv); });
  Sort(request, kvs);
  if (request.limit() > 0 && kvs.size() > static_cast<std::size_t>(request.limit())) {
    kvs.resize(static_cast<std::size_t>(request.limit()));
    response.set_more(true);
  }
  for (KeyValue& kv : kvs) {
    if (request.keys_only()) kv.clear_value();
    *response.add_kvs() = std::move(kv);
  }
}

void Model::Put(const etcdserverpb::PutRequest& request, etcdserverpb::PutResponse& response) {
  auto& entry = *keys_.try_emplace(request.key()).first;
  const Version* before = At(entry.second, kLatest);
  if (before != nullptr && before->version == 0) before = nullptr;
  if (before == nullptr && (request.ignore_value() || request.ignore_lease())) return;  // refused
  if (before != nullptr && request.prev_kv())
    *response.mutable_prev_kv() = ToKeyValue(entry.first, *before);
  Version version;
  version.mod = revision_ + 1;
  version.create = before == nullptr ? version.mod : before->create;
  version.version = before == nullptr ? 1 : before->version + 1;
  version.lease = request.ignore_lease() ? before->lease : request.lease();
  version.value = request.ignore_value() ? before->value : request.value();
  Push(entry, std::move(version));
}

void Model::Delete(const etcdserverpb::DeleteRangeRequest& request,
                   etcdserverpb::DeleteRangeResponse& response) {
  auto kvs = Live(request.key(), request.range_end(), kLatest);
  response.set_deleted(static_cast<std::int64_t>(kvs.size()));
  for (KeyValue& kv : kvs) {
    Version gone;
    gone.mod = revision_ + 1;
    Push(*keys_.find(kv.key()), std::move(gone));
    if (request.prev_kv()) *response.add_prev_kvs() = std::move(kv);
  }
}

void Model::Push(Keys::value_type& entry, Version version) {
  auto& [key, versions] = entry;
  Attach(key, versions, false);
  changes_.push_back({version.mod, &entry});
  versions.push_back(std::move(version));
  Attach(key, versions, true);
  changed_ = true;
}

// What the newest version says of the key's lease, into or out of the table.
void Model::Attach(const std::string& key, const std::vector<Version>& versions, bool attach) {
  if (versions.empty() || versions.back().lease == 0) return;
  const auto found = attached_.try_emplace(versions.back().lease).first;
  if (attach) found->second.insert(key);
  if (!attach) found->second.erase(key);
  if (found->second.empty()) attached_.erase(found);
}

}  // namespace quorate::check
