// ClusterService: etcdserverpb.Cluster, membership as clients see and change it.
//
// Changes are checked here against the strict rules (--strict-reconfig-check), then go through the
// log; every member checks them again when it applies them. Only the leader can judge whether a
// learner is ready: others ask it.
#pragma once

#include <functional>
#include <string>

#include "api/context.h"
#include "membership/member.h"
#include "rpc/router.h"

namespace quorate::api {

void RegisterCluster(rpc::Router& router, const Context& context);

// The leader's side of POST /members/promote/<id>: the member list as JSON, or the error; `done` on
// the raft+apply loop. kNotFound is HTTP 404, kFailedPrecondition 412.
void AnswerPeerPromote(const Context& context, MemberId member,
                       std::function<void(Result<std::string>)> done);

// GET /members on the peer port: the member list as JSON; `done` on the raft+apply loop. It holds
// all that was agreed on before the question, as long as somebody leads; else, and when that takes
// longer than a member that asks would wait, it is what this member knows.
void AnswerPeerMembers(const Context& context, std::function<void(std::string)> done);

}  // namespace quorate::api
