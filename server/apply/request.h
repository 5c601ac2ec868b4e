// Request: the bytes of an InternalRaftRequest, made and read without message objects where it is
// worth it.
//
// A raft entry holds the client's own request bytes as one field, followed by the header (field
// 100), in the order in which etcd writes them. So a put travels from the client's frame to every
// member's apply without being encoded again.
//
// Thread: values.
// Source: knowledge/etcd.md 5.8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace etcdserverpb {
class InternalRaftRequest;
}  // namespace etcdserverpb

namespace quorate::apply {

// The field numbers of InternalRaftRequest that this server proposes.
enum class RequestField : std::uint32_t {
  kPut = 4,
  kDeleteRange = 5,
  kTxn = 6,
  kCompaction = 7,
  kLeaseGrant = 8,
  kLeaseRevoke = 9,
  kAlarm = 10,
  kLeaseCheckpoint = 11,
  kClusterVersionSet = 1300,
  kClusterMemberAttrSet = 1301,
};

// The entry's bytes: `message` is the encoded request of that field.
std::string MakeRequest(RequestField field, std::string_view message, std::uint64_t id);

// The request's id, 0 when it has none: how the node finds who waits for the answer.
std::uint64_t RequestId(std::string_view request);

// The message of `field` when it is what the request holds; nullopt otherwise.
std::optional<std::string_view> MessageOf(std::string_view request, RequestField field);

// The whole of it, when the parts above do not tell enough. False: no member proposed this.
bool ParseEntry(std::string_view bytes, etcdserverpb::InternalRaftRequest* request);

// PutRequest as views into its bytes.
struct PutView {
  std::string_view key;
  std::string_view value;
  LeaseId lease;
  bool prev_kv = false;
  bool ignore_value = false;
  bool ignore_lease = false;
};
// nullopt: not a PutRequest. Unknown fields are skipped.
std::optional<PutView> DecodePut(std::string_view bytes);

}  // namespace quorate::apply
