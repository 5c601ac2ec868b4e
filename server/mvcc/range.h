// RangeQuery, RangeAnswer: a read of one key or an ordered range, and what it found.
//
// Source: etcd's RangeRequest semantics (knowledge/etcd.md 1.4), quirks included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "proto/rpc.pb.h"

namespace quorate::mvcc {

struct RangeQuery {
  enum class Order { kNone, kAscend, kDescend };
  enum class Target { kKey, kVersion, kCreate, kMod, kValue };

  std::string_view key;
  std::string_view range_end;  // empty: key alone; "\0": from key on
  std::int64_t limit = 0;      // 0: none
  Revision revision;           // <= 0: the present
  Order order = Order::kNone;
  Target target = Target::kKey;
  bool keys_only = false;
  bool count_only = false;
  Revision mod_min, mod_max, create_min, create_max;  // inclusive, 0: off
  // Of the answer, and of the values it is sorted by; beyond: AnswerTooLarge. Not for a read inside
  // a write, which must end in the same way everywhere.
  std::size_t bytes_max = SIZE_MAX;

  // Borrows the request's texts. REQUIRES: sort fields are known values.
  static RangeQuery FromProto(const etcdserverpb::RangeRequest& request);
};

// What a client can be answered at once, as gRPC's and etcd's own limit.
constexpr std::size_t kAnswerBytesMax = 0x7fffffff;
Error AnswerTooLarge(std::size_t bytes, std::size_t bytes_max);

struct RangeAnswer {
  Revision revision;       // of the store when it was read: the header's revision
  std::int64_t count = 0;  // keys in the range, whatever limit and filters say
  bool more = false;
  std::int64_t rows = 0;  // pairs in body
  // RangeResponse bytes without the header: a reply is the header's field followed by this.
  std::string body;
};

// Appends a row of KeyValue bytes to the answer's body as the query wants it: nothing when a filter
// is against it, without the value for keys_only.
Status AppendTo(const RangeQuery& query, std::string_view record, RangeAnswer* answer);

}  // namespace quorate::mvcc
