// Print: what each command writes to standard output, in the chosen format.
//
// Every function returns the whole text, newline included; kUnimplemented where etcdctl does not
// know the format for that command either. Source: etcdctl 3.6 (output formats).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "output/style.h"
#include "proto/rpc.pb.h"

namespace quorate::output {

// Keys.
Result<std::string> PrintRange(const Style& style, const etcdserverpb::RangeResponse& response,
                               bool value_only = false);
Result<std::string> PrintPut(const Style& style, const etcdserverpb::PutResponse& response);
Result<std::string> PrintDelete(const Style& style,
                                const etcdserverpb::DeleteRangeResponse& response);
Result<std::string> PrintTxn(const Style& style, const etcdserverpb::TxnResponse& response);
Result<std::string> PrintWatch(const Style& style, const etcdserverpb::WatchResponse& response);

// Leases.
Result<std::string> PrintLeaseGrant(const Style& style,
                                    const etcdserverpb::LeaseGrantResponse& response);
Result<std::string> PrintLeaseRevoke(const Style& style, std::int64_t id,
                                     const etcdserverpb::LeaseRevokeResponse& response);
Result<std::string> PrintLeaseKeepAlive(const Style& style,
                                        const etcdserverpb::LeaseKeepAliveResponse& response);
Result<std::string> PrintLeaseTimeToLive(const Style& style, bool keys,
                                         const etcdserverpb::LeaseTimeToLiveResponse& response);
Result<std::string> PrintLeases(const Style& style,
                                const etcdserverpb::LeaseLeasesResponse& response);

// Members.
Result<std::string> PrintMemberAdd(const Style& style, const std::string& name,
                                   const etcdserverpb::MemberAddResponse& response);
Result<std::string> PrintMemberRemove(const Style& style, std::uint64_t id,
                                      const etcdserverpb::MemberRemoveResponse& response);
Result<std::string> PrintMemberUpdate(const Style& style, std::uint64_t id,
                                      const etcdserverpb::MemberUpdateResponse& response);
Result<std::string> PrintMemberPromote(const Style& style, std::uint64_t id,
                                       const etcdserverpb::MemberPromoteResponse& response);
Result<std::string> PrintMembers(const Style& style,
                                 const etcdserverpb::MemberListResponse& response);
Result<std::string> PrintAlarms(const Style& style, const etcdserverpb::AlarmResponse& response);

// Endpoints, one row each.
struct EndpointStatus {
  std::string endpoint;
  etcdserverpb::StatusResponse status;
};
struct EndpointHash {
  std::string endpoint;
  etcdserverpb::HashKVResponse hash;
};
struct EndpointHealth {
  std::string endpoint;
  bool healthy = false;
  std::chrono::nanoseconds took{0};
  std::string error;
};
Result<std::string> PrintStatuses(const Style& style, const std::vector<EndpointStatus>& rows);
Result<std::string> PrintHashes(const Style& style, const std::vector<EndpointHash>& rows);
Result<std::string> PrintHealth(const Style& style, const std::vector<EndpointHealth>& rows);

struct SnapshotStatus {
  std::uint32_t hash = 0;
  std::int64_t revision = 0;
  std::int64_t keys = 0;
  std::uint64_t size = 0;  // bytes
  std::string version;     // storage version; empty when the file does not say
};
Result<std::string> PrintSnapshotStatus(const Style& style, const SnapshotStatus& status);

}  // namespace quorate::output
