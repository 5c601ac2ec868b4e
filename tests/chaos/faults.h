// Faults: what goes wrong in a chaos run, drawn from a seed, one after another.
//
// The seed alone says which kinds come, where (a slot, or whoever leads then) and for how long. A
// fault is made, lasts a while, and is mended; members that it ended are started again. Whatever
// else ends a member is a finding.
//
// Thread: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "chaos/clients.h"
#include "chaos/cluster.h"
#include "chaos/network.h"

namespace quorate::chaos {

// kill, pause, isolate, one-way, bridge, slow, disk-full, restart, kill-all, replace, compact,
// snapshot, move-leader.
const std::vector<std::string>& AllFaults();

class Faults {
 public:
  Faults(Network& network, Cluster& cluster, Clients& clients, std::uint64_t seed)
      : network_(network), cluster_(cluster), clients_(clients), random_(seed) {}

  // Makes one of these kinds, or the one named, and mends it; blocks meanwhile (seconds). False:
  // nothing happened, because there was nothing to compact, nobody led, or the like.
  bool MakeOne(const std::vector<std::string>& kinds);
  bool Make(const std::string& kind);
  // Everything is well again: links, processes, disks. Adds a finding for each member that does not
  // come back.
  void MendAll();

  std::chrono::milliseconds lasts() const { return draw_.lasts; }  // of the latest one
  const std::map<std::string, int>& made() const { return made_; }
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  // What the seed says of one fault; drawn whole, so that the next one's does not depend on what
  // the members did.
  struct Draw {
    bool at_leader;
    int slot;
    std::chrono::milliseconds lasts;
    bool coin;
  };

  int Any();    // the drawn slot; the leader's every other time
  void Last();  // as long as was drawn
  void ExpectRunning(int except = -1);

  void Kill();
  void Pause();
  void Isolate();
  void OneWay();
  void Bridge();
  void FillDisk();
  void KillAll();
  void Replace();
  bool Compact();
  bool SaveSnapshot();
  bool MoveLeader();

  Network& network_;
  Cluster& cluster_;
  Clients& clients_;
  std::mt19937_64 random_;
  Draw draw_{};
  std::map<std::string, int> made_;
  std::set<int> was_full_;  // disks; their members may stop a little later
  std::vector<std::string> findings_;
};

}  // namespace quorate::chaos
