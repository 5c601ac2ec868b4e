#include "sim/cluster/oracle.h"

#include <algorithm>
#include <utility>

namespace quorate::sim::cluster {

std::vector<SiteCount>& SiteCounts() {
  static std::vector<SiteCount> counts(site::Places().size());
  return counts;
}

Oracle::Oracle(std::uint64_t seed, std::string_view planted,
               std::function<void(std::uint64_t)> crash)
    : random_(seed),
      planted_(planted),
      crash_(std::move(crash)),
      chances_(site::Places().size(), 0) {
  const auto& places = site::Places();
  for (std::size_t id = 0; id < places.size(); ++id) {
    if (places[id].kind == site::Kind::kCrash) crash_sites_.push_back(id);
    if (places[id].kind == site::Kind::kBend) bend_sites_.push_back(id);
  }
  site::oracle = this;
}

Oracle::~Oracle() {
  site::oracle = nullptr;
}

bool Oracle::Reached(std::size_t id) {
  if (member_ == 0) return false;
  const site::Place& place = site::Places()[id];
  SiteCount& count = SiteCounts()[id];
  ++count.reached;
  bool hit = false;
  switch (place.kind) {
    case site::Kind::kPlanted:
      hit = place.name == planted_;
      break;
    case site::Kind::kBend:
      hit = chances_[id] > 0 && random_.Chance(chances_[id]);
      break;
    case site::Kind::kCrash: {
      const auto chosen = std::ranges::find_if(crashes_, [&](const Chosen& crash) {
        return crash.id == id && (crash.member == member_ || crash.member == 0);
      });
      if (chosen == crashes_.end() || --chosen->after > 0) break;
      crashes_.erase(chosen);
      hit = true;
      crash_(member_);
      break;
    }
  }
  if (hit) ++count.hit;
  return hit;
}

void Oracle::CrashAt(std::uint64_t member, std::uint64_t choice, int n) {
  if (crash_sites_.empty()) return;
  crashes_.push_back({member, crash_sites_[choice % crash_sites_.size()], n});
}

std::size_t Oracle::Bend(std::uint64_t choice, std::uint64_t per_mille) {
  if (bend_sites_.empty()) return 0;
  const std::size_t id = bend_sites_[choice % bend_sites_.size()];
  chances_[id] = per_mille;
  return id;
}

void Oracle::StopBending() {
  for (std::uint64_t& chance : chances_) chance = 0;
  crashes_.clear();
}

}  // namespace quorate::sim::cluster
