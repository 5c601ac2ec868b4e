// Client: the v3 API over gRPC, for programs that run etcd rather than merely use it.
//
//   auto client = TRY(etcdclient::MakeClient({.endpoints = {"https://10.0.0.1:2379"}, .tls =
//   tls})); auto members = TRY(client->MemberList(true)); auto status =
//   TRY(client->StatusOf("https://10.0.0.2:2379"));
//
// Every call is synchronous and bounded by a timeout. A call goes to the endpoint that answered
// last; when that one cannot be reached the next is tried (etcdclient/retry.h). A call that names
// an endpoint goes there and nowhere else.
//
// Two virtuals carry everything (Unary and Open), so a test replaces the network by overriding
// them.
//
// Errors: the server's code and its text, byte for byte ("etcdserver: requested lease not found").
// Made here: kDeadlineExceeded "context deadline exceeded: <why nobody could be reached>",
// kUnavailable for a call that may try one round only, kCancelled "context canceled". Thread: any,
// also at the same time. A Stream belongs to one thread; only Cancel may come from another. Source:
// go.etcd.io/etcd/client/v3 (behaviour).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "etcdclient/method.h"
#include "proto/rpc.pb.h"

namespace quorate::etcdclient {

// PEM texts, not paths: whoever made them may keep them anywhere.
struct TlsOptions {
  std::string ca{};           // empty: the system's roots
  std::string certificate{};  // chain, leaf first; empty: no client certificate
  std::string key{};
  std::string server_name{};  // empty: the endpoint's host; else the name the server's certificate
                              // must carry
  bool skip_verify = false;   // accept any server certificate: never outside a test
};

struct Options {
  // "host:port", "http://host:port", "https://host:port", "unix:///path", "unixs:///path".
  // Without a scheme an endpoint uses TLS when `tls` is set. At least one.
  std::vector<std::string> endpoints{};
  std::optional<TlsOptions> tls{};
  std::string user{};  // empty: no authentication
  std::string password{};
  std::chrono::milliseconds dial_timeout{
      2000};  // one endpoint's connection; then the next is tried
  std::chrono::milliseconds call_timeout{5000};  // whole call, all attempts; 0: none
  // Ping a connection with calls under way; 0: never. Servers forbid more than one in 10 s: less
  // counts as 10 s.
  std::chrono::milliseconds keepalive_time{10000};
  std::chrono::milliseconds keepalive_timeout{6000};
  int request_bytes_max = 0;  // larger requests are refused before sending; 0: the server decides
};

struct CallOptions {
  std::string endpoint{};                              // empty: any; else exactly this one
  std::optional<std::chrono::milliseconds> timeout{};  // default: Options::call_timeout; 0: none
  bool one_round =
      false;  // give up once every candidate endpoint failed, instead of at the timeout
  bool require_leader = false;  // refuse, and end streams, when the member knows no leader
};

// Stream: one bidirectional or server-side stream. Destroying it cancels it.
class Stream {
 public:
  virtual ~Stream() = default;

  virtual Status Write(const google::protobuf::MessageLite& message) = 0;
  // No more writes.
  virtual Status CloseWrites() = 0;

  enum class Read { kMessage, kTimeout, kEnd };
  // Waits for one message; kTimeout leaves a later call to take it; kEnd: the server ended the
  // stream with ok. nullopt waits for ever.
  virtual Result<Read> Next(google::protobuf::MessageLite& message,
                            std::optional<std::chrono::milliseconds> timeout) = 0;

  // Wakes a blocked Next, which then returns kCancelled. Any thread.
  virtual void Cancel() = 0;
};

class Client {
 public:
  using Ms = std::chrono::milliseconds;

  virtual ~Client() = default;

  // One request, one response, with failover and retries as the method allows.
  virtual Status Unary(const Method& method, const google::protobuf::MessageLite& request,
                       google::protobuf::MessageLite& response, const CallOptions& options) = 0;
  // A stream on the first endpoint that accepts a connection. `timeout` bounds the connecting only.
  virtual Result<std::unique_ptr<Stream>> Open(const Method& method,
                                               const CallOptions& options) = 0;
  // As configured, or as last given to SetEndpoints.
  virtual std::vector<std::string> endpoints() const = 0;
  virtual void SetEndpoints(std::vector<std::string> endpoints) = 0;
  // StatusOf each endpoint, in their order, asked all at once: those that do not answer cost one
  // timeout together. Each is tried once.
  virtual std::vector<Result<etcdserverpb::StatusResponse>> StatusOfAll(
      const std::vector<std::string>& endpoints, const CallOptions& options);

