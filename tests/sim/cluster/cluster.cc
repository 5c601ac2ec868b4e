#include "sim/cluster/cluster.h"

#include <algorithm>

#include "membership/ids.h"
#include "raft/quorum.h"
#include "sim/cluster/admin.h"
#include "sim/cluster/clients.h"
#include "sim/cluster/injector.h"

namespace quorate::sim::cluster {
namespace {

using std::chrono::milliseconds;

// From the end of all faults, in election timeouts.
constexpr int kRecovery = 20;
// What a cluster needs that must first get rid of a member whose data is lost.
constexpr int kRecoveryWithRepair = 60;
constexpr auto kLook = milliseconds(50);
// How late a lease may end in a healed cluster: looked for each half second, and asked for again
// after three when that got lost. A leader that has just been elected adds an election timeout.
constexpr auto kLeaseLate = milliseconds(5000);
// Nobody renews any more: the longest lease and a few new leaders.
constexpr auto kLeasesOver = milliseconds(60'000);

}  // namespace

void Counts::Add(const Counts& other) {
  turns += other.turns;
  boots += other.boots;
  crashes += other.crashes;
  snapshots += other.snapshots;
  installs += other.installs;
  expired += other.expired;
  faults += other.faults;
  requests += other.requests;
  answered += other.answered;
  watch_events += other.watch_events;
  backups += other.backups;
  put_back += other.put_back;
  owed += other.owed;
  recognised += other.recognised;
  refused += other.refused;
  changes += other.changes;
  for (std::size_t i = 0; i < kFaultKinds; ++i) kinds[i] += other.kinds[i];
}

Cluster::Cluster(const Plan& plan, std::string_view planted, bool verbose)
    : plan_(plan),
      world_(verbose),
      checks_(world_,
              [this](MemberId member, LogIndex index, Term term) {
                const Member* found = Find(member);
                return found != nullptr && found->HasDurably(index, term);
              }),
      oracle_(plan.seed ^ 0x5EED, planted,
              [this](std::uint64_t member) {
                if (Member* found = Find(MemberId{member})) {
                  world_.Trace("crash site", member);
                  found->Crash(End::kPowerLoss, injector_->restart_after_site());
                }
              }),
      network_(*this, plan.seed ^ 0xBEEF, plan.framed) {
  injector_ = std::make_unique<Injector>(*this);
  admin_ = std::make_unique<Admin>(*this);
  clients_ = std::make_unique<Clients>(*this);
}

Cluster::~Cluster() {
  clients_.reset();
  members_.clear();
}

std::optional<std::string> Cluster::Run() {
  Found();
  for (const Fault& fault : plan_.faults) {
    world_.At(fault.at, [this, fault] {
      if (healing_) return;
      ++counts_.faults;
      ++counts_.kinds[static_cast<std::size_t>(fault.kind)];
      world_.Say("FAULT " + ToString(fault));
      world_.Trace("fault", static_cast<std::uint64_t>(fault.kind), fault.a, fault.b);
      injector_->Begin(fault, *admin_);
    });
  }
  clients_->Start();
  admin_->Start();
  world_.RunUntil(plan_.faults_until);
  if (world_.violation()) return world_.violation();
  Heal();
  const bool repair =
      std::ranges::any_of(Present(), [](const Member* member) { return member->unusable(); });
  const Time end = world_.now() + plan_.election * (repair ? kRecoveryWithRepair : kRecovery);
  while (world_.now() < end && !world_.violation()) {
    world_.RunUntil(world_.now() + kLook);
    if (Converged()) break;
  }
  if (!world_.violation() && Converged()) {
    AwaitEndsOfLeases();
  } else if (!world_.violation() && !BeyondRepair()) {
    world_.Fail("liveness: " + WhyNotConverged());
  }
  if (!world_.violation()) clients_->Finish();
  return world_.violation();
}

// The founding members, with the log that each of them begins with.
void Cluster::Found() {
  std::vector<membership::Member> founders;
  for (int i = 0; i < plan_.voters; ++i) {
    membership::Member member;
    member.name = "";
    member.peer_urls = {"http://" + NextName() + ":2380"};
    member.id = membership::MakeMemberId(member.peer_urls, "sim");
    founders.push_back(std::move(member));
  }
  std::ranges::sort(founders, {}, &membership::Member::id);
  std::set<MemberId> known;
  for (const membership::Member& founder : founders) known.insert(founder.id);
  for (const membership::Member& founder : founders) {
    std::set<MemberId> others = known;
    others.erase(founder.id);
    Add(founder, founders, std::move(others)).Boot();
  }
}

Member& Cluster::Add(membership::Member self, std::vector<membership::Member> founders,
                     std::set<MemberId> known) {
  if (self.name.empty()) self.name = self.peer_urls.front();
  const MemberId id = self.id;
  auto& slot = members_[id];
  slot = std::make_unique<Member>(*this, std::move(self), std::move(founders), std::move(known));
  slot->after_turn = [this](Member& member) { clients_->AfterTurn(member); };
  return *slot;
}

Member* Cluster::Find(MemberId member) {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : found->second.get();
}

std::vector<Member*> Cluster::Present() {
  std::vector<Member*> present;
  for (const auto& [id, member] : members_) {
    if (!member->retired()) present.push_back(member.get());
  }
  return present;
}

Member* Cluster::Pick(std::uint64_t choice) {
  const std::vector<Member*> present = Present();
  return present.empty() ? nullptr : present[choice % present.size()];
}

Member* Cluster::Leader() {
  Member* leader = nullptr;
  for (const auto& [id, member] : members_) {
    if (!member->leads() || member->paused()) continue;
    if (leader == nullptr || member->driver().core().term() > leader->driver().core().term()) {
      leader = member.get();
    }
  }
  return leader;
}

void Cluster::Heal() {
  world_.Say("HEAL");
  world_.Trace("heal");
  healing_ = true;
  network_.Heal();
  oracle_.StopBending();
  injector_->Heal();
  for (Member* member : Present()) {
    member->Pause(false);
    member->Spare();
    if (!member->up() && !member->unusable()) member->Boot();
  }
  clients_->Heal();
}

bool Cluster::Converged() {
  const Member* leader = Leader();
  if (leader == nullptr || !clients_->WroteSinceHeal()) return false;
  Member& first = *Find(leader->id());
  const auto roster = first.machine().cluster().roster();
  for (const auto& [id, listed] : roster->members) {
    Member* member = Find(id);
    if (member == nullptr || !member->up()) return false;
    if (member->machine().store().revision() != first.machine().store().revision()) return false;
    if (member->driver().core().applied() != first.driver().core().applied()) return false;
  }
  return clients_->WatchersCurrent();
}

// Whose owner stopped renewing it has an end, on every member.
void Cluster::AwaitEndsOfLeases() {
  const Time settled = world_.now();
  std::string open;
  while (!world_.violation() && world_.now() < settled + kLeasesOver) {
    open.clear();
    for (Member* member : Present()) {
      if (!member->up() || member->machine().lessor().size() == 0) continue;
      open = member->self().name + " has lease " +
             std::to_string(member->machine().lessor().List().front().value);
      const bool late =
          world_.now() > settled + kLeaseLate && member->KeepsLeaseFor(plan_.election + kLeaseLate);
      if (late) return world_.Fail("lease: nobody renews it, and yet " + open);
    }
    if (open.empty()) return;
    world_.RunUntil(world_.now() + kLook);
  }
  if (!world_.violation()) world_.Fail("lease: they do not end; " + open);
}

// A power loss may leave a sector of the log that differs from what it should be in one bit. That
// cannot be told from a bit that flipped in what was acknowledged, so the member refuses it. With
// the data that a fault took that is one loss too many, the only one that is forgiven.
bool Cluster::BeyondRepair() {
  const raft::ConfState* state = checks_.configuration();
  const std::vector<Member*> present = Present();
  if (state == nullptr || std::ranges::none_of(present, &Member::one_bit_differs)) return false;
  const auto usable = std::ranges::count_if(state->voters, [this](MemberId voter) {
    const Member* member = Find(voter);
    return member == nullptr || !member->unusable();
  });
  return static_cast<std::size_t>(usable) < raft::Majority(state->voters.size());
}

std::string Cluster::WhyNotConverged() {
  std::string text = "not recovered within the time after all faults ended;";
  text += clients_->WroteSinceHeal() ? " a write was accepted," : " no write was accepted,";
  text += clients_->WatchersCurrent() ? "" : " watchers lag behind,";
  for (Member* member : Present()) {
    text += " " + member->self().name;
    if (!member->up()) {
      text += (member->unusable() ? " unusable (" : " down (") + member->why() + ")";
      continue;
    }
    const raft::Core& core = member->driver().core();
    text += " " + std::string(raft::ToString(core.role())) + " term " +
            std::to_string(core.term().value) + " applied " + std::to_string(core.applied().value) +
            "/" + std::to_string(core.committed().value) + "/" +
            std::to_string(core.last_index().value) + " revision " +
            std::to_string(member->machine().store().revision().value) + ";";
  }
  return text;
}

}  // namespace quorate::sim::cluster
