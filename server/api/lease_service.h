// LeaseService: etcdserverpb.Lease.
//
// Granting and revoking go through the log. Renewing and asking for the time left are the leader's
// alone: it answers from memory, any other member asks it over the peer port (POST /leases, POST
// /leases/internal), as etcd's do.
#pragma once

#include <functional>
#include <string>

#include "api/context.h"
#include "api/leader_watch.h"
#include "rpc/router.h"

namespace quorate::api {

void RegisterLease(rpc::Router& router, const Context& context, LeaderWatch& leader_watch);

// The leader's side of the two peer paths: the answer's body, or the error; `done` on the
// raft+apply loop. kNotFound is HTTP 404; "not a primary lessor" says that another member leads.
using PeerAnswer = std::function<void(Result<std::string>)>;
void AnswerPeerKeepAlive(const Context& context, std::string_view body, PeerAnswer done);
void AnswerPeerTimeToLive(const Context& context, std::string_view body, PeerAnswer done);

}  // namespace quorate::api
