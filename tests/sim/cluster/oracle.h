// Oracle: answers the sites of the rooms for the member whose code is running.
//
// A crash site crashes when somebody asked for it; a bending site bends with the chance that a
// fault gave it; a planted bug is there or not for the whole run. Reaches and hits are counted by
// name over all runs of the process, for the report.
//
// Thread: the simulator's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/site.h"
#include "sim/prng.h"

namespace quorate::sim::cluster {

struct SiteCount {
  std::uint64_t reached = 0;
  std::uint64_t hit = 0;
};
// By the ids of site::Places(), over the life of the process.
std::vector<SiteCount>& SiteCounts();

class Oracle final : public site::Oracle {
 public:
  // crash: called at a crash site that was chosen.
  Oracle(std::uint64_t seed, std::string_view planted, std::function<void(std::uint64_t)> crash);
  ~Oracle() override;

  bool Reached(std::size_t id) override;

  // Whose code runs from now on; 0: nobody's, every answer is no.
  void SetMember(std::uint64_t member) { member_ = member; }

  // The member (0: whoever is first) crashes when it reaches the n-th crash site, counted from now,
  // of those that match choice (a position among the crash sites).
  void CrashAt(std::uint64_t member, std::uint64_t choice, int n);
  // Bends the choice-th bending site with this chance per mille, until told otherwise (0).
  std::size_t Bend(std::uint64_t choice, std::uint64_t per_mille);
  void StopBending();

 private:
  struct Chosen {
    std::uint64_t member;
    std::size_t id;
    int after;
  };

  Prng random_;
  const std::string planted_;
  std::function<void(std::uint64_t)> crash_;
  std::uint64_t member_ = 0;
  std::vector<std::size_t> crash_sites_;
  std::vector<std::size_t> bend_sites_;
  std::vector<std::uint64_t> chances_;  // by id
  std::vector<Chosen> crashes_;         // until they are reached
};

}  // namespace quorate::sim::cluster
