// Admin: whoever runs the cluster: changes its members, hands leadership on, compacts.
//
// It proposes to a leader what the api would, after the same strict checks, starts a member that
// the cluster has accepted, and replaces one whose data is lost: out first, then a new one in.
//
// Ownership: borrows the Cluster.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "membership/member.h"
#include "membership/reconfig_check.h"
#include "raft/types.h"
#include "sim/cluster/plan.h"

namespace quorate::sim::cluster {

class Cluster;
class Member;

class Admin {
 public:
  explicit Admin(Cluster& cluster) : cluster_(cluster) {}

  void Start();
  void Add(bool learner);
  void Promote(std::uint64_t choice);
  void Remove(MemberId member);
  void Update(MemberId member);
  void MoveLeader(MemberId to);
  // Of one member, read after a while; it must be what the cluster had at one moment.
  void Backup(MemberId member, Time lasts);
  void Compact(std::uint64_t choice, bool physical);
  void Alarm(MemberId member, bool raised);

 private:
  void ReadBackup(Member& from, std::uint64_t token, LogIndex applied, Time lasts);
  void Look();
  void StartAdded();
  void Replace(Member& leader);
  membership::Liveness LivenessOf(Member& leader);
  void Propose(Member& leader, raft::ConfChange change);

  Cluster& cluster_;
  std::map<MemberId, membership::Member> pending_;  // asked for, not seen yet
  std::map<MemberId, Time> asked_out_;              // lost members, when their removal was asked
  std::set<MemberId> replaced_;
};

}  // namespace quorate::sim::cluster
