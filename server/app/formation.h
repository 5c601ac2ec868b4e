// Formation: which cluster a member with an empty data directory belongs to, and as whom.
//
// new       the ids follow from --initial-cluster and the token; refused when the running peers say
// that this member has
//           started before: its data is lost, and starting it anew could lose acknowledged writes.
// existing  the ids are those of the running cluster, asked over the peers' GET /members.
//
// Errors: etcd's texts of the clustering guide. Ending codes: 12 when the cluster is not the
// expected one, 14 for what the
//   flags get wrong, 15 when a new cluster must not be formed here, 1 when the peers cannot be
//   asked.
// Source: knowledge/etcd.md 3.9.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "app/exit.h"
#include "base/ids.h"
#include "base/result.h"
#include "config/options.h"
#include "membership/member.h"

namespace quorate::app {

// What a peer answers on GET /members.
struct RemoteCluster {
  ClusterId id;
  std::vector<membership::Member> members;
};

// Asks one peer URL. An interface of one function, so that the decision can be tested without a
// network.
using AskMembers =
    std::function<Result<RemoteCluster>(const std::string& peer_url, std::chrono::milliseconds)>;

struct Formation {
  ClusterId cluster;
  MemberId self;
  std::vector<membership::Member> members;  // of the cluster as it was found or configured, by id
  bool joins = false;                       // an empty log: everything comes from the leader
};

std::variant<Formation, Ending> Form(const config::Options& options, const AskMembers& ask);

}  // namespace quorate::app
