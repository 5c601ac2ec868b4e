// Injector: makes the faults of a plan happen, and undoes those that last.
//
// Ownership: borrows the Cluster.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "sim/cluster/plan.h"

namespace quorate::sim::cluster {

class Admin;
class Cluster;
class Member;
struct Directory;

class Injector {
 public:
  explicit Injector(Cluster& cluster) : cluster_(cluster) {}

  void Begin(const Fault& fault, Admin& admin);
  // From now on nothing is undone any more: everything that lasts ends here.
  void Heal();

  // How long a member stays down that crashed at a site.
  Time restart_after_site() const { return restart_after_site_; }

 private:
  using Pairs = std::vector<std::pair<MemberId, MemberId>>;

  void Network(const Fault& fault);
  void Process(const Fault& fault, Member& member);
  void DiskOrClock(const Fault& fault, Member& member);
  void Administer(const Fault& fault, Member& member, Admin& admin);
  void TwoToOne(const Fault& fault, Admin& admin);
  void CutAll(const Pairs& pairs, Time lasts, bool quiet);
  Pairs Sides(std::uint64_t bits);
  Pairs Missing(std::uint64_t shape, std::uint64_t centre);
  void Swizzle(const Fault& fault);
  void Flap(MemberId a, MemberId b, Time until, bool cut);
  void Loop(MemberId id, int times);
  void GoBack(MemberId id, std::shared_ptr<const Directory> directory, std::uint64_t value);
  void BringBackLater(MemberId id, std::shared_ptr<const Directory> directory, std::uint64_t value);
  void BringBack(MemberId id, std::shared_ptr<const Directory> directory, std::uint64_t value);
  bool OthersAreWell(MemberId id);
  void Flip(Member& member, std::uint64_t value, Time restart);
  void Wreck(MemberId id, std::shared_ptr<const Directory> before, const Fault& fault);
  bool MayLoseData() const;
  void Restart(MemberId id, bool ours);
  void Undo(Time after, std::function<void()> undo);

  Cluster& cluster_;
  bool healed_ = false;
  bool damaged_ = false;
  Time restart_after_site_{0};
};

}  // namespace quorate::sim::cluster
