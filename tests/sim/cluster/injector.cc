#include "sim/cluster/injector.h"

#include <algorithm>

#include "sim/cluster/admin.h"
#include "sim/cluster/cluster.h"

namespace quorate::sim::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kPlenty = 1ULL << 40U;
constexpr auto kLookPause = milliseconds(7);
constexpr auto kRestoreTakes = seconds(1);
constexpr std::size_t kSectorBytes = 512;

// Up to four neighbouring sectors of one file of the log that changed since `before` are as they
// were. misdirected: what should be there is somewhere else in the file. False: none changed.
bool LoseSectors(const Disk::Image& before, Disk::Image& now, std::uint64_t value,
                 bool misdirected) {
  std::vector<std::pair<std::string, std::size_t>> changed;
  const auto old_of = [&](const std::string& path, std::size_t at, std::size_t size) {
    const auto old = before.find(path);
    std::string bytes;
    if (old != before.end() && old->second && old->second->size() > at) {
      bytes = old->second->substr(at, size);
    }
    bytes.resize(size);
    return bytes;
  };
  for (const auto& [path, bytes] : now) {
    if (!bytes || !path.starts_with(kLog)) continue;
    for (std::size_t at = 0; at < bytes->size(); at += kSectorBytes) {
      const std::string sector = bytes->substr(at, kSectorBytes);
      if (sector != old_of(path, at, sector.size())) changed.emplace_back(path, at);
    }
  }
  if (changed.empty()) return false;
  const auto& [path, from] = changed[value % changed.size()];
  std::string& bytes = *now[path];
  const std::size_t size = std::min(bytes.size() - from, kSectorBytes * (1 + (value >> 32U) % 4));
  const std::string lost = bytes.substr(from, size);
  bytes.replace(from, size, old_of(path, from, size));
  const std::size_t to = (value >> 40U) % 16 * kSectorBytes;
  if (misdirected && to + size <= bytes.size()) bytes.replace(to, size, lost);
  return true;
}

}  // namespace

void Injector::Begin(const Fault& fault, Admin& admin) {
  if (fault.kind <= FaultKind::kAddressReuse) return Network(fault);
  if (fault.kind == FaultKind::kKillAll) {
    for (Member* member : cluster_.Present()) {
      member->Crash(fault.value % 2 == 0 ? End::kPowerLoss : End::kProcess, fault.lasts);
    }
    return;
  }
  if (fault.kind == FaultKind::kBend) {
    const std::uint64_t chance = fault.b % 4 == 0 ? 900 : 20 + fault.b * 8;
    const std::uint64_t choice = fault.value;
    cluster_.oracle().Bend(choice, chance);
    return Undo(fault.lasts, [this, choice] { cluster_.oracle().Bend(choice, 0); });
  }
  if (fault.kind == FaultKind::kTwoToOne) return TwoToOne(fault, admin);
  Member* member = cluster_.Pick(fault.a);
  if (member == nullptr) return;
  if (fault.kind <= FaultKind::kSlowCpu) return Process(fault, *member);
  if (fault.kind <= FaultKind::kDrift) return DiskOrClock(fault, *member);
  Administer(fault, *member, admin);
}

void Injector::Undo(Time after, std::function<void()> undo) {
  cluster_.world().After(after, [this, undo = std::move(undo)] {
    if (!healed_) undo();
  });
}

// ---- network ----

