// HistoryMaker: writes histories by hand, one line an operation.
//
// Operations follow each other, ten nanoseconds each; what is returned may be changed until the
// next one is added.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "check/history.h"

namespace quorate::check {

inline constexpr Instant kSecondOfTest = 1'000'000'000;

mvccpb::KeyValue Kv(const std::string& key, const std::string& value, std::int64_t create,
                    std::int64_t mod, std::int64_t version, std::int64_t lease = 0);

etcdserverpb::RequestOp PutOp(const std::string& key, const std::string& value,
                              std::int64_t lease = 0);
etcdserverpb::RequestOp GetOp(const std::string& key, const std::string& end = "");
etcdserverpb::RequestOp DeleteOp(const std::string& key, const std::string& end = "");

// Header and revision into the answer of a key operation.
void SetHeader(etcdserverpb::ResponseOp& response, std::int64_t revision);

class HistoryMaker {
 public:
  History history;
  Instant now = 0;

  Operation& Add(Request request, Response response);
  // Without an answer.
  Operation& Lose(Request request);
  Operation& Refuse(Request request, const std::string& error);

  Operation& Put(const std::string& key, const std::string& value, std::int64_t revision,
                 std::int64_t lease = 0);
  Operation& Get(const std::string& key, std::optional<mvccpb::KeyValue> found,
                 std::int64_t revision);
  Operation& GetStale(const std::string& key, std::optional<mvccpb::KeyValue> found,
                      std::int64_t revision, std::uint64_t life = 0);
  Operation& Delete(const std::string& key, std::int64_t deleted, std::int64_t revision);
  Operation& Grant(std::int64_t id, std::int64_t ttl, std::int64_t revision);
  Operation& KeepAlive(std::int64_t id, std::int64_t ttl, std::int64_t revision);
  Operation& Revoke(std::int64_t id, std::int64_t revision);
  Operation& LeaseKeys(std::int64_t id, std::int64_t ttl, std::vector<std::string> keys,
                       std::int64_t revision);
  Operation& Compact(std::int64_t to, std::int64_t revision);

  // A watch of everything, confirmed at `revision`.
  Watching& Watch(std::int64_t start, std::int64_t revision);
};

mvccpb::Event PutEvent(mvccpb::KeyValue kv);
mvccpb::Event DeleteEvent(const std::string& key, std::int64_t revision);
// One answer of a watch, later than everything before it; no events: a bookmark.
void Tell(Watching& watching, std::int64_t revision, std::vector<mvccpb::Event> events);

// The rules of these findings, "KV-1 KV-3"; to be compared with what a test expects.
std::string Rules(const std::vector<Finding>& findings);

}  // namespace quorate::check
