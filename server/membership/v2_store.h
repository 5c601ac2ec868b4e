// V2Store: the members as the JSON of etcd's former store, which an etcd up to 3.6 expects within a
// snapshot message and cannot do without.
//
//   /0/members/ID/raftAttributes   {"peerURLs":["http://a:2380"],"isLearner":true}
//   /0/members/ID/attributes       {"name":"a","clientURLs":["http://a:2379"]}
//   /0/removed_members/ID          removed
//   /0/version                     3.6.0
//   /1                             an empty directory
//
// An etcd of 3.6 recovers its old store from it and takes the truth from the database that follows.
//
// Thread: any; pure. Source: knowledge/etcd.md 5.4.
#pragma once

#include <string>

#include "membership/cluster.h"

namespace quorate::membership {

std::string ToV2Store(const Roster& roster);

}  // namespace quorate::membership