  // The same for a request that knows its response type.
  template <typename Response, typename Request>
  Result<Response> Call(const Method& method, const Request& request,
                        const CallOptions& options = {}) {
    Response response;
    Status done = Unary(method, request, response, options);
    if (!done.ok()) return std::move(done).error();
    return response;
  }

  // Keys.
  Result<etcdserverpb::RangeResponse> Range(const etcdserverpb::RangeRequest& request,
                                            const CallOptions& options = {});
  Result<etcdserverpb::PutResponse> Put(const etcdserverpb::PutRequest& request,
                                        const CallOptions& options = {});
  Result<etcdserverpb::DeleteRangeResponse> DeleteRange(
      const etcdserverpb::DeleteRangeRequest& request, const CallOptions& options = {});
  Result<etcdserverpb::TxnResponse> Txn(const etcdserverpb::TxnRequest& request,
                                        const CallOptions& options = {});
  Result<etcdserverpb::CompactionResponse> Compact(Revision revision, bool physical,
                                                   const CallOptions& options = {});
  // The value of one key, linearizable; nullopt: no such key.
  Result<std::optional<std::string>> Get(std::string_view key, const CallOptions& options = {});

  // Leases.
  Result<etcdserverpb::LeaseGrantResponse> LeaseGrant(std::chrono::seconds ttl, LeaseId id = {},
                                                      const CallOptions& options = {});
  Result<etcdserverpb::LeaseRevokeResponse> LeaseRevoke(LeaseId id,
                                                        const CallOptions& options = {});
  Result<etcdserverpb::LeaseTimeToLiveResponse> LeaseTimeToLive(LeaseId id, bool keys,
                                                                const CallOptions& options = {});
  Result<etcdserverpb::LeaseLeasesResponse> LeaseLeases(const CallOptions& options = {});
  // One renewal. ttl() == 0: the lease is gone.
  Result<etcdserverpb::LeaseKeepAliveResponse> LeaseKeepAlive(LeaseId id,
                                                              const CallOptions& options = {});

  // Members. linearizable: asked through the leader; else what the answering member believes.
  Result<etcdserverpb::MemberListResponse> MemberList(bool linearizable,
                                                      const CallOptions& options = {});
  Result<etcdserverpb::MemberAddResponse> MemberAdd(const std::vector<std::string>& peer_urls,
                                                    bool learner, const CallOptions& options = {});
  Result<etcdserverpb::MemberRemoveResponse> MemberRemove(MemberId id,
                                                          const CallOptions& options = {});
  Result<etcdserverpb::MemberUpdateResponse> MemberUpdate(MemberId id,
                                                          const std::vector<std::string>& peer_urls,
                                                          const CallOptions& options = {});
  Result<etcdserverpb::MemberPromoteResponse> MemberPromote(MemberId id,
                                                            const CallOptions& options = {});

  // Upkeep of one member, named by its endpoint.
  Result<etcdserverpb::StatusResponse> StatusOf(const std::string& endpoint,
                                                CallOptions options = {});
  Result<etcdserverpb::DefragmentResponse> Defragment(const std::string& endpoint,
                                                      CallOptions options = {});
  // revision 0: the current one.
  Result<etcdserverpb::HashKVResponse> HashKv(const std::string& endpoint, Revision revision,
                                              CallOptions options = {});
  // The endpoint must be the leader's.
  Result<etcdserverpb::MoveLeaderResponse> MoveLeader(const std::string& endpoint, MemberId target,
                                                      CallOptions options = {});

  // Upkeep of the cluster.
  Result<etcdserverpb::AlarmResponse> AlarmList(const CallOptions& options = {});
  // member 0 and NONE: every alarm there is.
  Result<etcdserverpb::AlarmResponse> AlarmDisarm(MemberId member, etcdserverpb::AlarmType alarm,
                                                  const CallOptions& options = {});
  Result<etcdserverpb::DowngradeResponse> Downgrade(
      etcdserverpb::DowngradeRequest::DowngradeAction action, const std::string& version,
      const CallOptions& options = {});
  // Authentication and users have no methods of their own: Call<Response>(kUserAdd, request).
};

// No I/O: connections are made by the first call. kInvalidArgument: no endpoint, an endpoint that
// cannot be understood, or TLS texts that are not PEM.
Result<std::unique_ptr<Client>> MakeClient(Options options);

}  // namespace quorate::etcdclient