void Injector::Network(const Fault& fault) {
  Weather& weather = cluster_.network().weather();
  const auto for_a_while = [&](auto& field, auto amount) {
    field += amount;
    Undo(fault.lasts, [&field, amount] { field -= amount; });
  };
  const auto micros = microseconds(static_cast<std::int64_t>(fault.value % 10'000'000));
  const Member* a = cluster_.Pick(fault.a);
  const Member* b = cluster_.Pick(fault.b == fault.a ? fault.b + 1 : fault.b);
  if (a == nullptr || b == nullptr) return;
  switch (fault.kind) {
    case FaultKind::kLoss:
      return for_a_while(weather.loss, fault.value);
    case FaultKind::kDuplicate:
      return for_a_while(weather.duplicate, fault.value);
    case FaultKind::kReorder:
      return for_a_while(weather.jitter, Time(micros));
    case FaultKind::kDelay:
      return for_a_while(weather.delay, Time(micros));
    case FaultKind::kLongDelay:
      return for_a_while(weather.long_delay, fault.value);
    case FaultKind::kNarrow:
      return for_a_while(weather.per_kilobyte, Time(micros));
    case FaultKind::kDamage:
      return for_a_while(weather.damage, fault.value);
    case FaultKind::kMisdeliver:
      return for_a_while(weather.misdeliver, fault.value);
    case FaultKind::kCutFrame:
      return cluster_.network().CutNextFrame(a->id(), b->id());
    case FaultKind::kAddressReuse:
      cluster_.network().GiveAddress(a->id(), b->id());
      return Undo(fault.lasts, [this, id = a->id()] { cluster_.network().GiveAddress(id, id); });
    case FaultKind::kSwizzle:
      return Swizzle(fault);
    case FaultKind::kCutOneWay:
      return CutAll({{a->id(), b->id()}}, fault.lasts, false);
    case FaultKind::kCutPair:
      return CutAll({{a->id(), b->id()}, {b->id(), a->id()}}, fault.lasts, false);
    case FaultKind::kHalfOpen:
      return CutAll({{a->id(), b->id()}}, fault.lasts, true);
    case FaultKind::kPartition:
      return CutAll(Sides(fault.value), fault.lasts, fault.b % 3 == 0);
    case FaultKind::kTopology:
      return CutAll(Missing(fault.value % 4, fault.a), fault.lasts, false);
    case FaultKind::kFlap:
      return Flap(a->id(), b->id(), cluster_.world().now() + fault.lasts, false);
    default:
      return cluster_.network().Reset(a->id(), b->id());
  }
}

void Injector::CutAll(const Pairs& pairs, Time lasts, bool quiet) {
  for (const auto& [from, to] : pairs) cluster_.network().Cut(from, to, 1, quiet);
  Undo(lasts, [this, pairs, quiet] {
    for (const auto& [from, to] : pairs) cluster_.network().Cut(from, to, -1, quiet);
  });
}

Injector::Pairs Injector::Sides(std::uint64_t bits) {
  Pairs pairs;
  const std::vector<Member*> present = cluster_.Present();
  for (std::size_t i = 0; i < present.size(); ++i) {
    for (std::size_t j = 0; j < present.size(); ++j) {
      if (((bits >> i) & 1U) != ((bits >> j) & 1U)) {
        pairs.emplace_back(present[i]->id(), present[j]->id());
      }
    }
  }
  return pairs;
}

// The links that a partial topology lacks: chain, ring, star, or two halves with a bridge.
Injector::Pairs Injector::Missing(std::uint64_t shape, std::uint64_t centre) {
  Pairs pairs;
  const std::vector<Member*> present = cluster_.Present();
  const std::size_t size = present.size();
  centre %= size;
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      const std::size_t gap = i > j ? i - j : j - i;
      bool linked = gap == 1;
      if (shape == 1) linked = gap == 1 || gap == size - 1;
      if (shape == 2) linked = i == centre || j == centre;
      if (shape == 3) {
        linked = i == centre || j == centre || (i < size / 2) == (j < size / 2);
      }
      if (i != j && !linked) pairs.emplace_back(present[i]->id(), present[j]->id());
    }
  }
  return pairs;
}

// The links between two sides are clogged one after the other and freed in the opposite order of
// their numbers, so that each moment has another topology.
void Injector::Swizzle(const Fault& fault) {
  const Pairs pairs = Sides(fault.value);
  const auto count = static_cast<std::int64_t>(pairs.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const Time from = fault.lasts * i / (2 * count);
    const Time until = fault.lasts * (2 * count - i) / (2 * count);
    Undo(from, [this, pair = pairs[static_cast<std::size_t>(i)], lasts = until - from] {
      CutAll({pair}, lasts, false);
    });
  }
}

void Injector::Flap(MemberId a, MemberId b, Time until, bool cut) {
  if (healed_) return;
  for (const auto& [from, to] : Pairs{{a, b}, {b, a}}) {
    cluster_.network().Cut(from, to, cut ? -1 : 1, false);
  }
  if (cut && cluster_.world().now() >= until) return;
  const Time next = milliseconds(50 + (a.value + b.value + (cut ? 7U : 0U)) % 400);
  cluster_.world().After(next, [this, a, b, until, cut] { Flap(a, b, until, !cut); });
}

