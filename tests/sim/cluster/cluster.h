// Cluster: one simulated cluster, its members, its faults and its judge.
//
// Run() lets a plan happen: faults and clients until plan.faults_until, then everything heals and
// the cluster has twenty election timeouts to accept a write and bring every live member to one
// revision (safety mode, then liveness mode). Then nobody renews leases, and they must end.
//
// Ownership: owns everything of one run.
// Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cluster/checks.h"
#include "sim/cluster/member.h"
#include "sim/cluster/network.h"
#include "sim/cluster/oracle.h"
#include "sim/cluster/plan.h"
#include "sim/cluster/world.h"

namespace quorate::sim::cluster {

class Clients;

struct Counts {
  std::uint64_t turns = 0;
  std::uint64_t boots = 0;
  std::uint64_t crashes = 0;
  std::uint64_t snapshots = 0;  // delivered
  std::uint64_t installs = 0;
  std::uint64_t expired = 0;  // leases
  std::uint64_t faults = 0;
  std::array<std::uint64_t, kFaultKinds> kinds{};
  std::uint64_t requests = 0;
  std::uint64_t answered = 0;
  std::uint64_t watch_events = 0;
  std::uint64_t backups = 0;     // read and found right
  std::uint64_t put_back = 0;    // old directories
  std::uint64_t owed = 0;        // of them those that lacked what had been acknowledged
  std::uint64_t recognised = 0;  // directories that went back in time
  std::uint64_t refused = 0;     // starts with a directory of somebody else, or in use
  std::uint64_t changes = 0;     // of the membership that were accepted

  void Add(const Counts& other);
};

class Cluster {
 public:
  Cluster(const Plan& plan, std::string_view planted, bool verbose);
  ~Cluster();

  // The first violation; nothing when all is well.
  std::optional<std::string> Run();

  const Plan& plan() const { return plan_; }
  ClusterId id() const { return id_; }
  World& world() { return world_; }
  Checks& checks() { return checks_; }
  Oracle& oracle() { return oracle_; }
  Network& network() { return network_; }
  Counts& counts() { return counts_; }
  Clients& clients() { return *clients_; }
  bool healing() const { return healing_; }
  // When members told their names; an index each.
  std::map<MemberId, LogIndex>& named() { return named_; }

  Member* Find(MemberId member);
  std::vector<Member*> Present();      // not retired, by id
  Member* Pick(std::uint64_t choice);  // of Present
  Member* Leader();
  Member& Add(membership::Member self, std::vector<membership::Member> founders,
              std::set<MemberId> known);
  std::string NextName() { return "m" + std::to_string(++names_); }

 private:
  void Found();
  void Heal();
  bool Converged();
  void AwaitEndsOfLeases();
  bool BeyondRepair();
  std::string WhyNotConverged();

  const Plan plan_;
  const ClusterId id_{7};
  World world_;
  Checks checks_;
  Oracle oracle_;
  Network network_;
  Counts counts_;
  int names_ = 0;
  bool healing_ = false;
  std::map<MemberId, LogIndex> named_;
  std::map<MemberId, std::unique_ptr<Member>> members_;
  std::unique_ptr<class Injector> injector_;
  std::unique_ptr<class Admin> admin_;
  std::unique_ptr<Clients> clients_;
};

}  // namespace quorate::sim::cluster