// ---- processes ----

void Injector::Process(const Fault& fault, Member& member) {
  const MemberId id = member.id();
  switch (fault.kind) {
    case FaultKind::kCrash:
      return member.Crash(End::kPowerLoss, fault.lasts);
    case FaultKind::kKill:
      return member.Crash(End::kProcess, fault.lasts);
    case FaultKind::kCrashAtSite:
      restart_after_site_ = fault.lasts;
      // Most places are reached seldom.
      return cluster_.oracle().CrashAt((fault.value >> 32U) % 2 == 0 ? 0 : id.value, fault.value,
                                       fault.b % 2 == 0 ? 1 : 1 + static_cast<int>(fault.b % 8));
    case FaultKind::kCrashAtIo:
      if (member.up()) member.CrashAtIo(1 + fault.value % 40, fault.lasts);
      return;
    case FaultKind::kCrashLoop:
      return Loop(id, 2 + static_cast<int>(fault.value % 5));
    case FaultKind::kOldDirectory:
      return Undo(fault.lasts, [this, id, directory = member.CopyDirectory(), value = fault.value] {
        GoBack(id, directory, value);
      });
    case FaultKind::kEmptyDirectory: {
      auto nothing = std::make_shared<Directory>();
      nothing->disk = {{"/m", std::nullopt}, {kSnapshots, std::nullopt}};
      return GoBack(id, std::move(nothing), fault.value);
    }
    case FaultKind::kOtherDirectory: {
      const Member* other = cluster_.Pick(fault.b == fault.a ? fault.b + 1 : fault.b);
      return member.TryDirectoryOf(*other, fault.lasts);
    }
    case FaultKind::kOtherCluster:
      return member.TryDirectoryOfAnotherCluster(fault.value % 2 == 0, fault.lasts);
    case FaultKind::kSecondInstance:
      return member.TrySecondInstance();
    case FaultKind::kOldVersion:
      Restart(id, false);
      return Undo(fault.lasts, [this, id] { Restart(id, true); });
    case FaultKind::kPause:
      member.Pause(true);
      return Undo(fault.lasts, [this, id] { cluster_.Find(id)->Pause(false); });
    default:
      member.clock().SetCostOfLook(microseconds(10 + fault.value % 2000));
      return Undo(fault.lasts, [this, id] { cluster_.Find(id)->clock().SetCostOfLook(Time(0)); });
  }
}

// The member is stopped, and started as another version.
void Injector::Restart(MemberId id, bool ours) {
  Member* member = cluster_.Find(id);
  if (!member->up() && !ours) return;
  member->SpeakOurWords(ours);
  if (member->up()) member->Crash(End::kProcess, milliseconds(200));
}

void Injector::Loop(MemberId id, int times) {
  if (healed_ || times == 0) return;
  cluster_.Find(id)->Crash(times % 2 == 0 ? End::kPowerLoss : End::kProcess, milliseconds(5));
  cluster_.world().After(milliseconds(20 + times * 40), [this, id, times] { Loop(id, times - 1); });
}

// The machine is switched off and its directory is an older one when it starts again. That waits
// until the others are well, for the directory is one member's data that are lost, and raft bears
// no second fault beside that: who would have to know may be away.
void Injector::GoBack(MemberId id, std::shared_ptr<const Directory> directory,
                      std::uint64_t value) {
  Member* member = cluster_.Find(id);
  if (healed_ || damaged_ || member->retired() || !member->up()) return;
  damaged_ = true;
  member->Crash(End::kPowerLoss, std::nullopt);
  BringBackLater(id, std::move(directory), value);
}

// A machine that was off takes a while. What the others tell of it is as of their last tick: who
// came back within one would not hear what it acknowledged last.
void Injector::BringBackLater(MemberId id, std::shared_ptr<const Directory> directory,
                              std::uint64_t value) {
  cluster_.network().Discard(id);
  cluster_.world().After(kRestoreTakes, [this, id, directory = std::move(directory), value] {
    BringBack(id, directory, value);
  });
}

void Injector::BringBack(MemberId id, std::shared_ptr<const Directory> directory,
                         std::uint64_t value) {
  Member* member = cluster_.Find(id);
  if (healed_ || member->retired() || member->up()) return;
  if (OthersAreWell(id)) {
    cluster_.world().Say("an old directory is put back");
    cluster_.world().Trace("old directory", id.value);
    return member->BootFrom(*directory, value % 4 != 0);
  }
  cluster_.world().After(kLookPause, [this, id, directory = std::move(directory), value] {
    BringBack(id, directory, value);
  });
}

// They follow one leader and have all that is committed, and nothing is under way.
bool Injector::OthersAreWell(MemberId id) {
  const raft::ConfState* state = cluster_.checks().configuration();
  const Member* leader = cluster_.Leader();
  if (state == nullptr || state->voters.size() < 3 || leader == nullptr || leader->id() == id) {
    return false;
  }
  const raft::Core& leads = cluster_.Find(leader->id())->driver().core();
  return std::ranges::all_of(cluster_.Present(), [&](Member* other) {
    if (other->id() == id) return true;
    if (!other->up() || other->paused()) return false;
    const raft::Core& core = other->driver().core();
    return core.term() == leads.term() && core.durable() == leads.last_index() &&
           core.committed() == leads.last_index();
  });
}

// ---- disk and clock ----

void Injector::DiskOrClock(const Fault& fault, Member& member) {
  const MemberId id = member.id();
  Disk& disk = member.disk();
  const auto part = fault.b % 3 == 0 ? "" : "/wal";
  switch (fault.kind) {
    case FaultKind::kSyncError: {
      const bool lasting = fault.value % 3 == 0;
      disk.Inject({.operation = Operation::kSync,
                   .path_part = part,
                   .code = Code::kDataLoss,
                   .skip = static_cast<int>(fault.value % 10),
                   .forever = lasting});
      if (!lasting) return;
      return Undo(fault.lasts, [this, id] { cluster_.Find(id)->disk().ClearFaults(); });
    }
    case FaultKind::kReadError:
      disk.Inject({.operation = Operation::kRead,
                   .path_part = part,
                   .code = Code::kDataLoss,
                   .skip = static_cast<int>(fault.value % 20)});
      return member.Crash(End::kProcess, fault.lasts);
    case FaultKind::kFull: {
      const auto space = disk.FreeSpace("/m");
      if (!space.ok()) return;
      disk.SetCapacity(space->total - space->available + fault.value % 100'000);
      return Undo(fault.lasts, [this, id] { cluster_.Find(id)->disk().SetCapacity(kPlenty); });
    }
    case FaultKind::kSlowDisk:
    case FaultKind::kStall: {
      const auto most = fault.kind == FaultKind::kStall ? 8'000'000U : 200'000U;
      const Time latency = microseconds(1000 + fault.value % most);
      member.disk_latency() += latency;
      return Undo(fault.lasts,
                  [this, id, latency] { cluster_.Find(id)->disk_latency() -= latency; });
    }
    case FaultKind::kBitFlip:
      return Flip(member, fault.value, fault.lasts);
    case FaultKind::kLostWrite:
    case FaultKind::kMisdirectedWrite:
      return Undo(fault.lasts,
                  [this, id, before = member.CopyDirectory(), fault] { Wreck(id, before, fault); });
    case FaultKind::kWallJump: {
      // Ten years to either side, or some months.
      const std::uint64_t most = fault.b % 2 == 0 ? 315'000'000 : 10'000'000;
      const auto jump = static_cast<std::int64_t>(fault.value % (2 * most));
      return member.clock().JumpWall(seconds(jump - static_cast<std::int64_t>(most)));
    }
    default: {
      auto ppm = static_cast<std::int64_t>(fault.value % 400'000) - 200'000;
      if (fault.kind == FaultKind::kFreeze) ppm = -999'000;
      member.clock().SetDrift(ppm);
      return Undo(fault.lasts, [this, id] { cluster_.Find(id)->clock().SetDrift(0); });
    }
  }
}

// One member of a run, so that the others have everything.
bool Injector::MayLoseData() const {
  const raft::ConfState* state = cluster_.checks().configuration();
  const bool others_lost = std::ranges::any_of(
      cluster_.Present(), [](const Member* other) { return other->unusable(); });
  return !damaged_ && !others_lost && state != nullptr && state->voters.size() >= 3;
}

// One bit of a log, or of what is remembered, changes while its machine is off.
void Injector::Flip(Member& member, std::uint64_t value, Time restart) {
  if (!MayLoseData()) return;
  damaged_ = true;
  member.Suspect();
  member.Crash(End::kPowerLoss, std::nullopt);
  Disk& disk = member.disk();
  const auto names = disk.List(kLog);
  if (names.ok() && !names->empty()) {
    std::string path = std::string(kLog) + "/" + (*names)[value % names->size()];
    if ((value >> 40U) % 4 == 0) path = kRecollection;
    const auto info = disk.Stat(path);
    if (info.ok() && info->size > 0) {
      // The front of a segment holds its records.
      const auto mask = static_cast<std::uint8_t>(1U << ((value >> 32U) % 8));
      disk.Damage(path, (value >> 8U) % std::min<std::uint64_t>(info->size, 8192), mask);
    }
  }
  cluster_.world().After(restart, [this, id = member.id()] { cluster_.Find(id)->Boot(); });
}

// Its machine is switched off, and a part of what it wrote to its log since `before`, and synced,
// is not where it should be. As an old directory, this waits until the others are well.
void Injector::Wreck(MemberId id, std::shared_ptr<const Directory> before, const Fault& fault) {
  Member* member = cluster_.Find(id);
  if (healed_ || !MayLoseData() || member->retired() || !member->up()) return;
  member->Crash(End::kPowerLoss, std::nullopt);
  auto now = std::make_shared<Directory>(*member->CopyDirectory());
  if (!LoseSectors(before->disk, now->disk, fault.value,
                   fault.kind == FaultKind::kMisdirectedWrite)) {
    return member->Boot();
  }
  damaged_ = true;
  now->wrecked = true;
  now->promises = {};
  now->log = {};
  BringBackLater(id, std::move(now), fault.b);
}

// ---- administration ----

void Injector::Administer(const Fault& fault, Member& member, Admin& admin) {
  switch (fault.kind) {
    case FaultKind::kAddMember:
      return admin.Add(false);
    case FaultKind::kAddLearner:
      return admin.Add(true);
    case FaultKind::kPromote:
      return admin.Promote(fault.a);
    case FaultKind::kRemoveMember:
      return admin.Remove(member.id());
    case FaultKind::kReplaceEmpty: {
      const raft::ConfState* state = cluster_.checks().configuration();
      if (damaged_ || state == nullptr || state->voters.size() < 3) return;
      damaged_ = true;
      return member.Lose();
    }
    case FaultKind::kUpdateMember:
      return admin.Update(member.id());
    case FaultKind::kMoveLeader:
      return admin.MoveLeader(member.id());
    case FaultKind::kBackup:
      return admin.Backup(member.id(), fault.lasts);
    case FaultKind::kCompact:
      return admin.Compact(fault.value, fault.b % 2 == 0);
    default:
      admin.Alarm(member.id(), true);
      return Undo(fault.lasts, [&admin, id = member.id()] { admin.Alarm(id, false); });
  }
}

// A removal of one of two voters takes a millisecond or two until all know that it is committed; in
// which order they learn of it is what this is about.
void Injector::TwoToOne(const Fault& fault, Admin& admin) {
  const raft::ConfState* state = cluster_.checks().configuration();
  if (state == nullptr || state->voters.size() > 2) return;
  if (state->voters.size() == 1) {
    return state->learners.empty() ? admin.Add(false) : admin.Promote(fault.a);
  }
  if (state->learners.empty()) return admin.Add(true);
  const MemberId gone = state->voters[fault.a % 2];
  const MemberId stays = state->voters[1 - fault.a % 2];
  admin.Remove(gone);
  Undo(microseconds(20 * (fault.value % 200)), [this, gone, stays, fault] {
    if (fault.b % 4 != 0) CutAll({{gone, stays}, {stays, gone}}, fault.lasts, false);
    Member* left = cluster_.Find(stays);
    if (fault.b % 4 == 1 || left == nullptr) return;
    left->Crash(End::kPowerLoss, fault.b % 4 == 2 ? milliseconds(5) : fault.lasts);
  });
}

void Injector::Heal() {
  healed_ = true;
  for (Member* member : cluster_.Present()) {
    member->clock().SetCostOfLook(Time(0));
    member->clock().SetDrift(0);
    member->disk().SetCapacity(kPlenty);
    member->disk().ClearFaults();
    member->disk_latency() = Time(0);
  }
}

}  // namespace quorate::sim::cluster
